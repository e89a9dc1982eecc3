//! Puts a table in.

use std::ops::Range;

use serde_json::Value;

use super::{
    inline,
    lines::{self, TomlLine},
    read::{self, TomlServers},
    render,
};
use crate::document::{EditError, text, text_edit::TextEdit};

pub(in crate::document) fn set(
    text: &str,
    path: &[String],
    name: &str,
    entry: &Value,
) -> Result<Vec<TextEdit>, EditError> {
    let document = read::parse(text).map_err(|_| EditError::WouldTouchMore)?;
    let lines = lines::all(text, document.as_table());
    let full = [path, &[name.to_owned()]].concat();
    match read::find(document.as_table(), path)? {
        TomlServers::Inline(table) => inline::set(table, name, entry),
        TomlServers::Tables(table) if table.contains_key(name) => {
            replace(text, &lines, &full, entry)
        }
        TomlServers::Tables(_) | TomlServers::Missing => {
            let Value::Object(entry) = entry else { return Err(EditError::WouldTouchMore) };
            let at = place(text, &lines, path);
            let line_break = text::line_break(text, at.unwrap_or(0));
            let table = render::table(&full, entry, line_break)?;
            Ok(vec![match at {
                // Always a blank line, so that it is known to be ours when the table goes again.
                Some(at) => TextEdit::insert(at, format!("{line_break}{line_break}{table}")),
                None => TextEdit::insert(0, format!("{table}{line_break}")),
            }])
        }
    }
}

/// The end of the line that a new table follows: behind the last of its kind, or at the end of the file. `None` for a
/// text of white space.
fn place(text: &str, lines: &[TomlLine], path: &[String]) -> Option<usize> {
    let last = lines.iter().rposition(|line| line.path.starts_with(path));
    if let Some(last) = last {
        // What follows up to the next header belongs to the header before.
        let behind = lines[last + 1..].iter().position(TomlLine::is_header);
        let end = behind.map_or(lines.len(), |behind| last + 1 + behind);
        return Some(lines[end - 1].range.end);
    }
    let end = text.trim_end().len();
    (end > 0).then(|| text::line_end(text, end))
}

fn replace(
    text: &str,
    lines: &[TomlLine],
    full: &[String],
    entry: &Value,
) -> Result<Vec<TextEdit>, EditError> {
    let runs = lines::runs(lines, full);
    let (first, others) = runs.split_first().ok_or(EditError::WouldTouchMore)?;
    let span = |run: &Range<usize>| lines[run.start].range.start..lines[run.end - 1].range.end;
    let range = span(first);
    let indent = &text[range.start..range.start + text::blanks(&text[range.start..])];
    let with = match lines[first.start].in_header {
        None => {
            let Value::Object(entry) = entry else { return Err(EditError::WouldTouchMore) };
            render::table(full, entry, text::line_break(text, range.start))?
        }
        Some(header) => {
            let keys = full[header..].iter().map(|key| render::key(key)).collect::<Vec<_>>();
            format!("{} = {}", keys.join("."), render::inline(entry)?)
        }
    };
    let mut edits = vec![TextEdit { range: range.clone(), with: format!("{indent}{with}") }];
    edits.extend(others.iter().map(|run| {
        let range = span(run);
        TextEdit::cut(range.start..text::past_break(text, range.end))
    }));
    Ok(edits)
}
