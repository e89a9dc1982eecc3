//! REST routes that call a tool and await an approval.

use std::{sync::Arc, time::Duration};

use agentport_core::{
    ApprovalId, Timestamp,
    activity::EntryPoint,
    approval::{
        Approval, State as ApprovalState,
        sentences::{self, STILL_PENDING},
    },
};
use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;
use rmcp::model::JsonObject;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::rest::{
    RequestBody, RestCaller,
    response::{self, RestError, RestResult},
};
use crate::{
    agent_api::AgentApi,
    call::Request,
    mcp::{HOLD, HOLD_WITH_PROGRESS, take_info},
};

#[derive(Debug, Deserialize)]
pub(super) struct CallBody {
    tool_name: String,
    #[serde(default)]
    args: Option<JsonObject>,
    #[serde(default)]
    additional_info: Option<String>,
}

/// `POST /api/tools/{id}/call`.
pub(super) async fn call(
    State(api): State<Arc<AgentApi>>,
    Path(integration): Path<String>,
    caller: RestCaller,
    RequestBody(body): RequestBody,
) -> RestResult<Json<Value>> {
    if let Some(number) = crate::mcp::oversized_integer(&body) {
        let detail = format!(
            "The number {number} does not fit into 64 bits and would be changed on the way; send it as a string."
        );
        return Err(RestError::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let call: CallBody = read(&body)?;
    let view = caller.view(&api.catalogue);
    let mut arguments = call.args.unwrap_or_default();
    let mut additional_info = call.additional_info;
    if let Some(tool) = view.tool(&integration, &call.tool_name)
        && let Some(info) = take_info(tool, &mut arguments)
    {
        additional_info.get_or_insert(info);
    }
    let outcome = api
        .calls
        .call(Request {
            agent: caller.agent().clone(),
            view,
            integration: integration.clone(),
            tool: call.tool_name.clone(),
            arguments,
            additional_info,
            entry_point: EntryPoint::Rest,
            caller: Default::default(),
        })
        .await;
    response::from_outcome(outcome, &api.address, &integration, &call.tool_name)
}

#[derive(Debug, Default, Deserialize)]
struct AwaitBody {
    #[serde(default)]
    timeout_seconds: Option<f64>,
}

/// `POST /api/tool-approvals/requests/{id}/await`. Never runs the call: repeating it does.
pub(super) async fn await_request(
    State(api): State<Arc<AgentApi>>,
    Path(id): Path<String>,
    caller: RestCaller,
    RequestBody(body): RequestBody,
) -> RestResult<Json<Value>> {
    let wanted: AwaitBody = if body.is_empty() { AwaitBody::default() } else { read(&body)? };
    let limit = match wanted.timeout_seconds {
        None => HOLD,
        Some(seconds) if (0.0..=1e6).contains(&seconds) => {
            Duration::from_secs_f64(seconds).min(HOLD_WITH_PROGRESS)
        }
        Some(_) => {
            let detail = "timeout_seconds has to be a number of seconds, 0 or more.";
            return Err(RestError::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
        }
    };
    let unknown =
        || RestError::new(StatusCode::NOT_FOUND, format!("There is no request {id:?} of yours."));
    let id: ApprovalId = id.parse().map_err(|_| unknown())?;
    let agent = caller.agent();
    let approval = api.approvals.await_decision(id, agent.id, limit).await.ok_or_else(unknown)?;
    Ok(Json(decision(&approval)))
}

fn ended_sentence(state: &ApprovalState) -> String {
    sentences::ended_for_agent(state).unwrap_or_default()
}

fn decision(approval: &Approval) -> Value {
    let (status, message) = match &approval.state {
        ApprovalState::Pending => ("pending", STILL_PENDING.to_owned()),
        ApprovalState::Approved { .. } => {
            ("approved", "Approved. Call the tool again with the same arguments.".to_owned())
        }
        ApprovalState::Running { .. } | ApprovalState::Done { .. } => {
            ("approved", "Approved, and the call has run or is running.".to_owned())
        }
        ended @ ApprovalState::Denied { .. } => ("denied", ended_sentence(ended)),
        // To agents of this API there is no difference: the call did not run, and they have to ask anew.
        ended @ (ApprovalState::Expired { .. } | ApprovalState::Withdrawn { .. }) => {
            ("expired", ended_sentence(ended))
        }
    };
    let decision_mode = match &approval.state {
        ApprovalState::Approved { grant, .. }
        | ApprovalState::Running { grant, .. }
        | ApprovalState::Done { grant, .. } => {
            serde_json::to_value(grant).unwrap_or_default()["kind"].clone()
        }
        _ => Value::Null,
    };
    let expires_at: Timestamp = approval.expires_at;
    json!({
        "approval_request_id": approval.id,
        "integration_id": approval.integration,
        "tool_name": approval.tool,
        "status": status,
        "message": message,
        "expires_at": expires_at,
        "decision_mode": decision_mode,
    })
}

/// Reads a JSON body; says where it is wrong.
pub(super) fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> RestResult<T> {
    serde_json::from_slice(body).map_err(|error| {
        let status = if error.is_data() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::BAD_REQUEST
        };
        RestError::new(status, format!("The body is not what was expected: {error}."))
    })
}
