//! Parses an upstream's answer as the result type of the operation.

use std::borrow::Cow;

use agentport_core::sanitize;
use rmcp::model::{
    CallToolResult, CompleteResult, ContentBlock, CreateTaskResult, EmptyResult, GetPromptResult,
    InputRequiredResult, ReadResourceResult, ServerResult,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, value::RawValue};

use super::{error::UpstreamError, message::unreadable, repair, unknown_content};
use crate::call::permit::Operation;

/// Reads `raw`. `resultType` decides first, the operation then (MCP 2026-07-28, Basic, Results; without it an answer
/// is complete).
pub(super) fn read_result(
    operation: &Operation,
    raw: &RawValue,
) -> Result<ServerResult, UpstreamError> {
    if raw.get().contains("\"resultType\"") {
        match result_type(raw).as_deref() {
            Some("input_required") => {
                return typed::<InputRequiredResult>(raw).map(ServerResult::InputRequiredResult);
            }
            Some("task") => {
                return typed::<CreateTaskResult>(raw).map(ServerResult::CreateTaskResult);
            }
            _ => {}
        }
    }
    match operation {
        Operation::CallTool { .. } => call_tool_result(raw).map(ServerResult::CallToolResult),
        Operation::ReadResource { .. } => {
            typed::<ReadResourceResult>(raw).map(ServerResult::ReadResourceResult)
        }
        Operation::GetPrompt { .. } => {
            typed::<GetPromptResult>(raw).map(ServerResult::GetPromptResult)
        }
        Operation::Complete { .. } => {
            typed::<CompleteResult>(raw).map(ServerResult::CompleteResult)
        }
        // Only success matters; the content is unused.
        Operation::Subscribe { .. } | Operation::Unsubscribe { .. } => {
            Ok(ServerResult::EmptyResult(EmptyResult {}))
        }
    }
}

fn result_type(raw: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct ResponseKind<'a> {
        #[serde(rename = "resultType", borrow, default)]
        result_type: Option<Cow<'a, str>>,
    }
    serde_json::from_str::<ResponseKind<'_>>(raw.get()).ok()?.result_type
}

/// Reads a tool's result. The tool has run, so whatever can be read counts: an empty object is an empty result, and a
/// content block of an unknown type is a text block with its JSON until it is written for the agent.
fn call_tool_result(raw: &RawValue) -> Result<CallToolResult, UpstreamError> {
    let mut result = match typed::<CallToolResult>(raw) {
        Ok(mut result) => {
            unknown_content::clean(&mut result);
            result
        }
        Err(error) => known_blocks(raw).ok_or(error)?,
    };
    if result.structured_content.is_some() {
        let rounded = repair::oversized_integers(raw.get());
        if !rounded.is_empty() {
            result.content.push(ContentBlock::text(format!(
                "AgentPort: these numbers have more than 64 bits and are rounded in the structured result: {}",
                rounded.join(", ")
            )));
        }
    }
    Ok(result)
}

/// The result with every content block in a form that is known. `None` if it is no tool result at all.
fn known_blocks(raw: &RawValue) -> Option<CallToolResult> {
    let mut value: Value = serde_json::from_str(&repair::repaired(raw.get().as_bytes())).ok()?;
    if value.is_null() {
        value = Value::Object(Map::new());
    }
    let fields = value.as_object_mut()?;
    let is_result = |name: &String| {
        ["content", "structuredContent", "isError", "_meta", "resultType"].contains(&name.as_str())
    };
    if !fields.is_empty() && !fields.keys().any(is_result) {
        return None;
    }
    match fields.entry("content").or_insert_with(|| Value::Array(Vec::new())) {
        Value::Array(_) => {}
        Value::Null => {
            fields.insert("content".to_owned(), Value::Array(Vec::new()));
        }
        single => {
            let block = single.take();
            *single = Value::Array(vec![block]);
        }
    }
    unknown_content::set_aside(fields);
    serde_json::from_value(value).ok()
}

fn typed<T: DeserializeOwned>(raw: &RawValue) -> Result<T, UpstreamError> {
    let read = serde_json::from_str(raw.get());
    // Half a surrogate pair is found only when the text is decoded.
    let read = read.or_else(|error| {
        serde_json::from_str(&repair::repaired(raw.get().as_bytes())).map_err(|_| error)
    });
    read.map_err(|problem| unreadable(&sanitize::sanitize_line(&problem.to_string(), 200)))
}

#[cfg(test)]
mod tests {
    use serde_json::{json, value::to_raw_value};

    use super::*;

    fn check(operation: &Operation, answer: &Value, expected: &str) {
        let read = match read_result(operation, &to_raw_value(answer).unwrap()) {
            Ok(result) => format!("{result:?}"),
            Err(error) => error.to_string(),
        };
        assert!(read.contains(expected), "{answer}: {read}");
    }

    #[test]
    fn tool_results_are_read_as_far_as_possible() {
        let tool = Operation::CallTool { name: "t".into(), arguments: None };
        for (raw, expected) in [
            (r#"{"content":[{"type":"text","text":"half \ud83d"}]}"#, "half \u{fffd}"),
            (
                r#"{"content":[],"structuredContent":{"n":123456789012345678901}}"#,
                "123456789012345678901",
            ),
        ] {
            let raw = RawValue::from_string(raw.to_owned()).unwrap();
            let read = format!("{:?}", read_result(&tool, &raw).unwrap());
            assert!(read.contains(expected), "{read}");
        }
    }

    #[test]
    fn reads_by_result_type_then_by_operation() {
        let tool = Operation::CallTool { name: "t".into(), arguments: None };
        let content = json!([{"type": "text", "text": "\"resultType\":\"task\""}]);
        check(&tool, &json!({"content": content}), "CallToolResult(");
        check(&tool, &json!({"content": content, "resultType": "complete"}), "CallToolResult(");
        check(
            &tool,
            &json!({"resultType": "input_required", "requestState": "s"}),
            "InputRequiredResult(",
        );
        check(&tool, &json!({"tools": 1}), "cannot be read");
        check(
            &tool,
            &json!({"content": [{"type": "hologram", "x": 1}]}),
            r#"{\"type\":\"hologram\",\"x\":1}"#,
        );
        check(&tool, &json!({}), "CallToolResult(");
        check(&tool, &Value::Null, "CallToolResult(");
        check(&tool, &json!({"content": null}), "CallToolResult(");
        check(&tool, &json!({"content": ["a", {"type": "text", "text": "b"}]}), "CallToolResult(");
        let read = Operation::ReadResource { uri: "x://y".into() };
        check(&read, &json!({"contents": []}), "ReadResourceResult(");
        let subscribe = Operation::Subscribe { uri: "x://y".into() };
        check(&subscribe, &Value::Null, "EmptyResult");
    }
}
