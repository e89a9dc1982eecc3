//! Servers that stand in an inline table: `mcp_servers = { name = { … } }`.

use serde_json::Value;
use toml_edit::{InlineTable, Item};

use super::render;
use crate::document::{EditError, text_edit::TextEdit};

pub(super) fn set(
    table: &InlineTable,
    name: &str,
    entry: &Value,
) -> Result<Vec<TextEdit>, EditError> {
    if let Some(value) = table.get(name) {
        // Made of dotted keys: there is no one place to replace.
        let range = value.span().ok_or(EditError::WouldTouchMore)?;
        return Ok(vec![TextEdit { range, with: render::inline(entry)? }]);
    }
    let pair = render::pair(name, entry)?;
    Ok(vec![match members(table)?.last() {
        Some((_, last)) => TextEdit::insert(last.end, format!(", {pair}")),
        None => {
            let range = table.span().ok_or(EditError::WouldTouchMore)?;
            TextEdit::insert(range.start + 1, pair)
        }
    }])
}

pub(super) fn remove(
    text: &str,
    table: &InlineTable,
    name: &str,
) -> Result<Vec<TextEdit>, EditError> {
    let members = members(table)?;
    let Some(at) = members.iter().position(|(there, _)| there == name) else {
        return Ok(Vec::new());
    };
    let range = &members[at].1;
    let cut = if let Some((_, behind)) = members.get(at + 1) {
        range.start..behind.start
    } else if let Some(before) = at.checked_sub(1) {
        members[before].1.end..range.end
    } else {
        range.clone()
    };
    let between = text.get(cut.clone()).ok_or(EditError::WouldTouchMore)?;
    let own = &text[range.clone()];
    // A comment next to it would go as well (TOML 1.1 allows them here).
    if between.replacen(own, "", 1).contains('#') {
        return Err(EditError::WouldTouchMore);
    }
    Ok(vec![TextEdit::cut(cut)])
}

/// From the key to the end of the value, in the order of the text.
fn members(table: &InlineTable) -> Result<Vec<(String, std::ops::Range<usize>)>, EditError> {
    let mut members = Vec::with_capacity(table.len());
    for (name, _) in table.iter() {
        let (key, item) = table.get_key_value(name).ok_or(EditError::WouldTouchMore)?;
        let (Some(key), Item::Value(value)) = (key.span(), item) else {
            return Err(EditError::WouldTouchMore);
        };
        let value = value.span().ok_or(EditError::WouldTouchMore)?;
        members.push((name.to_owned(), key.start..value.end));
    }
    members.sort_by_key(|(_, range)| range.start);
    Ok(members)
}
