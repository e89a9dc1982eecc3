//! REST responses: refusals as `{"detail": …}`, and outcomes of calls with their status.

use agentport_core::{ApprovalId, approval::sentences};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use rmcp::model::ServerResult;
use serde_json::{Value, json};

use crate::{
    address::GatewayAddress,
    call::outcome::{Outcome, Refusal, failure_sentence},
    mcp::BLOCKED,
    upstream::unknown_content,
};

#[derive(Debug)]
pub(crate) struct RestError {
    status: StatusCode,
    body: Value,
}

pub(super) type RestResult<T> = Result<T, RestError>;

impl RestError {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, body: json!({ "detail": detail.into() }) }
    }

    pub(super) fn unauthorized(reason: String) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, reason)
    }

    pub(super) fn owner_only() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "This is for the owner. An agent's key can list, describe, call, await and ask for installs.",
        )
    }
}

impl IntoResponse for RestError {
    fn into_response(self) -> Response {
        let unauthorized = self.status == StatusCode::UNAUTHORIZED;
        let mut response = (self.status, Json(self.body)).into_response();
        if unauthorized {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// 403 `approval_required`.
fn approval_required(
    id: ApprovalId,
    address: &GatewayAddress,
    integration: &str,
    tool: &str,
) -> RestError {
    let url = address.approval_url(id);
    RestError {
        status: StatusCode::FORBIDDEN,
        body: json!({
            "error": "approval_required",
            "approval_request_id": id,
            "approval_url": url,
            "message": format!("The owner has to approve this call. Share {url}, await the request, then call again."),
            "integration_id": integration,
            "tool_name": tool,
        }),
    }
}

fn denied(message: String, integration: &str, tool: &str) -> RestError {
    RestError {
        status: StatusCode::FORBIDDEN,
        body: json!({
            "error": "denied",
            "message": message,
            "integration_id": integration,
            "tool_name": tool,
        }),
    }
}

fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::UnknownIntegration { .. } | Refusal::UnknownTool { .. } => StatusCode::NOT_FOUND,
        Refusal::InvalidArguments { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Paused { .. } => StatusCode::LOCKED,
        Refusal::TooManyWaiting { .. } | Refusal::TooManyCalls { .. } => {
            StatusCode::TOO_MANY_REQUESTS
        }
        Refusal::TooLargeToAsk { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::Changed { .. } => StatusCode::CONFLICT,
        Refusal::NotConnected { .. } => StatusCode::BAD_GATEWAY,
        Refusal::NotOffered { .. } => StatusCode::FORBIDDEN,
        Refusal::NotLetIn => StatusCode::UNAUTHORIZED,
        Refusal::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::NotRecorded | Refusal::Storage => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A call's outcome: 200 with `{content, isError}`, or a refusal.
pub(super) fn from_outcome(
    outcome: Outcome,
    address: &GatewayAddress,
    integration: &str,
    tool: &str,
) -> RestResult<Json<Value>> {
    match outcome {
        Outcome::Ran(result) => result_json(&result),
        Outcome::NeedsApproval { id, .. } => Err(approval_required(id, address, integration, tool)),
        Outcome::Blocked => Err(denied(BLOCKED.to_owned(), integration, tool)),
        Outcome::DeniedAtOnce { until } => {
            Err(denied(sentences::denied_at_once(until), integration, tool))
        }
        Outcome::Refused(refusal) => {
            let mut body = json!({ "detail": refusal.to_string() });
            if let (Some(code), Value::Object(fields)) = (refusal.code(), &mut body) {
                fields.insert("error".into(), code.into());
                fields.insert("message".into(), refusal.to_string().into());
            }
            Err(RestError { status: status_of(&refusal), body })
        }
        Outcome::Failed { integration, error } => {
            let detail = failure_sentence(&integration, &error);
            Err(RestError::new(StatusCode::BAD_GATEWAY, detail))
        }
        Outcome::FailedBefore(sentence) => Err(RestError::new(StatusCode::BAD_GATEWAY, sentence)),
    }
}

fn result_json(result: &ServerResult) -> RestResult<Json<Value>> {
    let ServerResult::CallToolResult(result) = result else {
        let detail = "The integration wants to be asked back, which this interface cannot do. Call it over MCP.";
        return Err(RestError::new(StatusCode::BAD_GATEWAY, detail));
    };
    let mut body = serde_json::to_value(result).unwrap_or_default();
    unknown_content::restore(&mut body);
    if let Value::Object(fields) = &mut body {
        fields.remove("resultType");
        fields.insert("isError".into(), (result.is_error == Some(true)).into());
    }
    Ok(Json(body))
}
