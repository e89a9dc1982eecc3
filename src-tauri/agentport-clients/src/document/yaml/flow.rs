//! Servers that stand in brackets or braces.

use serde_json::{Map, Value};

use super::{
    compose::{NodeKind, YamlNode},
    read, render,
};
use crate::document::{EditError, text_edit::TextEdit};

pub(super) fn set(node: &YamlNode, name: &str, entry: &Map<String, Value>) -> Vec<TextEdit> {
    let with = match &node.kind {
        NodeKind::List(_) => render::flow(&read::as_item(name, entry)),
        _ => render::pair(name, &Value::Object(entry.clone())),
    };
    put(node, name, with)
}

/// In place of the last of that name, or behind the last of all.
pub(super) fn put(node: &YamlNode, name: &str, with: String) -> Vec<TextEdit> {
    let parts = read::parts(node);
    let there = parts.iter().rev().find(|(part, _)| part.as_deref() == Some(name));
    vec![match (there, parts.last()) {
        (Some((_, range)), _) => TextEdit { range: range.clone(), with },
        (None, Some((_, last))) => TextEdit::insert(last.end, format!(", {with}")),
        (None, None) => TextEdit::insert(node.range.start + 1, with),
    }]
}

pub(super) fn remove(text: &str, node: &YamlNode, at: usize) -> Result<Vec<TextEdit>, EditError> {
    let parts = read::parts(node);
    let range = parts[at].1.clone();
    let (before, behind) = (at.checked_sub(1), parts.get(at + 1));
    let gap = match (before, behind) {
        (_, Some((_, behind))) => range.end..behind.start,
        (Some(before), None) => parts[before].1.end..range.start,
        // Alone, perhaps with a comma behind it.
        (None, None) => {
            let inner = &text[range.end..node.range.end - 1];
            let comma = inner.trim_start().starts_with(',');
            let len = if comma { inner.len() - inner.trim_start().len() + 1 } else { 0 };
            range.end..range.end + len
        }
    };
    // A comment in between is not ours to take.
    if text[gap.clone()].contains('#') {
        return Err(EditError::WouldTouchMore);
    }
    Ok(vec![TextEdit::cut(range.start.min(gap.start)..range.end.max(gap.end))])
}
