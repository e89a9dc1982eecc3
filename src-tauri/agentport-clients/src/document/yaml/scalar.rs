//! What a scalar means: the core schema of YAML 1.2.2, §10.3.2.

use saphyr_parser::{ScalarStyle, Tag};
use serde_json::{Number, Value};

pub(super) fn resolve(content: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let is_string = style != ScalarStyle::Plain
        || tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
    if is_string { Value::from(content) } else { plain(content) }
}

/// A word without quotation marks.
pub(super) fn plain(content: &str) -> Value {
    match content {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let digits = content.strip_prefix(['-', '+']).unwrap_or(content);
    let integer = if let Some(hex) = content.strip_prefix("0x") {
        i64::from_str_radix(hex, 16).ok()
    } else if let Some(octal) = content.strip_prefix("0o") {
        i64::from_str_radix(octal, 8).ok()
    } else if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        content.parse().ok()
    } else {
        None
    };
    if let Some(integer) = integer {
        return Value::from(integer);
    }
    // `inf` and `nan` are words here, and so is what only begins like a number.
    let is_number = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && content
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    let float = is_number.then(|| content.parse().ok()).flatten().and_then(Number::from_f64);
    float.map_or_else(|| Value::from(content), Value::Number)
}
