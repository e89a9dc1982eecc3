//! Takes a table out, with its sub-tables: the exact inverse of putting it in.

use std::ops::Range;

use super::{
    inline, lines,
    read::{self, TomlServers},
};
use crate::document::{EditError, text, text_edit::TextEdit};

pub(in crate::document) fn remove(
    text: &str,
    path: &[String],
    name: &str,
) -> Result<Vec<TextEdit>, EditError> {
    let document = read::parse(text).map_err(|_| EditError::WouldTouchMore)?;
    match read::find(document.as_table(), path)? {
        TomlServers::Missing => Ok(Vec::new()),
        TomlServers::Inline(table) => inline::remove(text, table, name),
        TomlServers::Tables(_) => {
            let lines = lines::all(text, document.as_table());
            let full = [path, &[name.to_owned()]].concat();
            Ok(lines::runs(&lines, &full)
                .into_iter()
                .map(|run| {
                    let range = lines[run.start].range.start..lines[run.end - 1].range.end;
                    TextEdit::cut(cut(text, range, lines[run.start].is_header()))
                })
                .collect())
        }
    }
}

/// Whole lines; of a table also the blank line before it, which set it apart.
fn cut(text: &str, lines: Range<usize>, is_table: bool) -> Range<usize> {
    let Some(before) = text::break_before(text, lines.start) else {
        // At the very beginning: with the blank line behind it, if something comes after that.
        let mut end = text::past_break(text, lines.end);
        if is_table && !text[end..].trim().is_empty() {
            end = text::past_break(text, end);
        }
        return lines.start..end;
    };
    let blank = text::break_before(text, before).filter(|_| is_table);
    blank.unwrap_or(before)..lines.end
}
