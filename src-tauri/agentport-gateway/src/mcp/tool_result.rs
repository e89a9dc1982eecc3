//! Outcomes as MCP tool results (docs/contract.md §3). Skills and scripts rely on the literal parts.

use agentport_core::{
    ApprovalId, Timestamp,
    approval::sentences::{self, STILL_PENDING},
};
use rmcp::{
    ErrorData,
    model::{CallToolResponse, CallToolResult, ContentBlock, ResultType, ServerResult},
};

use crate::call::Awaited;
pub(crate) use crate::catalogue::managed_tools::json_result;
use crate::{
    address::GatewayAddress,
    approvals::StoredResult,
    call::outcome::{Outcome, failure_sentence},
    upstream::UpstreamError,
};

/// The literal answer of a blocked call.
pub(crate) const BLOCKED: &str = "This tool has been blocked and cannot be executed.";

pub(crate) fn text_result(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

pub(crate) fn error_result(text: impl Into<String>) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

/// The text for a call that waits for the owner's decision.
pub(crate) fn await_call(id: ApprovalId) -> String {
    format!("agentport__await_approval(request_id=\"{id}\")")
}

fn needs_approval(id: ApprovalId, expires_at: Timestamp, address: &GatewayAddress) -> String {
    format!(
        "The owner has to approve this call before it runs. Share this URL with the person you work for, and say what \
         you want to do and why:\n{url}\n\nThen call {call} at once, in the same turn, without waiting for a reply in \
         the chat. If it answers \"Still pending\", call it again. The request expires at {expires_at}.",
        url = address.approval_url(id),
        call = await_call(id),
    )
}

fn still_pending(id: ApprovalId, running: bool, address: &GatewayAddress) -> String {
    if running {
        return format!(
            "Still pending: the owner approved the call and it is running. Call {} again for its result.",
            await_call(id)
        );
    }
    format!(
        "{STILL_PENDING} Call {} again. The owner can decide at {}",
        await_call(id),
        address.approval_url(id)
    )
}

/// The tool result of a call's outcome.
pub(crate) fn from_outcome(
    outcome: Outcome,
    address: &GatewayAddress,
) -> Result<CallToolResponse, ErrorData> {
    Ok(match outcome {
        Outcome::Ran(result) => return from_upstream(*result),
        Outcome::NeedsApproval { id, expires_at } => {
            text_result(needs_approval(id, expires_at, address)).into()
        }
        Outcome::Blocked => error_result(BLOCKED).into(),
        Outcome::DeniedAtOnce { until } => error_result(sentences::denied_at_once(until)).into(),
        Outcome::Refused(refusal) => error_result(refusal.to_string()).into(),
        Outcome::Failed { error: UpstreamError::Refused(error), .. } => return Err(error),
        Outcome::Failed { integration, error } => {
            error_result(failure_sentence(&integration, &error)).into()
        }
        Outcome::FailedBefore(sentence) => error_result(sentence).into(),
    })
}

/// An upstream's result, unchanged.
fn from_upstream(result: ServerResult) -> Result<CallToolResponse, ErrorData> {
    Ok(match result {
        ServerResult::CallToolResult(mut result) => {
            // Upstreams of earlier revisions do not say so; the protocol library takes it out again for such agents.
            result.result_type.get_or_insert(ResultType::COMPLETE);
            CallToolResponse::Complete(result)
        }
        ServerResult::InputRequiredResult(result) => CallToolResponse::InputRequired(result),
        ServerResult::CreateTaskResult(result) => CallToolResponse::Task(result),
        other => {
            return Err(ErrorData::internal_error(
                format!(
                    "the upstream's answer is unusable: {}",
                    crate::call::passthrough::unexpected(&other)
                ),
                None,
            ));
        }
    })
}

/// The tool result after awaiting an approval.
pub(crate) fn from_awaited(
    awaited: Awaited,
    address: &GatewayAddress,
) -> Result<CallToolResponse, ErrorData> {
    Ok(match awaited {
        Awaited::StillPending { id, running } => {
            text_result(still_pending(id, running, address)).into()
        }
        Awaited::Ran(StoredResult::Result { result }) => {
            let result = serde_json::from_value(result)
                .map_err(|_| ErrorData::internal_error("the stored result cannot be read", None))?;
            return from_upstream(result);
        }
        Awaited::Ran(StoredResult::Failure { message }) => error_result(message).into(),
        other => error_result(ended(&other).unwrap_or_default()).into(),
    })
}

/// The sentence for approvals that ended without a result.
pub(crate) fn ended(awaited: &Awaited) -> Option<String> {
    Some(match awaited {
        Awaited::NotRun(state) => return sentences::ended_for_agent(state),
        Awaited::ResultGone { interrupted } => sentences::result_gone(*interrupted).to_owned(),
        Awaited::NotFound => {
            "That request was not found among yours. Call the tool again to ask.".to_owned()
        }
        Awaited::NotNow(Outcome::Refused(refusal)) => refusal.to_string(),
        Awaited::NotNow(Outcome::Blocked) => BLOCKED.to_owned(),
        Awaited::NotNow(_) => "The approved call cannot run now. Await it again later.".to_owned(),
        _ => return None,
    })
}
