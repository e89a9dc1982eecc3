//! How a value of ours is written, so that it looks like the rest of the file.

use std::io;

use serde::Serialize;
use serde_json::{
    Value,
    ser::{Formatter, PrettyFormatter, Serializer},
};

/// On one line or on several.
pub(super) enum LineStyle<'a> {
    /// `{"a":1}` where the file has no spaces, `{"a": 1}` otherwise.
    Line { spaced: bool },
    Lines {
        /// Of the line the value begins on.
        indent: &'a str,
        unit: &'a str,
        line_break: &'a str,
    },
}

impl LineStyle<'_> {
    pub(super) fn value(&self, value: &Value) -> String {
        match self {
            Self::Line { spaced: false } => value.to_string(),
            Self::Line { spaced: true } => write(value, Spaced),
            Self::Lines { indent, unit, line_break } => {
                // Line breaks within strings are escaped, so that every one is the formatter's.
                write(value, PrettyFormatter::with_indent(unit.as_bytes()))
                    .replace('\n', &format!("{line_break}{indent}"))
            }
        }
    }

    pub(super) fn member(&self, name: &str, value: &Value) -> String {
        let colon = if matches!(self, Self::Line { spaced: false }) { ":" } else { ": " };
        format!("{}{colon}{}", Value::from(name), self.value(value))
    }
}

fn write(value: &Value, formatter: impl Formatter) -> String {
    let mut bytes = Vec::new();
    value
        .serialize(&mut Serializer::with_formatter(&mut bytes, formatter))
        .expect("a JSON value is written to memory");
    String::from_utf8(bytes).expect("JSON is written as UTF-8")
}

/// One line, with a space behind commas and colons.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}
