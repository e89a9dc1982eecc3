//! Routes of agents that ask to be let in by OAuth.

use agentport_api::{ApproveConsent, ConsentView, Items};
use agentport_core::ConsentId;
use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;

use super::{
    Control,
    error::{ApiError, ApiResult},
    keys::check_name,
};
use crate::oauth_server::{ConsentDecision, ConsentError};

pub(super) async fn list(State(control): State<Control>) -> ApiResult<Json<Items<ConsentView>>> {
    Ok(Json(Items { items: control.oauth_server.consents().await? }))
}

pub(super) async fn read(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<Json<ConsentView>> {
    Ok(Json(control.oauth_server.consent(parse(&id)?).await?))
}

/// Lets the agent in, once its client has fetched the tokens.
pub(super) async fn approve(
    State(control): State<Control>,
    Path(id): Path<String>,
    Json(wanted): Json<ApproveConsent>,
) -> ApiResult<StatusCode> {
    let id = parse(&id)?;
    let name = wanted.name.as_ref().map(|name| name.trim().to_owned());
    if let Some(name) = &name {
        check_name(name)?;
    }
    control.check_profile(wanted.profile.as_deref()).await?;
    let ApproveConsent { code, agent, profile, .. } = wanted;
    let decision = ConsentDecision::Approve { code, agent, name, profile };
    control.oauth_server.decide(id, decision).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn deny(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    control.oauth_server.decide(parse(&id)?, ConsentDecision::Deny).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parse(id: &str) -> ApiResult<ConsentId> {
    id.parse().map_err(|_| ApiError::not_found(format!("there is no request {id:?}")))
}

impl From<ConsentError> for ApiError {
    fn from(error: ConsentError) -> Self {
        match error {
            ConsentError::Unknown(_) => Self::not_found(error.to_string()),
            ConsentError::NotWaiting | ConsentError::NameTaken(_) => {
                Self::new(StatusCode::CONFLICT, error.to_string())
            }
            ConsentError::OtherAgent | ConsentError::AgentAndMore => {
                Self::invalid("agent", error.to_string())
            }
            ConsentError::WrongCode => Self::invalid("code", error.to_string()),
            ConsentError::Store(error) => error.into(),
        }
    }
}
