//! Undoes escapes in a text, and maps positions back to the source.

use std::ops::Range;

/// The escapes of JSON, TOML and YAML's double quotes. They are undone everywhere, also where a backslash is one: this is
/// for finding, never for reading.
pub(super) struct UnescapedText {
    pub(super) text: String,
    /// For each byte of `text`: the part of the source that its character was written as.
    sources: Vec<Range<usize>>,
}

impl UnescapedText {
    pub(super) fn of(source: &str) -> Self {
        let mut plain = Self { text: String::with_capacity(source.len()), sources: Vec::new() };
        let mut at = 0;
        while let Some(c) = source[at..].chars().next() {
            if let Some(length) = line_goes_on(&source[at..]) {
                at += length;
                continue;
            }
            let (c, length) = match c {
                '\\' => escape(&source[at..]).unwrap_or(('\\', 1)),
                c => (c, c.len_utf8()),
            };
            plain.text.push(c);
            plain.sources.extend(std::iter::repeat_n(at..at + length, c.len_utf8()));
            at += length;
        }
        plain
    }

    /// Where in the source a part of `text` is written.
    pub(super) fn source(&self, range: Range<usize>) -> Range<usize> {
        let last = range.end.saturating_sub(1).max(range.start);
        self.sources[range.start].start..self.sources[last].end
    }
}

/// The length of a backslash at the end of a line and of the blanks after it, which stand for nothing.
fn line_goes_on(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('\\')?;
    let line = rest.strip_prefix('\r').unwrap_or(rest).strip_prefix('\n')?;
    Some(text.len() - line.trim_start().len())
}

/// The character that an escape at the beginning of `text` stands for, and the length of the escape.
fn escape(text: &str) -> Option<(char, usize)> {
    let kind = text[1..].chars().next()?;
    let simple = |c: char| Some((c, 1 + kind.len_utf8()));
    match kind {
        'n' => simple('\n'),
        't' => simple('\t'),
        'r' => simple('\r'),
        'b' => simple('\u{8}'),
        'f' => simple('\u{c}'),
        'e' => simple('\u{1b}'),
        '"' | '\\' | '/' | '\'' | ' ' => simple(kind),
        'x' => code(text, 2, 2).and_then(|code| Some((char::from_u32(code)?, 4))),
        'U' => code(text, 2, 8).and_then(|code| Some((char::from_u32(code)?, 10))),
        'u' => {
            let first = code(text, 2, 4)?;
            if let Some(c) = char::from_u32(first) {
                return Some((c, 6));
            }
            // JSON writes what lies beyond the basic plane as two (RFC 8259 §7).
            let second = text[6..].strip_prefix("\\u").and_then(|_| code(text, 8, 4))?;
            let pair = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
            char::decode_utf16(pair).next()?.ok().map(|c| (c, 12))
        }
        _ => None,
    }
}

fn code(text: &str, at: usize, digits: usize) -> Option<u32> {
    let digits = text.get(at..at + digits)?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_found_again() {
        for (source, want) in [
            ("plain", "plain"),
            (r"a\nb\tc\\d\/e", "a\nb\tc\\d/e"),
            (r"\u0041\x42\U00000043", "ABC"),
            (r"\ud83d\ude00!", "😀!"),
            (r"\ud83d!", r"\ud83d!"),
            (r"\u00", r"\u00"),
            (r"\q\", r"\q\"),
            (r"\é", r"\é"),
            (r"\u12é4", r"\u12é4"),
            ("a\\\n   b", "ab"),
            ("a\\\r\n\tb", "ab"),
        ] {
            let plain = UnescapedText::of(source);
            assert_eq!(plain.text, want, "{source}");
            assert_eq!(plain.sources.len(), plain.text.len());
            if !want.is_empty() {
                assert_eq!(plain.source(0..want.len()), 0..source.len(), "{source}");
            }
        }
        let plain = UnescapedText::of(r"x\u0041y");
        assert_eq!(plain.source(1..2), 1..7);
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_read(text in r"(\\|u|x|U|[0-9a-f]|é|😀|n){0,40}") {
            let plain = UnescapedText::of(&text);
            for (at, c) in plain.text.char_indices() {
                let source = plain.source(at..at + c.len_utf8());
                proptest::prop_assert!(text.get(source).is_some());
            }
        }
    }
}
