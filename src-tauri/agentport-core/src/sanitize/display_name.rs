//! Names as they are shown: hidden characters are escaped, look-alike letters are escaped and the name is marked.
//!
//! Names of tools, integrations, servers and clients come from outside. Two of them must never look the same while they
//! differ, so what cannot be seen, or passes for another letter, is written as `\u{202e}`, the form of Rust and
//! JavaScript. What counts as look-alike follows Unicode UTS #39 in outline: within one word, letters of an alphabet
//! that resembles Latin beside Latin ones (§5.1, mixed scripts); words of Greek or Cyrillic letters that all have a
//! Latin twin (§4, whole-script confusables); styled and compatibility forms of Latin letters.
//!
//! Deliberately absent: twins within ASCII (`l` and `I`), and the complete table of confusables.

use std::fmt;

use super::{ELLIPSIS, invisible};

/// The longest name that is shown in full, in characters of its shown form.
pub const MAX_DISPLAY_NAME: usize = 80;
/// What a marked name ends with.
const MARK: &str = " (look-alike name)";

/// A name made fit to show. Prints its text, and the mark after it if it is suspicious.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName {
    /// The name with hidden and look-alike characters as `\u{…}`, its middle cut out if it was too long.
    pub text: String,
    /// Something was escaped: the name is not what it would look like.
    pub is_suspicious: bool,
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        // A name that was shown once before carries the mark already; where there was no room for a name, the mark would
        // stand for nothing.
        let is_marked = self.text.is_empty() || self.text.ends_with(MARK);
        if self.is_suspicious && !is_marked { f.write_str(MARK) } else { Ok(()) }
    }
}

/// `name` made fit to show, in at most [`MAX_DISPLAY_NAME`] characters.
pub fn display_name(name: &str) -> DisplayName {
    display_name_within(name, MAX_DISPLAY_NAME)
}

/// `name` made fit to show: its text has at most `max_chars` characters, with `…` for what was cut from the middle.
/// Names that differ only at the end stay different as long as both ends fit.
pub fn display_name_within(name: &str, max_chars: usize) -> DisplayName {
    let chars: Vec<char> = name.chars().collect();
    let look_alike = look_alikes(&chars);
    let mut pieces = Vec::with_capacity(chars.len());
    let mut is_suspicious = false;
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| chars[before]);
        let after = chars.get(at + 1).copied();
        if is_emoji_part(before, c, after) {
            continue;
        }
        let plain_space = c == ' ' && before.is_some_and(|before| before != ' ') && after.is_some();
        let hidden = c != ' ' && is_hidden(c) || c == ' ' && !plain_space;
        if hidden || look_alike[at] {
            is_suspicious = true;
            pieces.push(format!("\\u{{{:x}}}", u32::from(c)));
        } else {
            pieces.push(c.to_string());
        }
    }
    is_suspicious |= name.contains("\\u{");
    DisplayName { text: cut_middle(&pieces, max_chars), is_suspicious }
}

/// Cuts between pieces, so that no escape is torn apart.
fn cut_middle(pieces: &[String], max_chars: usize) -> String {
    let length = |piece: &String| piece.chars().count();
    if pieces.iter().map(length).sum::<usize>() <= max_chars {
        return pieces.concat();
    }
    if max_chars == 0 {
        return String::new();
    }
    let for_end = (max_chars - 1) / 3;
    let fitting = |pieces: &mut dyn Iterator<Item = &String>, room: usize| {
        let mut used = 0;
        pieces
            .take_while(|piece| {
                used += length(piece);
                used <= room
            })
            .count()
    };
    let start = fitting(&mut pieces.iter(), max_chars - 1 - for_end);
    let end = fitting(&mut pieces[start..].iter().rev(), for_end);
    let mut text = pieces[..start].concat();
    text.push(ELLIPSIS);
    text.push_str(&pieces[pieces.len() - end..].concat());
    text
}

