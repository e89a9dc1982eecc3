//! Everything the program prints. Data goes to stdout, in words or as JSON; everything else goes to stderr.
//!
//! JSON is what the gateway said, untouched: numbers keep their spelling, and fields this program does not know stay.
//! Words are cleaned: much of what is shown was written by agents and upstreams, and an escape sequence in it must not
//! reach the terminal.

use std::{
    fmt,
    io::{self, IsTerminal as _, Write as _},
};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::client::Answer;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Human,
    /// For programs: one JSON value on one line
    Json,
}

/// Whoever reads our stdout has closed it. Not worth a message.
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
    pub format: Format,
}

impl Output {
    pub(crate) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// One of the gateway's answers: as it came, or in words.
    pub(crate) fn answer<T: DeserializeOwned>(
        self,
        answer: &Answer,
        words: impl FnOnce(T) -> String,
    ) -> Result<()> {
        match self.format {
            Format::Json => data(answer.text().trim()),
            Format::Human => data(&words(answer.read()?)),
        }
    }

    /// A list of the gateway's (`{"items": […]}`, or an array): as an array, or in words.
    pub(crate) fn list<T: DeserializeOwned>(
        self,
        answer: &Answer,
        words: impl FnOnce(Vec<T>) -> String,
    ) -> Result<()> {
        match self.format {
            Format::Json => self.value(&answer.items::<Box<RawValue>>()?),
            Format::Human => data(&words(answer.items()?)),
        }
    }

    /// Something of our own making: as JSON, or in words.
    pub(crate) fn own<T: Serialize>(self, value: &T, words: impl FnOnce() -> String) -> Result<()> {
        match self.format {
            Format::Json => self.value(value),
            Format::Human => data(&words()),
        }
    }

    fn value<T: Serialize>(self, value: &T) -> Result<()> {
        data(&serde_json::to_string(value).context("cannot write the answer as JSON")?)
    }
}

/// Writes `text` and a line break to stdout at once.
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
    // With stderr gone there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "{}", printable(text));
}

/// Foreign text fit for a terminal: without control and bidirectional characters, except line breaks and tabs.
pub(crate) fn printable(text: &str) -> String {
    let unfit = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if unfit(c) { '\u{fffd}' } else { c }).collect()
}

/// The same on one line.
pub(crate) fn one_line(text: &str) -> String {
    printable(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cut to `max` characters, with `…` where something is missing.
pub(crate) fn cut(text: &str, max: usize) -> String {
    let line = one_line(text);
    if line.chars().count() <= max {
        return line;
    }
    line.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

/// What is read by other programs keeps its bytes; what is read on a terminal is cleaned.
pub(crate) fn foreign(text: &str) -> String {
    if io::stdout().is_terminal() { printable(text) } else { text.to_owned() }
}

fn bold(text: &str) -> String {
    marked(text, "1")
}

/// With a mark of ISO/IEC 6429 (`1` bold, `31` red …), where a person reads it on a terminal and wants colours.
pub(crate) fn marked(text: &str, mark: &str) -> String {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
    if plain || !io::stdout().is_terminal() {
        text.to_owned()
    } else {
        format!("\x1b[{mark}m{text}\x1b[0m")
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

/// One thing, field by field. Fields with no value are left out; a value of several lines is set in.
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
            "ID    NAME\na     é\u{fffd}[31m\nlong  b c"
        );
        assert_eq!(table(["ID"], vec![], "none"), "none");
    }

    #[test]
    fn fields_are_set_in_and_empty_ones_left_out() {
        let rows = [("Id", "1".into()), ("Empty", String::new()), ("Text", "a\nb".into())];
        assert_eq!(fields(&rows), "Id     1\nText   a\n       b");
    }

    #[test]
    fn foreign_text_cannot_move_the_cursor_or_turn_round() {
        assert_eq!(printable("a\x1b[2J\u{202e}b\tc\r\n"), "a\u{fffd}[2J\u{fffd}b\tc\u{fffd}\n");
        assert_eq!(one_line(" a\n\n b "), "a b");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abcd", 4), "abcd");
    }
}
