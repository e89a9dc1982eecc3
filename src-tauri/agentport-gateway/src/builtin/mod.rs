//! Integrations that are part of the gateway. Their calls pass the same pipeline as all others.

pub(crate) mod demo;

use rmcp::model::{CallToolResult, ContentBlock, ServerResult};
use serde_json::Value;

use crate::{
    call::permit::{Operation, Permit},
    store::Store,
    upstream::UpstreamError,
};

/// Runs a call on a built-in integration.
pub(crate) async fn call(store: &Store, permit: Permit) -> Result<ServerResult, UpstreamError> {
    match permit.into_operation() {
        Operation::CallTool { name, arguments } => {
            demo::call(store, &name, &arguments.unwrap_or_default()).await
        }
        _ => Err(UpstreamError::Protocol {
            problem: "a built-in integration has tools only".to_owned(),
        }),
    }
}

/// A tool result with `value` as text and as structured content.
fn object(value: Value) -> ServerResult {
    let mut result = CallToolResult::success(vec![ContentBlock::text(value.to_string())]);
    result.structured_content = Some(value);
    ServerResult::CallToolResult(result)
}

fn failure(sentence: String) -> ServerResult {
    ServerResult::CallToolResult(CallToolResult::error(vec![ContentBlock::text(sentence)]))
}
