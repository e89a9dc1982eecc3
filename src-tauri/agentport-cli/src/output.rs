//! Everything the program prints. Data goes to stdout, as text for people or as JSON; everything else goes to stderr.
//!
//! JSON is the gateway's answer, untouched: numbers keep their spelling, and unknown fields stay.
//!
//! Text for people passes through [`printable`] in this module, whatever the command: names, descriptions, arguments, log
//! lines and errors come from agents and upstreams, and must neither control the terminal nor look like something else.
//! Control, invisible and bidirectional characters become `\u{…}`.

use std::{
    fmt::{self, Write as _},
    io::{self, IsTerminal as _, Write as _},
};

use agentport_core::sanitize::{display_name_within, sanitize_line};
use anyhow::{Context as _, Result};
use clap::ValueEnum;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::client::SuccessBody;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people
    #[default]
    Human,
    /// For programs: one JSON value on one line
    Json,
}

/// The reader of stdout has closed it, as `| head` does. Not worth a message.
#[derive(Debug)]
pub(crate) struct ReaderGone;

impl fmt::Display for ReaderGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reader of the output is gone")
    }
}

impl std::error::Error for ReaderGone {}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub format: OutputFormat,
}

impl Output {
    pub(crate) fn is_json(self) -> bool {
        self.format == OutputFormat::Json
    }

    /// An answer of the gateway: as it came, or as text.
    pub(crate) fn answer<T: DeserializeOwned>(
        self,
        answer: &SuccessBody,
        text: impl FnOnce(T) -> String,
    ) -> Result<()> {
        match self.format {
            OutputFormat::Json => data(answer.text().trim()),
            OutputFormat::Human => human(&text(answer.read()?)),
        }
    }

    /// A list of the gateway (`{"items": […]}`, or an array): as an array, or as text.
    pub(crate) fn list<T: DeserializeOwned>(
        self,
        answer: &SuccessBody,
        text: impl FnOnce(Vec<T>) -> String,
    ) -> Result<()> {
        match self.format {
            OutputFormat::Json => self.value(&answer.items::<Box<RawValue>>()?),
            OutputFormat::Human => human(&text(answer.items()?)),
        }
    }

    /// A value of this program: as JSON, or as text.
    pub(crate) fn own<T: Serialize>(self, value: &T, text: impl FnOnce() -> String) -> Result<()> {
        match self.format {
            OutputFormat::Json => self.value(value),
            OutputFormat::Human => human(&text()),
        }
    }

    /// What a tool returned, which other programs read as well: its bytes as they are, and made printable on a terminal.
    pub(crate) fn tool_text<T: DeserializeOwned>(
        self,
        answer: &SuccessBody,
        text: impl FnOnce(T) -> String,
    ) -> Result<()> {
        match self.format {
            OutputFormat::Json => data(answer.text().trim()),
            OutputFormat::Human if io::stdout().is_terminal() => human(&text(answer.read()?)),
            OutputFormat::Human => data(&text(answer.read()?)),
        }
    }

    fn value<T: Serialize>(self, value: &T) -> Result<()> {
        data(&serde_json::to_string(value).context("cannot write the answer as JSON")?)
    }
}

/// Writes text for people and a line break to stdout. What is not printable is escaped, except our own marks.
pub(crate) fn human(text: &str) -> Result<()> {
    data(&escape_unmarked(text))
}

/// Escapes everything but the marks that [`marked`] makes.
fn escape_unmarked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        shown += &printable(&rest[..at]);
        let mark = MARKS.iter().find(|mark| rest[at..].starts_with(**mark) && styles_stdout());
        let length = mark.map_or(1, |mark| mark.len());
        let sequence = &rest[at..at + length];
        shown += &if mark.is_some() { sequence.to_owned() } else { printable(sequence) };
        rest = &rest[at + length..];
    }
    shown + &printable(rest)
}

/// Writes `text` as it is and a line break to stdout at once: JSON, keys, generated documents.
pub(crate) fn data(text: &str) -> Result<()> {
    raw(format!("{text}\n").as_bytes())
}

/// Writes `bytes` to stdout as they are.
pub(crate) fn raw(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(ReaderGone.into()),
        done => done.context("cannot write to stdout"),
    }
}

/// A line for people on stderr.
pub(crate) fn note(text: &str) {
    // With stderr closed there is nowhere to report it.
    let _ = writeln!(io::stderr().lock(), "{}", escape_unmarked(text));
}

/// Text fit for a terminal: control, invisible and bidirectional characters become `\u{…}`, except line breaks and tabs.
/// What was escaped before stays as it is.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before = None;
    for c in text.chars() {
        if is_hidden(c, before) {
            // Writing to a string does not fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
        before = Some(c);
    }
    shown
}

/// Does a terminal show nothing for this character, or something else than it says?
fn is_hidden(c: char, before: Option<char>) -> bool {
    match c {
        '\n' | '\t' => false,
        ' '..='~' => false,
        '\u{2028}' | '\u{2029}' => true,
        // The selector and the joiner within emoji, which are no letters.
        '\u{fe0f}' | '\u{200d}' => before.is_none_or(|c| c.is_ascii() || c.is_alphanumeric()),
        c if c.is_control() => true,
        c if c.is_whitespace() => false,
        // The core knows which characters are invisible: nothing is left of them.
        c => sanitize_line(c.encode_utf8(&mut [0; 4]), 1).is_empty(),
    }
}

