//! Fields of an entry by name, where `/` in a name goes one object deeper.

use serde_json::{Map, Value};

/// The value there, if any.
pub(super) fn get<'a>(entry: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    match name.split_once('/') {
        Some((first, rest)) => get(entry.get(first)?.as_object()?, rest),
        None => entry.get(name),
    }
}

/// Takes the value out, and with it an object that has nothing else in it.
pub(super) fn take(entry: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let Some((first, rest)) = name.split_once('/') else { return entry.shift_remove(name) };
    let inner = entry.get_mut(first)?.as_object_mut()?;
    let value = take(inner, rest)?;
    if inner.is_empty() {
        entry.shift_remove(first);
    }
    Some(value)
}

/// Puts the value there, last.
pub(super) fn put(entry: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('/') {
        Some((first, rest)) => {
            let inner = entry.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
        None => {
            entry.insert(name.to_owned(), value);
        }
    }
}
