//! How an entry of ours is written.

use serde_json::{Map, Value};

use super::scalar;

/// What one level is indented by.
pub(super) const UNIT: &str = "  ";

/// `key: value`, over as many lines as it takes; none of them ends in a line break.
pub(super) fn member(lines: &mut Vec<String>, indent: &str, key: &str, value: &Value) {
    let key = word(key);
    match value {
        Value::Object(map) if !map.is_empty() => {
            lines.push(format!("{indent}{key}:"));
            let deeper = format!("{indent}{UNIT}");
            for (key, value) in map {
                member(lines, &deeper, key, value);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            lines.push(format!("{indent}{key}:"));
            for item in items {
                lines.push(format!("{indent}{UNIT}- {}", inline(item)));
            }
        }
        value => lines.push(format!("{indent}{key}: {}", inline(value))),
    }
}

/// `- name: …` and the entry below it.
pub(super) fn item(lines: &mut Vec<String>, indent: &str, name: &str, entry: &Map<String, Value>) {
    lines.push(format!("{indent}- name: {}", word(name)));
    let deeper = format!("{indent}{UNIT}");
    for (key, value) in entry.iter().filter(|(key, _)| *key != "name") {
        member(lines, &deeper, key, value);
    }
}

/// In flow style: JSON, which YAML contains.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::String(string) => word(string),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        Value::Object(_) => flow(value),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::String(string) => quoted(string),
        Value::Array(_) => inline(value),
        Value::Object(map) => {
            let members = map.iter().map(|(key, value)| pair(key, value)).collect::<Vec<_>>();
            format!("{{{}}}", members.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// A member in flow style.
pub(super) fn pair(key: &str, value: &Value) -> String {
    format!("{}: {}", quoted(key), flow(value))
}

/// Without quotation marks where nobody could take it for something else.
fn word(string: &str) -> String {
    // What YAML 1.1 took for booleans, some readers still do.
    const TAKEN: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];
    let is_plain = string.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && string.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte))
        && scalar::plain(string).is_string()
        && !TAKEN.contains(&string.to_ascii_lowercase().as_str());
    if is_plain { string.to_owned() } else { quoted(string) }
}

/// A JSON string, with what YAML would not take as it is escaped as well.
fn quoted(string: &str) -> String {
    let mut quoted = String::new();
    for character in Value::from(string).to_string().chars() {
        match character {
            '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(character)));
            }
            other => quoted.push(other),
        }
    }
    quoted
}
