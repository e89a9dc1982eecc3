//! Parses an upstream's answer as the result type of the operation.

use std::borrow::Cow;

use agentport_core::sanitize;
use rmcp::model::{
    CallToolResult, CompleteResult, CreateTaskResult, EmptyResult, GetPromptResult,
    InputRequiredResult, ReadResourceResult, ServerResult,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::error::UpstreamError;
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
        Operation::CallTool { .. } => {
            typed::<CallToolResult>(raw).map(ServerResult::CallToolResult)
        }
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
    struct Kind<'a> {
        #[serde(rename = "resultType", borrow, default)]
        result_type: Option<Cow<'a, str>>,
    }
    serde_json::from_str::<Kind<'_>>(raw.get()).ok()?.result_type
}

fn typed<T: DeserializeOwned>(raw: &RawValue) -> Result<T, UpstreamError> {
    serde_json::from_str(raw.get()).map_err(|problem| UpstreamError::Protocol {
        problem: format!(
            "its answer cannot be read ({})",
            sanitize::sanitize_line(&problem.to_string(), 200)
        ),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json, value::to_raw_value};

    use super::*;

    fn check(operation: &Operation, answer: &Value, expected: &str) {
        let read = match read_result(operation, &to_raw_value(answer).unwrap()) {
            Ok(result) => format!("{result:?}"),
            Err(error) => error.to_string(),
        };
        assert!(read.contains(expected), "{answer}: {read}");
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
        check(&tool, &json!({"content": [{"type": "hologram"}]}), "cannot be read");
        let read = Operation::ReadResource { uri: "x://y".into() };
        check(&read, &json!({"contents": []}), "ReadResourceResult(");
        let subscribe = Operation::Subscribe { uri: "x://y".into() };
        check(&subscribe, &Value::Null, "EmptyResult");
    }
}
