//! Outcomes in the words of MCP (`contract` §3). Skills and scripts key on the literal parts.

use agentport_core::{ApprovalId, Timestamp, approval::WithdrawnBecause};
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

/// What a blocked call answers, to the letter.
pub(crate) const BLOCKED: &str = "This tool has been blocked and cannot be executed.";

pub(crate) fn text_result(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

pub(crate) fn error_result(text: impl Into<String>) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

/// The call that waits for the owner's decision, spelt out for the agent.
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
        "Still pending: nobody has decided yet. Call {} again. The owner can decide at {}",
        await_call(id),
        address.approval_url(id)
    )
}

/// What the agent hears of a call.
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
        Outcome::DeniedAtOnce { until } => error_result(format!(
            "The owner has denied this tool to you several times. It is denied by the human at once for 15 minutes, until {until}; do \
             not try to reach the same in another way."
        ))
        .into(),
        Outcome::Refused(refusal) => error_result(refusal.to_string()).into(),
        Outcome::Failed { error: UpstreamError::Refused(error), .. } => return Err(error),
        Outcome::Failed { integration, error } => {
            error_result(failure_sentence(&integration, &error)).into()
        }
        Outcome::FailedBefore(sentence) => error_result(sentence).into(),
    })
}

/// An upstream's result, as it came.
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

/// What the agent hears after awaiting a request.
pub(crate) fn from_awaited(
    awaited: Awaited,
    address: &GatewayAddress,
) -> Result<CallToolResponse, ErrorData> {
    Ok(match awaited {
        Awaited::StillPending { id, running } => {
            text_result(still_pending(id, running, address)).into()
        }
        Awaited::Denied { reason } => error_result(denied(reason.as_deref())).into(),
        Awaited::Ran(StoredResult::Result { result }) => {
            let result = serde_json::from_value(result)
                .map_err(|_| ErrorData::internal_error("the stored result cannot be read", None))?;
            return from_upstream(result);
        }
        Awaited::Ran(StoredResult::Failure { message }) => error_result(message).into(),
        other => error_result(ended(&other).unwrap_or_default()).into(),
    })
}

pub(crate) fn denied(reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!(
            "The call was denied by the human, who gave this reason: {reason}\nDo not try to reach the same in another way."
        ),
        None => "The call was denied by the human. Do not try to reach the same in another way."
            .to_owned(),
    }
}

/// A sentence for requests that have ended without a result to give.
pub(crate) fn ended(awaited: &Awaited) -> Option<String> {
    Some(match awaited {
        Awaited::Expired => {
            "The request expired before anybody decided. Call the tool again to ask anew.".to_owned()
        }
        Awaited::ResultGone { interrupted: true } => {
            "AgentPort stopped while the approved call was running; whether it took effect is not known. Check before \
             you call the tool again."
                .to_owned()
        }
        Awaited::ResultGone { interrupted: false } => {
            "The call ran, and its result is no longer kept (results are kept for 15 minutes). Call the tool again if \
             you need it."
                .to_owned()
        }
        Awaited::Withdrawn { because } => format!("The request was withdrawn: {}.", withdrawn(*because)),
        Awaited::NotFound => "That request was not found among yours. Call the tool again to ask.".to_owned(),
        Awaited::NotNow(Outcome::Refused(refusal)) => refusal.to_string(),
        Awaited::NotNow(Outcome::Blocked) => BLOCKED.to_owned(),
        Awaited::NotNow(_) => "The approved call cannot run now. Await it again later.".to_owned(),
        _ => return None,
    })
}

fn withdrawn(because: WithdrawnBecause) -> &'static str {
    match because {
        WithdrawnBecause::AgentRevoked => "your key was revoked",
        WithdrawnBecause::IntegrationRemoved => "the owner removed the integration",
        WithdrawnBecause::ToolGone => "the integration no longer has this tool",
        WithdrawnBecause::DefinitionChanged => {
            "the definition of the tool changed. Call the tool again to ask about the new one"
        }
    }
}
