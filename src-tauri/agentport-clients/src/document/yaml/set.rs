//! Puts a member or an item in.

use std::ops::Range;

use serde_json::{Map, Value};

use super::{
    compose::{self, NodeKind, YamlNode},
    flow,
    read::{self, YamlServers},
    render::{self, UNIT},
};
use crate::document::{EditError, text, text_edit::TextEdit};

pub(in crate::document) fn set(
    text: &str,
    path: &[String],
    name: &str,
    entry: &Value,
) -> Result<Vec<TextEdit>, EditError> {
    let documents = compose::documents(text).map_err(|_| EditError::WouldTouchMore)?;
    let Value::Object(entry) = entry else { return Err(EditError::WouldTouchMore) };
    if documents.len() > 1 {
        return Err(EditError::WouldTouchMore);
    }
    let (path, is_list) = read::split(path);
    let new = New { name, entry, is_list };
    match read::find(documents.first(), path)? {
        YamlServers::Container { node, key } => new.in_container(text, node, key),
        YamlServers::Null { node, key, at } => Ok(new.behind_key(text, node, key, &path[at + 1..])),
        YamlServers::Missing { parent, at } => new.in_parent(text, parent, path, at),
        YamlServers::Nothing => Ok(vec![new.start(text, path)]),
    }
}

/// An entry to be put in, as an item of a list or as a member of a map.
struct New<'a> {
    name: &'a str,
    entry: &'a Map<String, Value>,
    is_list: bool,
}

impl New<'_> {
    fn in_container(
        &self,
        text: &str,
        node: &YamlNode,
        key: &YamlNode,
    ) -> Result<Vec<TextEdit>, EditError> {
        let this = New { is_list: matches!(node.kind, NodeKind::List(_)), ..*self };
        if node.is_flow {
            let colon = text::blanks(&text[key.range.end..]) + key.range.end + 1;
            let before = text.get(colon..node.range.start);
            let is_empty = read::parts(node).is_empty();
            // `key: []` comes back when the last one goes. In any other form the brackets stay.
            return Ok(if is_empty && before == Some(" ") && node.range.len() == 2 {
                self.behind_key(text, node, key, &[])
            } else {
                flow::set(node, self.name, self.entry)
            });
        }
        let parts = read::parts(node);
        let there = parts.iter().rev().find(|(name, _)| name.as_deref() == Some(self.name));
        let (_, last) = there.or(parts.last()).ok_or(EditError::WouldTouchMore)?;
        let lines = block(text, last.clone(), this.is_list)?;
        let indent = text::indentation(text, lines.start + text::blanks(&text[lines.start..]));
        let with = this.lines(indent).join(text::line_break(text, lines.end));
        Ok(vec![match there {
            Some(_) => TextEdit { range: lines, with },
            None => below(text, lines.end, with),
        }])
    }

    /// On the lines below a key that nothing stands behind, or only empty brackets or a word for nothing.
    fn behind_key(
        &self,
        text: &str,
        node: &YamlNode,
        key: &YamlNode,
        path: &[String],
    ) -> Vec<TextEdit> {
        let indent = text::indentation(text, key.range.start).to_owned() + UNIT;
        let at = text::line_end(text, node.range.end);
        let with = self.nested(&indent, path).join(text::line_break(text, at));
        let colon = text[..node.range.start].trim_end().len();
        vec![TextEdit::cut(colon..node.range.end.max(colon)), below(text, at, with)]
    }

    /// Makes the container in a map that has none.
    fn in_parent(
        &self,
        text: &str,
        parent: &YamlNode,
        path: &[String],
        at: usize,
    ) -> Result<Vec<TextEdit>, EditError> {
        if parent.is_flow {
            let item = if self.is_list {
                Value::Array(vec![read::as_item(self.name, self.entry)])
            } else {
                Value::Object(Map::from_iter([(
                    self.name.to_owned(),
                    Value::Object(self.entry.clone()),
                )]))
            };
            let inner = path[at + 1..]
                .iter()
                .rev()
                .fold(item, |inner, key| Value::Object(Map::from_iter([(key.clone(), inner)])));
            return Ok(flow::put(parent, &path[at], render::pair(&path[at], &inner)));
        }
        let parts = read::parts(parent);
        let (_, last) = parts.last().ok_or(EditError::WouldTouchMore)?;
        let lines = block(text, last.clone(), false)?;
        let indent = text::indentation(text, last.start);
        let with = self.nested(indent, &path[at..]).join(text::line_break(text, lines.end));
        Ok(vec![below(text, lines.end, with)])
    }

    /// A text without a value gets one behind its comments.
    fn start(&self, text: &str, path: &[String]) -> TextEdit {
        let line_break = text::line_break(text, text.len());
        let before = if text.is_empty() || text.ends_with('\n') { "" } else { line_break };
        let with = self.nested("", path).join(line_break);
        TextEdit::insert(text.len(), format!("{before}{with}{line_break}"))
    }

    /// Below keys yet to be made.
    fn nested(&self, indent: &str, path: &[String]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut indent = indent.to_owned();
        for key in path {
            let mut line = Vec::new();
            render::member(&mut line, &indent, key, &Value::Null);
            lines.extend(line.iter().map(|line| line.trim_end_matches(" null").to_owned()));
            indent.push_str(UNIT);
        }
        lines.extend(self.lines(&indent));
        lines
    }

    fn lines(&self, indent: &str) -> Vec<String> {
        let mut lines = Vec::new();
        if self.is_list {
            render::item(&mut lines, indent, self.name, self.entry);
        } else {
            render::member(&mut lines, indent, self.name, &Value::Object(self.entry.clone()));
        }
        lines
    }
}

/// New lines below the one that ends at `at`.
fn below(text: &str, at: usize, lines: String) -> TextEdit {
    TextEdit::insert(at, format!("{}{lines}", text::line_break(text, at)))
}

/// The lines of a member or an item in block style, if it has them for itself.
pub(super) fn block(
    text: &str,
    part: Range<usize>,
    is_item: bool,
) -> Result<Range<usize>, EditError> {
    let start = text::line_start(text, part.start);
    let before = &text[start..part.start];
    let before = if is_item {
        before.trim_end_matches([' ', '\t']).strip_suffix('-').ok_or(EditError::WouldTouchMore)?
    } else {
        before
    };
    if !before.bytes().all(|byte| byte == b' ') {
        return Err(EditError::WouldTouchMore);
    }
    Ok(start..text::line_end(text, part.end))
}
