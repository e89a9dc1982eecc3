//! What stands in the text, and where.

use serde_json::{Map, Value, json};

use super::compose::{self, NodeKind, YamlNode};
use crate::document::{EditError, LIST, ParseError, Servers};

/// Where the servers stand, as far as the path to them leads.
pub(super) enum YamlServers<'t> {
    /// A map or a list, and its key.
    Container { node: &'t YamlNode, key: &'t YamlNode },
    /// Nothing, or a word for it, stands behind this key, which is `path[at]`.
    Null { node: &'t YamlNode, key: &'t YamlNode, at: usize },
    /// This map has no `path[at]`.
    Missing { parent: &'t YamlNode, at: usize },
    /// No value at all.
    Nothing,
}

pub(in crate::document) fn servers(
    text: &str,
    path: &[String],
) -> Result<Result<Servers, EditError>, ParseError> {
    let documents = compose::documents(text)?;
    let (path, _) = split(path);
    Ok(find(documents.first(), path).map(|found| match found {
        YamlServers::Container { node, .. } => match &node.kind {
            NodeKind::Map(members) => {
                members.iter().map(|(key, value)| (key.name(), value.value())).collect()
            }
            NodeKind::List(items) => items.iter().filter_map(named).collect(),
            NodeKind::Scalar(_) | NodeKind::Alias(_) => Vec::new(),
        },
        YamlServers::Null { .. } | YamlServers::Missing { .. } | YamlServers::Nothing => Vec::new(),
    }))
}

pub(in crate::document) fn rest(text: &str, path: &[String]) -> Option<Value> {
    let documents = compose::documents(text).ok()?;
    let (path, _) = split(path);
    let mut documents = documents.iter();
    let first = documents.next().and_then(|first| without(first, path));
    let others = documents.map(faithful).collect::<Vec<_>>();
    Some(json!([first.unwrap_or_else(|| json!({ "map": [] })), others]))
}

/// The path, and whether it ends in [`LIST`].
pub(super) fn split(path: &[String]) -> (&[String], bool) {
    match path.split_last() {
        Some((last, path)) if last == LIST => (path, true),
        _ => (path, false),
    }
}

pub(super) fn find<'t>(
    root: Option<&'t YamlNode>,
    path: &[String],
) -> Result<YamlServers<'t>, EditError> {
    let Some(mut here) = root.filter(|root| root.kind != NodeKind::Scalar(Value::Null)) else {
        return Ok(YamlServers::Nothing);
    };
    if !matches!(here.kind, NodeKind::Map(_)) {
        return Err(EditError::not_a_container(path, None));
    }
    let mut found = None;
    for (at, name) in path.iter().enumerate() {
        let NodeKind::Map(members) = &here.kind else {
            return Err(EditError::not_a_container(path, at.checked_sub(1)));
        };
        let Some((key, node)) = members.iter().rev().find(|(key, _)| key.name() == *name) else {
            return Ok(YamlServers::Missing { parent: here, at });
        };
        match &node.kind {
            NodeKind::Scalar(Value::Null) => return Ok(YamlServers::Null { node, key, at }),
            NodeKind::Scalar(_) => return Err(EditError::not_a_container(path, Some(at))),
            NodeKind::Alias(_) => return Err(EditError::WouldTouchMore),
            NodeKind::Map(_) | NodeKind::List(_) => {}
        }
        here = node;
        found = Some(YamlServers::Container { node, key });
    }
    // The whole file as a container has no key; no client has that.
    found.ok_or_else(|| EditError::not_a_container(path, None))
}

/// An item of a list with its name, which is not part of the entry.
pub(super) fn named(item: &YamlNode) -> Option<(String, Value)> {
    let Value::Object(mut entry) = item.value() else { return None };
    match entry.shift_remove("name")? {
        Value::String(name) => Some((name, Value::Object(entry))),
        _ => None,
    }
}

/// As a value that tells names apart that stand twice. A map is `{"map": [[name, value], …]}`.
fn faithful(node: &YamlNode) -> Value {
    match &node.kind {
        NodeKind::Map(members) => {
            let members = members
                .iter()
                .map(|(key, value)| json!([faithful(key), faithful(value)]))
                .collect::<Vec<_>>();
            json!({ "map": members })
        }
        NodeKind::List(items) => items.iter().map(faithful).collect(),
        NodeKind::Scalar(value) | NodeKind::Alias(value) => value.clone(),
    }
}

/// All but the container. Of the way to it, what holds nothing else counts as not there, since it may have been made.
/// Items of a list that have no name are not servers, and so belong to the rest.
fn without(node: &YamlNode, path: &[String]) -> Option<Value> {
    let Some((name, deeper)) = path.split_first() else {
        return match &node.kind {
            NodeKind::List(items) => {
                let nameless = items.iter().filter(|item| named(item).is_none());
                let nameless = nameless.map(faithful).collect::<Vec<_>>();
                (!nameless.is_empty()).then(|| json!(nameless))
            }
            NodeKind::Map(_) | NodeKind::Scalar(Value::Null) => None,
            NodeKind::Scalar(_) | NodeKind::Alias(_) => Some(faithful(node)),
        };
    };
    let NodeKind::Map(members) = &node.kind else {
        return match &node.kind {
            NodeKind::Scalar(Value::Null) => None,
            _ => Some(faithful(node)),
        };
    };
    let counts = members.iter().rposition(|(key, _)| key.name() == *name);
    let members = members
        .iter()
        .enumerate()
        .filter_map(|(at, (key, value))| {
            let value = if Some(at) == counts { without(value, deeper)? } else { faithful(value) };
            Some(json!([faithful(key), value]))
        })
        .collect::<Vec<_>>();
    (!members.is_empty()).then(|| json!({ "map": members }))
}

/// Members or items of a container, each from its key (or its first character) to its end.
pub(super) fn parts(node: &YamlNode) -> Vec<(Option<String>, std::ops::Range<usize>)> {
    match &node.kind {
        NodeKind::Map(members) => members
            .iter()
            .map(|(key, value)| (Some(key.name()), key.range.start..value.range.end))
            .collect(),
        NodeKind::List(items) => items
            .iter()
            .map(|item| (named(item).map(|(name, _)| name), item.range.clone()))
            .collect(),
        NodeKind::Scalar(_) | NodeKind::Alias(_) => Vec::new(),
    }
}

/// The entry as it is written into this kind of container, in flow style.
pub(super) fn as_item(name: &str, entry: &Map<String, Value>) -> Value {
    let mut item = Map::from_iter([("name".to_owned(), Value::from(name))]);
    item.extend(
        entry
            .iter()
            .filter(|(key, _)| *key != "name")
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    Value::Object(item)
}