/// Controls, format characters, blanks other than the space, and private or unassigned planes.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || invisible(c)
        || matches!(c,
            '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}'
            | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

/// The joiner and the selector inside an emoji, which change its picture and hide nothing.
fn is_emoji_part(before: Option<char>, c: char, after: Option<char>) -> bool {
    let emoji = |c: char| matches!(c, '\u{2190}'..='\u{27ff}' | '\u{2900}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}' | '\u{fe0f}');
    match c {
        '\u{fe0f}' => before.is_some_and(|c| emoji(c) && c != '\u{fe0f}'),
        '\u{200d}' => before.is_some_and(emoji) && after.is_some_and(emoji),
        _ => false,
    }
}

/// Which characters pass for others.
fn look_alikes(chars: &[char]) -> Vec<bool> {
    let mut found: Vec<bool> = chars.iter().map(|c| is_styled(*c)).collect();
    let words: Vec<std::ops::Range<usize>> = words(chars).collect();
    let twins =
        |word: &std::ops::Range<usize>| chars[word.clone()].iter().all(|c| has_latin_twin(*c));
    let resembling =
        |word: &std::ops::Range<usize>| chars[word.clone()].iter().any(|c| resembles_latin(*c));
    let latin = |word: &std::ops::Range<usize>| {
        chars[word.clone()].iter().any(|c| is_latin(*c) || is_styled(*c))
    };
    // A word that cannot be taken for Latin shows that the name is really written in that alphabet.
    let native = words.iter().any(|word| resembling(word) && !twins(word) && !latin(word));
    for word in words {
        let alone = word.len() == 1 && native;
        if resembling(&word) && (latin(&word) || twins(&word) && !alone) {
            for at in word {
                found[at] |= resembles_latin(chars[at]);
            }
        }
    }
    found
}

/// The runs of letters that can be seen.
fn words(chars: &[char]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut at = 0;
    let letter = |at: usize| chars[at].is_alphabetic() && !is_hidden(chars[at]);
    std::iter::from_fn(move || {
        while at < chars.len() && !letter(at) {
            at += 1;
        }
        let start = at;
        while at < chars.len() && letter(at) {
            at += 1;
        }
        (start < at).then_some(start..at)
    })
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}

/// Greek, Coptic, Cyrillic, Armenian, Georgian, Cherokee, Lisu and Deseret: alphabets with letters like Latin ones.
fn resembles_latin(c: char) -> bool {
    matches!(c,
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' | '\u{2c80}'..='\u{2cff}'
        | '\u{400}'..='\u{58f}' | '\u{1c80}'..='\u{1c8f}' | '\u{2de0}'..='\u{2dff}' | '\u{a640}'..='\u{a69f}'
        | '\u{10a0}'..='\u{10ff}' | '\u{13a0}'..='\u{13ff}' | '\u{ab70}'..='\u{abbf}'
        | '\u{a4d0}'..='\u{a4ff}' | '\u{10400}'..='\u{1044f}')
}

/// Greek and Cyrillic letters that look like a Latin one in most typefaces.
fn has_latin_twin(c: char) -> bool {
    const CYRILLIC: &str = "асеорхуіјѕԛԝһԁӏьАВЕКМНОРСТХУЅІЈԚԜҺӀ";
    const GREEK: &str = "ονρικυχϲϳωγΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹͿ";
    CYRILLIC.contains(c) || GREEK.contains(c)
}

/// Styled, full-width, enclosed, phonetic and modifier forms of letters, digits and of the marks that separate them.
fn is_styled(c: char) -> bool {
    matches!(c,
        '\u{250}'..='\u{2ff}' | '\u{1d00}'..='\u{1dbf}' | '\u{2070}'..='\u{209f}'
        | '\u{2102}' | '\u{210a}'..='\u{2115}' | '\u{2118}'..='\u{211d}' | '\u{2124}' | '\u{2128}'..='\u{2138}'
        | '\u{2145}'..='\u{2149}' | '\u{2160}'..='\u{2188}' | '\u{2460}'..='\u{24ff}'
        | '\u{ff10}'..='\u{ff19}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' | '\u{ff3f}'
        | '\u{1d400}'..='\u{1d7ff}' | '\u{1f100}'..='\u{1f18f}'
        | '\u{1c3}' | '\u{2010}' | '\u{2011}' | '\u{2043}' | '\u{2212}' | '\u{2024}' | '\u{2044}' | '\u{2215}'
        | '\u{29f8}' | '\u{ff0e}' | '\u{ff0f}' | '\u{fe63}' | '\u{37e}' | '\u{fe4d}'..='\u{fe4f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(name: &str, want: &str) {
        assert_eq!(display_name(name).to_string(), want, "{name:?}");
    }

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in [
            "",
            "read_file",
            "notion-search.v2",
            "Demo notes",
            "Ärzte & Büro",
            "naïve café",
            "Почта Gmail",
            "поиск с фильтром",
            "Αναζήτηση",
            "ファイルを読む",
            "文件（只读）",
            "파일 API",
            "ملفات",
            "פתח קובץ",
            "Files – read",
            "πρόγραμμα 2",
            "ısı",
            "Straße",
        ] {
            let shown = display_name(name);
            assert_eq!((shown.text.as_str(), shown.is_suspicious), (name, false));
        }
        check("🗂️ Files", "🗂 Files");
        check("👩‍💻 Dev", "👩💻 Dev");
    }

    #[test]
    fn hidden_characters_are_escaped_and_the_name_is_marked() {
        for (name, want) in [
            ("read\u{202e}elif", "read\\u{202e}elif (look-alike name)"),
            ("read_file\u{200b}", "read_file\\u{200b} (look-alike name)"),
            ("read\u{200d}_file", "read\\u{200d}_file (look-alike name)"),
            ("\u{feff}x", "\\u{feff}x (look-alike name)"),
            ("a\u{e0041}b", "a\\u{e0041}b (look-alike name)"),
            ("a\nb\u{1b}[31m", "a\\u{a}b\\u{1b}[31m (look-alike name)"),
            ("a\u{a0}b", "a\\u{a0}b (look-alike name)"),
            ("a\u{3164}b", "a\\u{3164}b (look-alike name)"),
            ("a\u{ad}b\u{2066}", "a\\u{ad}b\\u{2066} (look-alike name)"),
            ("a\u{fe0f}", "a\\u{fe0f} (look-alike name)"),
        ] {
            check(name, want);
        }
        // Spaces that cannot be seen or counted are written out as well.
        check(" a  b ", "\\u{20}a \\u{20}b\\u{20} (look-alike name)");
    }

    #[test]
    fn look_alike_letters_are_escaped_and_the_name_is_marked() {
        for (name, want) in [
            ("p\u{430}ypal", "p\\u{430}ypal (look-alike name)"),
            (
                "send_\u{441}\u{43e}\u{440}\u{443}",
                "send_\\u{441}\\u{43e}\\u{440}\\u{443} (look-alike name)",
            ),
            ("g\u{3bf}\u{3bf}gle", "g\\u{3bf}\\u{3bf}gle (look-alike name)"),
            ("re\u{251}d", "re\\u{251}d (look-alike name)"),
            ("\u{ff52}ead", "\\u{ff52}ead (look-alike name)"),
            ("\u{1d5cb}ead", "\\u{1d5cb}ead (look-alike name)"),
            ("read\u{2010}file", "read\\u{2010}file (look-alike name)"),
            ("\u{13a1}ead", "\\u{13a1}ead (look-alike name)"),
            // A word of two alphabets does not show that a lone letter beside it is native.
            ("\u{37f} \u{c0}\u{531}", "\\u{37f} \u{c0}\\u{531} (look-alike name)"),
        ] {
            check(name, want);
        }
    }

    #[test]
    fn long_names_keep_both_ends() {
        let long = format!("{}{}", "a".repeat(200), "_delete");
        let shown = display_name(&long).text;
        assert_eq!(shown.chars().count(), MAX_DISPLAY_NAME);
        assert!(shown.starts_with("aaaa") && shown.ends_with("_delete"), "{shown}");
        assert_eq!(display_name_within("abcdef", 5).text, "abc…f");
        assert_eq!(display_name_within("\u{202e}\u{202e}", 10).text, "…");
        assert_eq!(display_name_within("abc", 0).text, "");
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left(name in any::<String>(), max in 0usize..60) {
            let shown = display_name_within(&name, max);
            prop_assert!(shown.text.chars().count() <= max);
            prop_assert!(shown.text.chars().all(|c| c == ' ' || !is_hidden(c)), "{:?}", shown.text);
            // What is cut away may be what tells a letter from its twin, so only whole names read the same again.
            let whole = display_name_within(&name, usize::MAX).to_string();
            prop_assert_eq!(display_name_within(&whole, usize::MAX).to_string(), whole);
        }

        #[test]
        fn different_names_look_different(one in "[a-z\u{430}\u{200b}\u{202e} _]{0,6}", other in "[a-z\u{430}\u{200b}\u{202e} _]{0,6}") {
            let shown = |name| display_name_within(name, 1_000).text;
            prop_assert_eq!(one == other, shown(&one) == shown(&other));
        }
    }
}
