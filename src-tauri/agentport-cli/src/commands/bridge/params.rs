//! Arguments that are sent as headers too: those whose schema says `x-mcp-header` (MCP 2026-07-28, SEP-2243).

use std::collections::HashMap;

use http::{HeaderMap, HeaderName};
use parking_lot::{Mutex, MutexGuard};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::headers;

const ANNOTATION: &[u8] = b"\"x-mcp-header\"";
/// Tools remembered; far more than any list has of this kind.
const MAX_TOOLS: usize = 1_000;

/// Annotated arguments from `tools/list` answers, by tool name.
#[derive(Debug, Default)]
pub(super) struct ParamHeaders(Mutex<HashMap<String, Vec<HeaderParam>>>);

/// An argument that is sent as a header too.
#[derive(Debug)]
struct HeaderParam {
    /// Names of properties, from the root.
    path: Vec<String>,
    header: HeaderName,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    result: Tools<'a>,
}

#[derive(Deserialize)]
struct Tools<'a> {
    #[serde(borrow)]
    tools: Vec<Tool<'a>>,
}

#[derive(Deserialize)]
struct Tool<'a> {
    name: String,
    #[serde(borrow, default, rename = "inputSchema")]
    schema: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Call {
    params: CallParams,
}

#[derive(Deserialize)]
struct CallParams {
    #[serde(default)]
    arguments: Value,
}

impl ParamHeaders {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<HeaderParam>>> {
        self.0.lock()
    }

    /// Reads an answer to `tools/list`. Answers without the annotation are not parsed.
    pub(super) fn learn(&self, answer: &[u8]) {
        let annotated = answer.windows(ANNOTATION.len()).any(|part| part == ANNOTATION);
        if !annotated && self.lock().is_empty() {
            return;
        }
        let Ok(answer) = serde_json::from_slice::<Answer<'_>>(answer) else { return };
        let mut known = self.lock();
        for tool in answer.result.tools {
            let mut found = Vec::new();
            if let Some(schema) = tool.schema
                && let Ok(schema) = serde_json::from_str::<Value>(schema.get())
            {
                collect(&schema, &mut Vec::new(), &mut found);
            }
            if found.is_empty() {
                known.remove(&tool.name);
            } else if known.len() < MAX_TOOLS {
                known.insert(tool.name, found);
            }
        }
    }

    /// Does the tool have annotated arguments?
    pub(super) fn knows(&self, tool: &str) -> bool {
        self.lock().contains_key(tool)
    }

    /// Adds the headers for a call of `tool`.
    pub(super) fn insert_into(&self, headers: &mut HeaderMap, tool: &str, message: &[u8]) {
        let known = self.lock();
        let Some(params) = known.get(tool) else { return };
        let Ok(call) = serde_json::from_slice::<Call>(message) else { return };
        for HeaderParam { path, header } in params {
            let value = path.iter().try_fold(&call.params.arguments, |value, key| value.get(key));
            let text = match value {
                Some(Value::String(text)) => text.clone(),
                Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
                _ => continue,
            };
            headers.insert(header.clone(), headers::value(&text));
        }
    }
}

/// Annotated properties, reached from the root through `properties` alone.
fn collect(schema: &Value, path: &mut Vec<String>, found: &mut Vec<HeaderParam>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    for (name, schema) in properties {
        path.push(name.clone());
        if let Some(header) = schema.get("x-mcp-header").and_then(Value::as_str)
            && !header.is_empty()
            && let Ok(header) = format!("mcp-param-{header}").parse()
        {
            found.push(HeaderParam { path: path.clone(), header });
        }
        collect(schema, path, found);
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotated_arguments_become_headers() {
        let known = ParamHeaders::default();
        known.learn(br#"{"result":{"tools":[{"name":"a"}]}}"#);
        assert!(!known.knows("a"));
        known.learn(
            br#"{"result":{"tools":[{"name":"a","inputSchema":{"properties":{
                "x":{"type":"string","x-mcp-header":"Region"},
                "n":{"type":"object","properties":{"y":{"x-mcp-header":"Deep"}}},
                "b":{"type":"boolean","x-mcp-header":"Flag"},
                "bad":{"x-mcp-header":"no token"},
                "z":{"type":"integer"}}}}]}}"#,
        );
        let call =
            br#"{"params":{"name":"a","arguments":{"x":"s\u00fcd","n":{"y":7},"b":true,"z":1}}}"#;
        let mut headers = HeaderMap::new();
        known.insert_into(&mut headers, "a", call);
        assert_eq!(headers.len(), 3);
        assert_eq!(headers["mcp-param-region"], "=?base64?c8O8ZA==?=");
        assert_eq!(headers["mcp-param-deep"], "7");
        assert_eq!(headers["mcp-param-flag"], "true");
        known.learn(br#"{"result":{"tools":[{"name":"a","inputSchema":{}}]}}"#);
        assert!(!known.knows("a"));
    }
}
