//! Text from agents and upstreams made fit to show.
//!
//! Names, descriptions, notes and arguments come from agents and upstreams, and end up in front of the owner: in a
//! notification, a terminal, a page. What always holds for what comes out of here:
//!
//! - no control character (but `\n` where lines are kept) and no terminal escape sequence (ECMA-48);
//! - nothing that reorders or hides text: no bidirectional controls (UAX #9), no zero-width, tag or other invisible
//!   characters;
//! - never more characters than asked for;
//! - cleaning twice changes nothing.
//!
//! Running text loses what is hidden; names ([`display_name`]) show it escaped, so that no two look alike.
//!
//! Deliberately absent: escaping for HTML or Markdown, which is done where text becomes a page.

mod display_name;

pub use display_name::{DisplayName, MAX_DISPLAY_NAME, display_name, display_name_within};

/// Stands for what was cut off.
const ELLIPSIS: char = '…';
/// Stands for a line break in [`sanitize_marking_lines`].
pub const LINE_BREAK: char = '⏎';
/// A control string longer than this is no terminal command but an attempt to hide text: only its introducer goes.
const MAX_CONTROL_STRING: usize = 256;

/// Cleans `text` into one line of at most `max_chars` characters, `…` included if it had to be cut.
///
/// Line breaks and tabs count as blanks; runs of blanks become one space, at either end none.
pub fn sanitize_line(text: &str, max_chars: usize) -> String {
    cleaned(text, max_chars, LineBreaks::Blank)
}

/// Cleans `text` like [`sanitize_line`], but a line break becomes a visible [`LINE_BREAK`], so that two commands never
/// read as one.
pub fn sanitize_marking_lines(text: &str, max_chars: usize) -> String {
    cleaned(text, max_chars, LineBreaks::Mark)
}

/// Cleans `text` like [`sanitize_line`], but keeps its lines: every kind of line break becomes `\n`, and never more than one
/// empty line stands between two others, so that nothing can be pushed out of sight.
pub fn sanitize_lines(text: &str, max_chars: usize) -> String {
    cleaned(text, max_chars, LineBreaks::Keep)
}

/// `number` with its thousands apart: `2,310`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What becomes of line breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineBreaks {
    Blank,
    Keep,
    Mark,
}

fn cleaned(text: &str, max_chars: usize, line_breaks: LineBreaks) -> String {
    let mut out = Fitted::new(text.len(), max_chars);
    let mut breaks = 0;
    let mut blank = false;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match kind(c) {
            Kind::Break if line_breaks != LineBreaks::Blank => {
                if c == '\r' && rest.as_str().starts_with('\n') {
                    rest.next();
                }
                if line_breaks == LineBreaks::Keep {
                    breaks += 1;
                    continue;
                }
                blank = false;
                out.push(LINE_BREAK);
                if out.overflowed() {
                    break;
                }
            }
            Kind::Break | Kind::Blank => blank = true,
            Kind::Escape => rest = after_escape(rest.as_str(), None).chars(),
            Kind::C1 => rest = after_escape(rest.as_str(), c1_final(c)).chars(),
            Kind::Invisible => {}
            Kind::Visible => {
                if !out.is_empty() {
                    let gap = match (breaks, blank) {
                        (0, false) => "",
                        (0, true) => " ",
                        (1, _) => "\n",
                        _ => "\n\n",
                    };
                    gap.chars().for_each(|c| out.push(c));
                }
                (breaks, blank) = (0, false);
                out.push(c);
                if out.overflowed() {
                    break;
                }
            }
        }
    }
    out.finish()
}

/// Text that stops growing one character after it no longer fits.
struct Fitted {
    text: String,
    count: usize,
    max: usize,
}

impl Fitted {
    fn new(expected: usize, max: usize) -> Self {
        Self { text: String::with_capacity(expected.min(max.saturating_mul(4))), count: 0, max }
    }

    fn push(&mut self, c: char) {
        if !self.overflowed() {
            self.text.push(c);
            self.count += 1;
        }
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn overflowed(&self) -> bool {
        self.count > self.max
    }

    fn finish(mut self) -> String {
        if self.overflowed() {
            let keep = self.max.saturating_sub(1);
            let end = self.text.char_indices().nth(keep).map_or(self.text.len(), |(at, _)| at);
            self.text.truncate(end);
            self.text.truncate(self.text.trim_end().len());
            if self.max > 0 {
                self.text.push(ELLIPSIS);
            }
        }
        self.text
    }
}

enum Kind {
    Visible,
    Break,
    Blank,
    Escape,
    C1,
    Invisible,
}

fn kind(c: char) -> Kind {
    match c {
        '\u{1b}' => Kind::Escape,
        '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Kind::Break,
        // Hangul fillers and the empty Braille cell take up room and show nothing.
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}' => Kind::Blank,
        c if c.is_whitespace() => Kind::Blank,
        '\u{80}'..='\u{9f}' => Kind::C1,
        c if c.is_control() || invisible(c) => Kind::Invisible,
        _ => Kind::Visible,
    }
}

/// Unicode's default-ignorable code points (`Default_Ignorable_Code_Point`, less the blanks above) and the format
/// characters beside them. Emoji lose their joiners and selectors by it, which is a small price: the same characters
/// carry hidden messages.
fn invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The character that follows ESC in the seven-bit form of a C1 control (ECMA-48 §5.3).
fn c1_final(c1: char) -> Option<char> {
    char::from_u32(u32::from(c1) - 0x40)
}

/// What follows an escape sequence. `first` is the character after ESC if it has been read already.
fn after_escape(text: &str, first: Option<char>) -> &str {
    let mut chars = text.chars();
    let Some(first) = first.or_else(|| chars.next()) else { return "" };
    let rest = chars.as_str();
    match first {
        '[' => after_final(rest, '\u{20}'..='\u{3f}', '\u{40}'..='\u{7e}'),
        ']' | 'P' | 'X' | '^' | '_' => after_string(rest),
        '\u{20}'..='\u{2f}' => after_final(rest, '\u{20}'..='\u{2f}', '\u{30}'..='\u{7e}'),
        '\u{30}'..='\u{7e}' => rest,
        _ => text,
    }
}

/// Skips characters between and, if it is there, the final one.
fn after_final(
    text: &str,
    between: std::ops::RangeInclusive<char>,
    last: std::ops::RangeInclusive<char>,
) -> &str {
    let rest = text.trim_start_matches(|c| between.contains(&c));
    let mut chars = rest.chars();
    if chars.next().is_some_and(|c| last.contains(&c)) { chars.as_str() } else { rest }
}

/// Skips a control string up to BEL or ST; without an end, or too long, it is shown.
fn after_string(text: &str) -> &str {
    for (at, c) in text.char_indices().take(MAX_CONTROL_STRING) {
        match c {
            '\u{7}' | '\u{9c}' => return &text[at + c.len_utf8()..],
            '\u{1b}' if text[at..].starts_with("\u{1b}\\") => return &text[at + 2..],
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests;
