//! A TOML file as the list of its statements: headers and key-value pairs, each beginning a line.

use std::ops::Range;

use toml_edit::{Item, Table};

use crate::document::text;

/// A header or a key-value pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TomlLine {
    /// Keys from the root.
    pub(super) path: Vec<String>,
    /// Of a pair: how many of them its header has.
    pub(super) in_header: Option<usize>,
    /// From the beginning of its first line to the end of its last, without the line break.
    pub(super) range: Range<usize>,
}

impl TomlLine {
    pub(super) fn is_header(&self) -> bool {
        self.in_header.is_none()
    }

    /// Below that table, but not the table's own header.
    pub(super) fn is_within(&self, path: &[String]) -> bool {
        self.path.len() > path.len() && self.path.starts_with(path)
    }
}

/// In the order of the text.
pub(super) fn all(text: &str, root: &Table) -> Vec<TomlLine> {
    let mut lines = Vec::new();
    walk(text, root, &mut Vec::new(), 0, &mut lines);
    lines.sort_by_key(|line| line.range.start);
    lines
}

fn walk(
    text: &str,
    table: &Table,
    path: &mut Vec<String>,
    header: usize,
    lines: &mut Vec<TomlLine>,
) {
    for (key, item) in table.iter() {
        path.push(key.to_owned());
        match item {
            Item::None => {}
            Item::Value(value) => {
                let key = table.key(key).and_then(|key| key.span());
                if let (Some(key), Some(value)) = (key, value.span()) {
                    lines.push(TomlLine {
                        path: path.clone(),
                        in_header: Some(header),
                        range: text::line_start(text, key.start)..text::line_end(text, value.end),
                    });
                }
            }
            Item::Table(table) => under(text, table, path, header, lines),
            Item::ArrayOfTables(tables) => {
                for table in tables {
                    under(text, table, path, header, lines);
                }
            }
        }
        path.pop();
    }
}

fn under(
    text: &str,
    table: &Table,
    path: &mut Vec<String>,
    header: usize,
    lines: &mut Vec<TomlLine>,
) {
    if table.is_implicit() || table.is_dotted() {
        return walk(text, table, path, header, lines);
    }
    if let Some(span) = table.span() {
        lines.push(TomlLine {
            path: path.clone(),
            in_header: None,
            range: text::line_start(text, span.start)..text::line_end(text, span.end),
        });
    }
    walk(text, table, path, path.len(), lines);
}

/// Runs of statements that belong to a table, as index ranges.
pub(super) fn runs(lines: &[TomlLine], path: &[String]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if !line.path.starts_with(path) {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.end == at => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}
