//! REST routes of installed integrations: list, request an install, request a removal.

use std::sync::Arc;

use agentport_core::activity::EntryPoint;
use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;
use rmcp::model::JsonObject;
use serde_json::{Value, json};

use super::call::read;
use crate::catalogue::managed_tools;
use crate::rest::{
    RequestBody, RestCaller,
    integrations::no_integration,
    response::{self, RestError, RestResult},
};
use crate::{agent_api::AgentApi, call::Request, mcp::meta};

pub(super) async fn list(State(api): State<Arc<AgentApi>>, caller: RestCaller) -> Json<Value> {
    let view = caller.view(&api.catalogue);
    let installed = view
        .integrations
        .values()
        .map(|entry| meta::installed_json(&api, caller.agent(), &view, entry));
    Json(installed.collect::<Vec<_>>().into())
}

/// Requests an install: 403 `approval_required`; the same request repeated after the approval installs.
pub(super) async fn install(
    State(api): State<Arc<AgentApi>>,
    caller: RestCaller,
    RequestBody(body): RequestBody,
) -> RestResult<Json<Value>> {
    let arguments: JsonObject = read(&body)?;
    meta::installable(&api, caller.agent().id, &arguments)
        .map_err(|sentence| RestError::new(StatusCode::UNPROCESSABLE_ENTITY, sentence))?;
    let id = arguments.get("integration_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    ask(&api, &caller, id, managed_tools::INSTALL, arguments).await
}

pub(super) async fn uninstall(
    State(api): State<Arc<AgentApi>>,
    Path(id): Path<String>,
    caller: RestCaller,
) -> RestResult<Json<Value>> {
    if !caller.view(&api.catalogue).integrations.contains_key(id.as_str()) {
        return Err(no_integration(&id));
    }
    let arguments =
        JsonObject::from_iter([("integration_id".to_owned(), Value::from(id.as_str()))]);
    ask(&api, &caller, id, managed_tools::UNINSTALL, arguments).await
}

async fn ask(
    api: &Arc<AgentApi>,
    caller: &RestCaller,
    integration: String,
    tool: &str,
    arguments: JsonObject,
) -> RestResult<Json<Value>> {
    let outcome = api
        .calls
        .manage(Request {
            agent: caller.agent().clone(),
            view: caller.view(&api.catalogue),
            integration: integration.clone(),
            tool: tool.to_owned(),
            arguments,
            additional_info: None,
            entry_point: EntryPoint::Rest,
            caller: Default::default(),
        })
        .await;
    response::from_outcome(outcome, &api.address, &integration, tool)
}

/// Only the owner changes credentials and settings of an installed integration.
pub(super) async fn change(_caller: RestCaller) -> RestResult<()> {
    Err(RestError::owner_only())
}

/// `POST /api/auth/{id}/start`, for integrations that sign in with OAuth.
pub(super) async fn start_auth(
    State(api): State<Arc<AgentApi>>,
    Path(id): Path<String>,
    caller: RestCaller,
) -> RestResult<Json<Value>> {
    let entry = caller.view(&api.catalogue).integrations.get(id.as_str()).cloned();
    let entry = entry.ok_or_else(|| no_integration(&id))?;
    let offer = meta::start_sign_in(&api, caller.agent(), &entry)
        .await
        .map_err(|sentence| RestError::new(StatusCode::CONFLICT, sentence))?;
    Ok(Json(json!({ "authorization_url": offer.authorization_url, "state": offer.id })))
}
