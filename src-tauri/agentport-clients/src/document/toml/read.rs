//! What stands in the text.

use serde_json::{Map, Number, Value};
use toml_edit::{Document, InlineTable, Item, Table, TableLike, Value as Node};

use super::lines;
use crate::document::{EditError, ParseError, Servers};

/// Where the servers stand.
pub(super) enum TomlServers<'t> {
    /// Tables with headers, or dotted keys.
    Tables(&'t Table),
    Inline(&'t InlineTable),
    Missing,
}

pub(super) fn parse(text: &str) -> Result<Document<&str>, ParseError> {
    Document::parse(text).map_err(|fault| {
        let at = fault.span().map_or(text.len(), |span| span.start);
        // The parser's words are about the grammar only; what stands in the file is not in them.
        let message = fault.message();
        let mut rest = message.chars();
        let first = rest.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
        ParseError::at(text, at, format!("{first}{}.", rest.as_str()))
    })
}

pub(in crate::document) fn servers(
    text: &str,
    path: &[String],
) -> Result<Result<Servers, EditError>, ParseError> {
    let document = parse(text)?;
    let root = document.as_table();
    Ok(find(root, path).map(|found| match found {
        TomlServers::Missing => Vec::new(),
        TomlServers::Inline(table) => {
            table.iter().map(|(name, value)| (name.to_owned(), of_value(value))).collect()
        }
        TomlServers::Tables(table) => {
            let lines = lines::all(text, root);
            let first = |name: &str| {
                lines.iter().position(|line| line.is_within(path) && line.path[path.len()] == name)
            };
            let mut servers = table
                .iter()
                .map(|(name, item)| (name.to_owned(), of_item(item)))
                .collect::<Vec<_>>();
            servers.sort_by_cached_key(|(name, _)| first(name));
            servers
        }
    }))
}

pub(in crate::document) fn rest(text: &str, path: &[String]) -> Option<Value> {
    let document = parse(text).ok()?;
    let mut root = of_table(document.as_table());
    without(&mut root, path);
    Some(root)
}

pub(super) fn find<'t>(root: &'t Table, path: &[String]) -> Result<TomlServers<'t>, EditError> {
    let mut here: &dyn TableLike = root;
    let mut found = TomlServers::Tables(root);
    for (at, key) in path.iter().enumerate() {
        found = match here.get(key) {
            None | Some(Item::None) => return Ok(TomlServers::Missing),
            Some(Item::Table(table)) => {
                here = table;
                TomlServers::Tables(table)
            }
            Some(Item::Value(Node::InlineTable(table))) => {
                here = table;
                TomlServers::Inline(table)
            }
            Some(_) => return Err(EditError::not_a_container(path, Some(at))),
        };
    }
    Ok(found)
}

fn of_item(item: &Item) -> Value {
    match item {
        Item::None => Value::Null,
        Item::Value(value) => of_value(value),
        Item::Table(table) => of_table(table),
        Item::ArrayOfTables(tables) => tables.iter().map(|table| of_table(table)).collect(),
    }
}

fn of_table(table: &dyn TableLike) -> Value {
    Value::Object(
        table.iter().map(|(key, item)| (key.to_owned(), of_item(item))).collect::<Map<_, _>>(),
    )
}

fn of_value(value: &Node) -> Value {
    match value {
        Node::String(string) => Value::String(string.value().clone()),
        Node::Integer(integer) => Value::from(*integer.value()),
        // JSON has no infinity; as a word it still differs from everything else.
        Node::Float(float) => Number::from_f64(*float.value())
            .map_or_else(|| Value::String(float.value().to_string()), Value::Number),
        Node::Boolean(boolean) => Value::Bool(*boolean.value()),
        Node::Datetime(time) => Value::String(time.value().to_string()),
        Node::Array(array) => array.iter().map(of_value).collect(),
        Node::InlineTable(table) => of_table(table),
    }
}

/// Takes the container out, and what on the way to it holds nothing else.
fn without(value: &mut Value, path: &[String]) {
    let (Value::Object(map), Some((key, deeper))) = (value, path.split_first()) else { return };
    if let Some(inner) = map.get_mut(key) {
        without(inner, deeper);
        let is_gone = deeper.is_empty() || inner.as_object().is_some_and(Map::is_empty);
        if is_gone {
            map.shift_remove(key);
        }
    }
}
