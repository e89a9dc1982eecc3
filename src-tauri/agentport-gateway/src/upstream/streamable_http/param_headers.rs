//! Arguments that a tool wants repeated as HTTP headers (MCP 2026-07-28, Transports, Custom Headers; SEP-2243).
//!
//! A schema marks a property with `x-mcp-header: Name`; the argument then also travels as `Mcp-Param-Name`. A client
//! must leave out tools whose marks are invalid, and must send the headers of the others.

use std::collections::{HashMap, HashSet};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};
use rmcp::model::{JsonObject, Tool};
use serde_json::Value;

const X_MCP_HEADER: &str = "x-mcp-header";

/// One marked property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::upstream) struct ParamHeader {
    name: HeaderName,
    /// Property names from the root of the arguments.
    path: Vec<String>,
}

/// The marked properties of each tool that has any.
pub(in crate::upstream) type MarkedParams = HashMap<String, Vec<ParamHeader>>;

/// Takes the tools whose marks are invalid out of `tools`, each with its reason, and gives the marks of the others.
pub(in crate::upstream) fn remove_invalid_tools(
    tools: &mut Vec<Tool>,
) -> (MarkedParams, Vec<(String, &'static str)>) {
    let (mut all, mut left_out) = (MarkedParams::new(), Vec::new());
    tools.retain(|tool| match from_schema(&tool.input_schema) {
        Ok(headers) => {
            if !headers.is_empty() {
                all.insert(tool.name.to_string(), headers);
            }
            true
        }
        Err(reason) => {
            left_out.push((tool.name.to_string(), reason));
            false
        }
    });
    (all, left_out)
}

/// Adds the headers that a call with `arguments` must carry.
pub(in crate::upstream) fn add_headers(
    headers: &mut HeaderMap,
    marked: &[ParamHeader],
    arguments: &JsonObject,
) {
    for header in marked {
        let mut steps = header.path.iter();
        let first = steps.next().and_then(|name| arguments.get(name));
        let value = steps.fold(first, |value, name| value.and_then(|value| value.get(name)));
        let text = match value {
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
            _ => continue,
        };
        if let Some(value) = header_value(&text) {
            headers.insert(header.name.clone(), value);
        }
    }
}

/// `text` as a header value: as it is where that is safe, else as `=?base64?…?=`.
pub(in crate::upstream) fn header_value(text: &str) -> Option<HeaderValue> {
    let printable = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    let looks_encoded = text.starts_with("=?base64?") && text.ends_with("?=");
    let plain = printable && text.trim_matches(' ') == text && !looks_encoded;
    if plain {
        return HeaderValue::from_str(text).ok();
    }
    HeaderValue::from_str(&format!("=?base64?{}?=", BASE64_STANDARD.encode(text))).ok()
}

fn from_schema(schema: &JsonObject) -> Result<Vec<ParamHeader>, &'static str> {
    let mut found = Vec::new();
    collect(schema, &mut Vec::new(), &mut found)?;
    if count(schema) != found.len() {
        return Err("a mark that is not on a property reached through properties alone");
    }
    let mut names = HashSet::new();
    if found.iter().all(|header| names.insert(&header.name)) {
        Ok(found)
    } else {
        Err("two marks of one name")
    }
}

fn collect(
    schema: &JsonObject,
    path: &mut Vec<String>,
    found: &mut Vec<ParamHeader>,
) -> Result<(), &'static str> {
    let Some(Value::Object(properties)) = schema.get("properties") else { return Ok(()) };
    for (name, property) in properties {
        let Value::Object(property) = property else { continue };
        path.push(name.clone());
        if let Some(mark) = property.get(X_MCP_HEADER) {
            let mark =
                mark.as_str().filter(|mark| !mark.is_empty()).ok_or("a mark without name")?;
            let kind = property.get("type").and_then(Value::as_str);
            if !matches!(kind, Some("string" | "integer" | "boolean")) {
                return Err("a mark on something else than a string, an integer or a boolean");
            }
            let name = HeaderName::try_from(format!("mcp-param-{mark}"))
                .map_err(|_| "a mark that is no header name")?;
            found.push(ParamHeader { name, path: path.clone() });
        }
        collect(property, path, found)?;
        path.pop();
    }
    Ok(())
}

/// Every mark in the schema, wherever it stands; instance data is no schema.
fn count(schema: &JsonObject) -> usize {
    schema
        .iter()
        .map(|(key, value)| match key.as_str() {
            X_MCP_HEADER => 1,
            "default" | "const" | "enum" | "examples" => 0,
            // Keys in these are names of properties, and may be called like the mark.
            "properties" | "$defs" | "definitions" | "dependentSchemas" | "patternProperties" => {
                value.as_object().map_or(0, |named| named.values().map(count_value).sum())
            }
            _ => count_value(value),
        })
        .sum()
}

fn count_value(value: &Value) -> usize {
    match value {
        Value::Object(schema) => count(schema),
        Value::Array(items) => items.iter().map(count_value).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: &Value) -> JsonObject {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn marked_arguments_become_headers() {
        let schema = object(&json!({"properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "page": {"properties": {"size": {"type": "integer", "x-mcp-header": "Size"}}},
            "dry": {"type": "boolean", "x-mcp-header": "Dry"},
            "x-mcp-header": {"type": "string"},
        }}));
        let marked = from_schema(&schema).unwrap();
        let mut headers = HeaderMap::new();
        add_headers(
            &mut headers,
            &marked,
            &object(&json!({"region": "süd", "page": {"size": 5}, "z": 1})),
        );
        let seen: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
        assert_eq!(seen, [("mcp-param-region", "=?base64?c8O8ZA==?="), ("mcp-param-size", "5")]);
    }

    #[test]
    fn invalid_marks_are_found() {
        for bad in [
            json!({"x-mcp-header": "A"}),
            json!({"properties": {"a": {"type": "object", "x-mcp-header": "A"}}}),
            json!({"properties": {"a": {"type": "string", "x-mcp-header": ""}}}),
            json!({"properties": {"a": {"type": "string", "x-mcp-header": "a b"}}}),
            json!({"properties": {"a": {"items": {"type": "string", "x-mcp-header": "A"}}}}),
            json!({"oneOf": [{"properties": {"a": {"type": "string", "x-mcp-header": "A"}}}]}),
            json!({"properties": {
                "a": {"type": "string", "x-mcp-header": "A"},
                "b": {"type": "string", "x-mcp-header": "a"},
            }}),
        ] {
            assert!(from_schema(&object(&bad)).is_err(), "{bad}");
        }
        assert_eq!(from_schema(&object(&json!({"default": {"x-mcp-header": "A"}}))), Ok(vec![]));
    }

    #[test]
    fn header_values() {
        for (text, expected) in [
            ("plain", "plain"),
            ("", ""),
            (" x", "=?base64?IHg=?="),
            ("a\nb", "=?base64?YQpi?="),
            ("=?base64?eA==?=", "=?base64?PT9iYXNlNjQ/ZUE9PT89?="),
        ] {
            assert_eq!(header_value(text).unwrap(), expected, "{text:?}");
        }
    }
}