/// Printable text on one line.
pub(crate) fn one_line(text: &str) -> String {
    printable(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name from outside: hidden characters and look-alike letters escaped, and marked if there are any, so that no two
/// names look the same.
pub(crate) fn name(name: &str, max: usize) -> String {
    display_name_within(name, max).to_string()
}

/// One line, cut to `max` characters, with `…` where something is missing.
pub(crate) fn cut(text: &str, max: usize) -> String {
    let line = one_line(text);
    if line.chars().count() <= max {
        return line;
    }
    line.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

fn bold(text: &str) -> String {
    marked(text, TextStyle::Bold)
}

/// How a text stands out on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextStyle {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

/// The sequences of [`TextStyle::start`], and the one that ends them (SGR of ISO/IEC 6429).
const MARKS: [&str; 7] =
    ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m"];

impl TextStyle {
    fn start(self) -> &'static str {
        match self {
            Self::Bold => MARKS[1],
            Self::Dim => MARKS[2],
            Self::Red => MARKS[3],
            Self::Green => MARKS[4],
            Self::Yellow => MARKS[5],
            Self::Cyan => MARKS[6],
        }
    }
}

/// Is stdout a terminal whose user wants colours?
fn styles_stdout() -> bool {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
    !plain && io::stdout().is_terminal()
}

/// The text in a style, where stdout shows styles.
pub(crate) fn marked(text: &str, style: TextStyle) -> String {
    match styles_stdout() {
        true => format!("{}{text}{}", style.start(), MARKS[0]),
        false => text.to_owned(),
    }
}

/// Rows under headings, each column as wide as its widest cell.
pub(crate) fn table<const N: usize>(
    headings: [&str; N],
    rows: Vec<[String; N]>,
    empty: &str,
) -> String {
    if rows.is_empty() {
        return empty.to_owned();
    }
    let rows: Vec<[String; N]> =
        rows.into_iter().map(|row| row.map(|cell| one_line(&cell))).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([headings[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |cells: [&str; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![bold(&line(headings))];
    lines.extend(rows.iter().map(|row| line(std::array::from_fn(|column| row[column].as_str()))));
    lines.join("\n")
}

/// Names and values, a line each. Fields with no value are left out; a value of several lines is indented.
pub(crate) fn fields(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let filled = rows.iter().filter(|(_, value)| !value.is_empty());
    let lines = filled.map(|(name, value)| {
        let value = printable(value).replace('\n', &format!("\n{:width$}  ", ""));
        format!("{}  {value}", bold(&format!("{name:width$}")))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up() {
        let rows = vec![["a".into(), "é\x1b[31m".into()], ["long".into(), "b\nc".into()]];
        assert_eq!(
            table(["ID", "NAME"], rows, "none"),
            "ID    NAME\na     é\\u{1b}[31m\nlong  b c"
        );
        assert_eq!(table(["ID"], vec![], "none"), "none");
    }

    #[test]
    fn fields_are_set_in_and_empty_ones_left_out() {
        let rows = [("Id", "1".into()), ("Empty", String::new()), ("Text", "a\nb".into())];
        assert_eq!(fields(&rows), "Id     1\nText   a\n       b");
    }

    #[test]
    fn hidden_characters_are_escaped_and_others_stay() {
        for (text, want) in [
            ("a\x1b[2J\u{202e}b\tc\r\n", "a\\u{1b}[2J\\u{202e}b\tc\\u{d}\n"),
            ("pay\u{200b}pal\u{2066}x\u{feff}", "pay\\u{200b}pal\\u{2066}x\\u{feff}"),
            ("tag\u{e0041}\u{ad}\u{9b}31m", "tag\\u{e0041}\\u{ad}\\u{9b}31m"),
            ("line\u{2028}line", "line\\u{2028}line"),
            ("Grüße, 世界 مرحبا été\u{a0}!", "Grüße, 世界 مرحبا été\u{a0}!"),
            ("❤\u{fe0f} 👩\u{200d}🔬 a\u{fe0f}", "❤\u{fe0f} 👩\u{200d}🔬 a\\u{fe0f}"),
        ] {
            assert_eq!(printable(text), want);
            assert_eq!(printable(want), want, "once is enough");
        }
    }

    /// Whatever a command forgets is escaped at the end, sequences that look like our own marks too.
    #[test]
    fn the_last_step_lets_no_control_character_through() {
        assert!(!styles_stdout(), "a test's stdout is no terminal");
        let text = "a\x1b[31mred\x1b[0m \x1b]0;title\x07\u{202e}";
        let want = "a\\u{1b}[31mred\\u{1b}[0m \\u{1b}]0;title\\u{7}\\u{202e}";
        assert_eq!(escape_unmarked(text), want);
    }

    #[test]
    fn names_that_look_alike_are_marked() {
        assert_eq!(name("read_file", 40), "read_file");
        // A Cyrillic letter.
        assert_eq!(name("re\u{430}d_file", 40), "re\\u{430}d_file (look-alike name)");
    }

    #[test]
    fn text_is_cut_to_one_line() {
        assert_eq!(one_line(" a\n\n b "), "a b");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abcd", 4), "abcd");
    }
}
