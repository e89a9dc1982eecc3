//! Puts a member in.

use jsonc_parser::{
    ast::{Object, Value as Node},
    common::Ranged,
};
use serde_json::{Map, Value};

use super::{
    read::{self, JsonServers},
    render::LineStyle,
};
use crate::document::{EditError, text, text_edit::TextEdit};

pub(in crate::document) fn set(
    text: &str,
    path: &[String],
    name: &str,
    entry: &Value,
) -> Result<Vec<TextEdit>, EditError> {
    let root = read::parse(text).map_err(|_| EditError::WouldTouchMore)?;
    let unit = unit(text, root.as_ref());
    Ok(match read::find(root.as_ref(), path)? {
        JsonServers::Container(object) => match read::last(object, name) {
            Some((_, member)) => {
                let range = member.value.range().start..member.value.range().end;
                vec![replace(text, range, entry, unit)]
            }
            None => append(text, object, name, entry, unit),
        },
        JsonServers::Null { range, at } => {
            vec![replace(text, range, &nested(&path[at + 1..], name, entry), unit)]
        }
        JsonServers::Missing { parent, at } => {
            append(text, parent, &path[at], &nested(&path[at + 1..], name, entry), unit)
        }
        JsonServers::Nothing => vec![start(text, &nested(path, name, entry), unit)],
    })
}

/// The entry within containers yet to be made.
fn nested(path: &[String], name: &str, entry: &Value) -> Value {
    let with = |key: &str, value| Value::Object(Map::from_iter([(key.to_owned(), value)]));
    path.iter().rev().fold(with(name, entry.clone()), |inner, key| with(key, inner))
}

/// What one level is indented by: as the first member at the top that stands on a line of its own, or two spaces.
fn unit<'t>(text: &'t str, root: Option<&Node<'_>>) -> &'t str {
    let Some(Node::Object(root)) = root else { return "  " };
    root.properties
        .iter()
        .find(|member| text::is_first_on_line(text, member.range.start))
        .map(|member| text::indentation(text, member.range.start))
        .filter(|indent| !indent.is_empty())
        .unwrap_or("  ")
}

/// Is it all on one line, and then: with spaces behind its colons?
fn one_line(text: &str) -> LineStyle<'static> {
    let spaced = text.contains('\n') || text.contains(": ") || !text.contains(':');
    LineStyle::Line { spaced }
}

fn replace(text: &str, range: std::ops::Range<usize>, value: &Value, unit: &str) -> TextEdit {
    let there = &text[range.clone()];
    let is_line = if there == "null" { !text.contains('\n') } else { !there.contains('\n') };
    // An entry written on one line stays on one.
    let style = if is_line {
        one_line(text)
    } else {
        LineStyle::Lines {
            indent: text::indentation(text, range.start),
            unit,
            line_break: text::line_break(text, range.start),
        }
    };
    TextEdit { with: style.value(value), range }
}

/// A text without a value gets one behind its comments.
fn start(text: &str, value: &Value, unit: &str) -> TextEdit {
    let line_break = text::line_break(text, text.len());
    let before = if text.is_empty() || text.ends_with('\n') { "" } else { line_break };
    let style = LineStyle::Lines { indent: "", unit, line_break };
    TextEdit::insert(text.len(), format!("{before}{}{line_break}", style.value(value)))
}

fn append(text: &str, object: &Object<'_>, name: &str, value: &Value, unit: &str) -> Vec<TextEdit> {
    let (open, close) = (object.range.start, object.range.end - 1);
    let outer = text::indentation(text, open);
    let line_break = text::line_break(text, close);
    let Some(last) = object.properties.last() else {
        if !text.contains('\n') {
            return vec![TextEdit::insert(close, one_line(text).member(name, value))];
        }
        // What white space and comments there are stays before it, so that they are there when it goes again.
        let indent = format!("{outer}{unit}");
        let member = LineStyle::Lines { indent: &indent, unit, line_break }.member(name, value);
        let with = format!("{line_break}{indent}{member}{line_break}{outer}");
        return vec![TextEdit::insert(close, with)];
    };

    let tail = &text[last.range.end..close];
    let at = last.range.end + tail.trim_end().len();
    let trailing = read::comma(text, last.range.end..close).is_some();
    let comma = if trailing { "," } else { "" };
    // A comment that runs to the end of its line needs another line behind it.
    let is_line = !text[open..close].contains('\n') && !tail.contains("//");
    let with = if is_line {
        let style = one_line(text);
        let space = if matches!(style, LineStyle::Line { spaced: true }) { " " } else { "" };
        format!("{space}{}{comma}", style.member(name, value))
    } else {
        let indent = object
            .properties
            .iter()
            .rev()
            .find(|member| text::is_first_on_line(text, member.range.start))
            .map(|member| text::indentation(text, member.range.start).to_owned())
            .unwrap_or_else(|| format!("{outer}{unit}"));
        let unit = indent.strip_prefix(outer).filter(|unit| !unit.is_empty()).unwrap_or(unit);
        let member = LineStyle::Lines { indent: &indent, unit, line_break }.member(name, value);
        format!("{line_break}{indent}{member}{comma}")
    };
    let mut edits = Vec::new();
    if !trailing {
        edits.push(TextEdit::insert(last.range.end, ","));
    }
    edits.push(TextEdit::insert(at, with));
    edits
}
