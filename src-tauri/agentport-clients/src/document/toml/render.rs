//! How an entry of ours is written.

use serde_json::{Map, Value};

use crate::document::EditError;

/// `[path.to.name]` and a line for each key. What is deeper stands inline.
pub(super) fn table(
    path: &[String],
    entry: &Map<String, Value>,
    line_break: &str,
) -> Result<String, EditError> {
    let mut text =
        format!("[{}]", path.iter().map(|key| self::key(key)).collect::<Vec<_>>().join("."));
    for (key, value) in entry {
        text.push_str(line_break);
        text.push_str(&pair(key, value)?);
    }
    Ok(text)
}

pub(super) fn pair(key: &str, value: &Value) -> Result<String, EditError> {
    Ok(format!("{} = {}", self::key(key), inline(value)?))
}

/// TOML has no `null`: an entry with one cannot be written as it is.
pub(super) fn inline(value: &Value) -> Result<String, EditError> {
    Ok(match value {
        Value::Null => return Err(EditError::WouldTouchMore),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(string) => quoted(string),
        Value::Array(values) => {
            let values = values.iter().map(inline).collect::<Result<Vec<_>, _>>()?;
            format!("[{}]", values.join(", "))
        }
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let pairs =
                map.iter().map(|(key, value)| pair(key, value)).collect::<Result<Vec<_>, _>>()?;
            format!("{{ {} }}", pairs.join(", "))
        }
    })
}

pub(super) fn key(key: &str) -> String {
    let is_bare = !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if is_bare { key.to_owned() } else { quoted(key) }
}

/// A JSON string is a basic string of TOML, but for DEL, which must be escaped here.
fn quoted(string: &str) -> String {
    Value::from(string).to_string().replace('\u{7f}', "\\u007F")
}
