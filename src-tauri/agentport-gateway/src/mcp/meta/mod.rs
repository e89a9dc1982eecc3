//! The twelve `agentport__*` tools. Their names and fields are fixed (docs/contract.md §2), since skills rely on them.

mod describe;
mod install;
mod integrations;
mod whoami;

use std::{sync::Arc, time::Duration};

use agentport_core::{ApprovalId, activity::EntryPoint};
use rmcp::{
    ErrorData,
    model::{CallToolResponse, CallToolResult, JsonObject, ProgressNotificationParam},
};
use serde_json::Value;

use crate::auth::Principal;
use crate::call::Awaited;
use crate::catalogue::managed_tools::PREFIX;
pub(crate) use describe::installed_json;
pub(crate) use install::installable;
pub(crate) use integrations::{available, integration_json, no_such, start_sign_in};

use super::{
    server::{HOLD, HOLD_WITH_PROGRESS, take_info},
    tool_result,
};
use crate::{
    agent_api::AgentApi, agents::Agent, call::Request, caller::Caller, catalogue::AgentView,
};

/// Time between progress notifications while an approval is pending.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// One call of a meta tool.
pub(super) struct MetaCall<'a> {
    api: &'a Arc<AgentApi>,
    principal: Principal,
    view: Arc<AgentView>,
    arguments: JsonObject,
}

/// A missing or invalid argument, or a business error: becomes an `isError` result with this sentence.
pub(super) type MetaResult = Result<CallToolResult, String>;

/// Calls one of AgentPort's own tools.
pub(crate) async fn call(
    api: &Arc<AgentApi>,
    principal: Principal,
    view: Arc<AgentView>,
    name: &str,
    arguments: JsonObject,
    caller: Caller,
) -> Result<CallToolResponse, ErrorData> {
    let meta = MetaCall { api, principal, view, arguments };
    let answer = match name.strip_prefix(PREFIX).unwrap_or_default() {
        "list_available_integrations" => meta.list_available().await,
        "get_integration" => meta.get_integration().await,
        "list_installed_integrations" => meta.list_installed(),
        "install_integration" => return meta.install(caller).await,
        "uninstall_integration" => return meta.uninstall(caller).await,
        "get_auth_status" => meta.auth_status(),
        "start_oauth_flow" => meta.start_oauth().await,
        "list_integration_tools" => meta.list_tools().await,
        "describe_tool" => meta.describe_tool().await,
        "call_tool" => return meta.call_tool(caller).await,
        "await_approval" => return meta.await_approval(caller).await,
        "whoami" => meta.whoami().await,
        _ => {
            return Err(ErrorData::invalid_params(
                format!("Unknown tool: {name}. tools/list names the tools there are."),
                None,
            ));
        }
    };
    Ok(answer.unwrap_or_else(tool_result::error_result).into())
}

impl MetaCall<'_> {
    fn text(&self, field: &str) -> Result<&str, String> {
        text(&self.arguments, field)
    }

    fn optional(&self, field: &str) -> Result<Option<&str>, String> {
        optional(&self.arguments, field)
    }

    async fn call_tool(mut self, caller: Caller) -> Result<CallToolResponse, ErrorData> {
        let request = match self.tool_request(caller) {
            Ok(request) => request,
            Err(sentence) => return Ok(tool_result::error_result(sentence).into()),
        };
        let outcome = self.api.calls.call(request).await;
        tool_result::from_outcome(outcome, &self.api.address)
    }

    fn tool_request(&mut self, caller: Caller) -> Result<Request, String> {
        let integration = self.text("integration_id")?.to_owned();
        let tool = self.text("tool_name")?.to_owned();
        let mut additional_info = self.optional("additional_info")?.map(str::to_owned);
        let mut arguments = match self.arguments.remove("arguments") {
            Some(Value::Object(arguments)) => arguments,
            Some(_) => return Err("arguments has to be an object.".to_owned()),
            None => return Err("arguments is required; use {} for a tool without any.".to_owned()),
        };
        if let Some(published) = self.view.tool(&integration, &tool)
            && let Some(info) = take_info(published, &mut arguments)
        {
            additional_info.get_or_insert(info);
        }
        Ok(Request {
            agent: self.principal.agent.clone(),
            view: self.view.clone(),
            integration,
            tool,
            arguments,
            additional_info,
            entry_point: EntryPoint::Mcp,
            caller,
        })
    }

    async fn await_approval(self, caller: Caller) -> Result<CallToolResponse, ErrorData> {
        let id = match self.text("request_id") {
            Ok(id) => id,
            Err(sentence) => return Ok(tool_result::error_result(sentence).into()),
        };
        let Ok(id) = id.parse::<ApprovalId>() else {
            return Ok(tool_result::error_result(
                "request_id has to be the UUID that came with the request for approval.",
            )
            .into());
        };
        let awaited = await_held(self.api, id, &self.principal.agent, caller).await;
        tool_result::from_awaited(awaited, &self.api.address)
    }
}

/// A required text argument.
fn text<'a>(arguments: &'a JsonObject, field: &str) -> Result<&'a str, String> {
    match arguments.get(field) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(Value::String(_)) => Err(format!("{field} must not be empty.")),
        Some(_) => Err(format!("{field} has to be a string.")),
        None => Err(format!("{field} is required.")),
    }
}

/// An optional text argument; null counts as absent.
fn optional<'a>(arguments: &'a JsonObject, field: &str) -> Result<Option<&'a str>, String> {
    match arguments.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{field} has to be a string.")),
    }
}

/// Awaits an approval for as long as clients keep a call open, with progress notifications if the client asked for them.
pub(crate) async fn await_held(
    api: &Arc<AgentApi>,
    id: ApprovalId,
    agent: &Agent,
    caller: Caller,
) -> Awaited {
    let progress = caller.peer.clone().zip(caller.progress_token.clone());
    let cancelled = caller.cancelled.clone();
    let limit = if progress.is_some() { HOLD_WITH_PROGRESS } else { HOLD };
    let awaiting = api.calls.await_approval(id, agent, caller, limit);
    tokio::pin!(awaiting);
    let mut beats = tokio::time::interval(PROGRESS_EVERY);
    let mut sent = 0.0;
    loop {
        tokio::select! {
            biased;
            awaited = &mut awaiting => return awaited,
            () = cancelled.cancelled() => return Awaited::StillPending { id, running: false },
            _ = beats.tick(), if progress.is_some() => {
                if let Some((peer, token)) = &progress {
                    sent += 1.0;
                    let params = ProgressNotificationParam::new(token.clone(), sent)
                        .with_message("Waiting for the owner's decision");
                    // An agent that disconnected finds the result when it awaits again.
                    let _ = peer.notify_progress(params).await;
                }
            }
        }
    }
}
