//! The REST API for the `ap` command and shell agents (docs/contract.md §6), with the same keys as MCP.
//!
//! Deliberately absent: everything only the owner may do. Such paths answer 401, with any credential.

mod call;
mod installed;
mod integrations;
mod response;

use std::sync::Arc;

use agentport_core::AgentId;
use axum::{
    Json, Router,
    extract::{FromRequest, FromRequestParts, Request, State},
    routing::{get, patch, post},
};
use bytes::Bytes;
use http::{StatusCode, request::Parts};
use serde_json::{Value, json};

use crate::auth::{Principal, unauthorized_reason};
use crate::rest::response::{RestError, RestResult};
use crate::{agent_api::AgentApi, agents::Agent, catalogue::AgentView, mcp::view_query::view_key};

pub(crate) fn router(api: Arc<AgentApi>) -> Router {
    Router::new()
        .route("/api/users/me", get(me))
        .route("/api/integrations", get(integrations::list))
        .route("/api/integrations/{id}", get(integrations::read))
        .route("/api/installed", get(installed::list).post(installed::install))
        .route("/api/installed/{id}", patch(installed::change).delete(installed::uninstall))
        .route("/api/auth/{id}/start", post(installed::start_auth))
        .route("/api/tools", get(integrations::tools))
        .route("/api/tools/{id}", get(integrations::tools_of))
        .route("/api/tools/{id}/call", post(call::call))
        .route("/api/tool-approvals/requests/{id}/await", post(call::await_request))
        .route("/api/{*rest}", axum::routing::any(elsewhere))
        .with_state(api)
}

/// The agent whose key a request shows, with what it sees.
pub(super) struct RestCaller {
    pub(super) principal: Principal,
}

impl RestCaller {
    pub(super) fn agent(&self) -> &Arc<Agent> {
        &self.principal.agent
    }

    pub(super) fn view(&self, catalogue: &crate::catalogue::Catalogue) -> Arc<AgentView> {
        self.principal.view(catalogue)
    }
}

impl FromRequestParts<Arc<AgentApi>> for RestCaller {
    type Rejection = RestError;

    async fn from_request_parts(
        parts: &mut Parts,
        api: &Arc<AgentApi>,
    ) -> Result<Self, Self::Rejection> {
        let login = api
            .auth
            .authenticate(parts)
            .await
            .ok_or_else(|| RestError::unauthorized(unauthorized_reason(&parts.headers)))?;
        let key = view_key(&login.agent, None, |_| None, |_| false)
            .map_err(|error| RestError::new(StatusCode::BAD_REQUEST, error.to_string()))?;
        let agent = login.agent.clone();
        Ok(Self { principal: Principal { agent, login, key: Arc::new(key) } })
    }
}

/// A request's body, bounded as in MCP.
pub(super) struct RequestBody(pub(super) Bytes);

impl FromRequest<Arc<AgentApi>> for RequestBody {
    type Rejection = RestError;

    async fn from_request(request: Request, _: &Arc<AgentApi>) -> Result<Self, Self::Rejection> {
        let (parts, body) = request.into_parts();
        let read = crate::http::body::read(&parts.headers, body).await;
        read.map(Self).map_err(|unread| RestError::new(unread.status(), unread.to_string()))
    }
}

/// `email` is never empty: clients show it as the account's name.
async fn me(caller: RestCaller) -> Json<Value> {
    let agent = caller.agent();
    let id: AgentId = agent.id;
    Json(json!({ "id": id, "email": agent.name, "name": agent.name, "is_active": true }))
}

/// Anything else below `/api`.
async fn elsewhere(State(_): State<Arc<AgentApi>>, _caller: RestCaller) -> RestResult<()> {
    Err(RestError::owner_only())
}
