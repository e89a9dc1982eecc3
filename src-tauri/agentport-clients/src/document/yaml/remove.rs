//! Takes a member or an item out: the exact inverse of putting it in.

use super::{
    compose::{self, NodeKind},
    flow,
    read::{self, YamlServers},
    set::block,
};
use crate::document::{EditError, text, text_edit::TextEdit};

/// The last of that name.
pub(in crate::document) fn remove(
    text: &str,
    path: &[String],
    name: &str,
) -> Result<Vec<TextEdit>, EditError> {
    let documents = compose::documents(text).map_err(|_| EditError::WouldTouchMore)?;
    if documents.len() > 1 {
        return Err(EditError::WouldTouchMore);
    }
    let (path, _) = read::split(path);
    let YamlServers::Container { node, key } = read::find(documents.first(), path)? else {
        return Ok(Vec::new());
    };
    let parts = read::parts(node);
    let Some(at) = parts.iter().rposition(|(part, _)| part.as_deref() == Some(name)) else {
        return Ok(Vec::new());
    };
    if node.is_flow {
        return flow::remove(text, node, at);
    }
    let is_list = matches!(node.kind, NodeKind::List(_));
    let lines = block(text, parts[at].1.clone(), is_list)?;
    let start = text::break_before(text, lines.start).ok_or(EditError::WouldTouchMore)?;
    let mut edits = vec![TextEdit::cut(start..lines.end)];
    if parts.len() == 1 {
        // Nothing at all behind the key would be no list and no map any more.
        let colon = key.range.end + text::blanks(&text[key.range.end..]);
        if !text[colon..].starts_with(':') {
            return Err(EditError::WouldTouchMore);
        }
        edits.push(TextEdit::insert(colon + 1, if is_list { " []" } else { " {}" }));
    }
    Ok(edits)
}
