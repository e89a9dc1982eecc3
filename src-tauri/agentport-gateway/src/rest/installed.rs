//! What is installed, and asking the owner to change that.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;
use rmcp::model::JsonObject;
use serde_json::Value;

use super::call::read;
use crate::rest::{
    RequestBody, RestCaller,
    integrations::no_integration,
    response::{self, RestError, RestResult},
};
use crate::{call::Request, engine::Engine, mcp::meta};

pub(super) async fn list(State(engine): State<Arc<Engine>>, caller: RestCaller) -> Json<Value> {
    let view = caller.view(&engine);
    let installed = view
        .integrations
        .values()
        .map(|entry| meta::installed_json(&engine, caller.agent(), &view, entry));
    Json(installed.collect::<Vec<_>>().into())
}

/// Asks the owner to install: 403 `approval_required`; the same request repeated after the owner's yes installs.
pub(super) async fn install(
    State(engine): State<Arc<Engine>>,
    caller: RestCaller,
    RequestBody(body): RequestBody,
) -> RestResult<Json<Value>> {
    let arguments: JsonObject = read(&body)?;
    meta::installable(&engine, caller.agent().id, &arguments)
        .map_err(|sentence| RestError::new(StatusCode::UNPROCESSABLE_ENTITY, sentence))?;
    let id = arguments.get("integration_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    ask(&engine, &caller, id, meta::INSTALL, arguments).await
}

pub(super) async fn uninstall(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    caller: RestCaller,
) -> RestResult<Json<Value>> {
    if !caller.view(&engine).integrations.contains_key(id.as_str()) {
        return Err(no_integration(&id));
    }
    let arguments =
        JsonObject::from_iter([("integration_id".to_owned(), Value::from(id.as_str()))]);
    ask(&engine, &caller, id, meta::UNINSTALL, arguments).await
}

async fn ask(
    engine: &Arc<Engine>,
    caller: &RestCaller,
    integration: String,
    tool: &str,
    arguments: JsonObject,
) -> RestResult<Json<Value>> {
    let outcome = engine
        .manage(Request {
            agent: caller.agent().clone(),
            view: caller.view(engine),
            integration: integration.clone(),
            tool: tool.to_owned(),
            arguments,
            additional_info: None,
            door: "rest",
            caller: Default::default(),
        })
        .await;
    response::from_outcome(outcome, &engine.address, &integration, tool)
}

/// Credentials and settings of an installed integration are the owner's.
pub(super) async fn change(_caller: RestCaller) -> RestResult<()> {
    Err(RestError::owner_only())
}

/// `POST /api/auth/{id}/start`, for integrations that sign in with OAuth.
pub(super) async fn start_auth(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    caller: RestCaller,
) -> RestResult<Json<Value>> {
    match caller.view(&engine).integrations.get(id.as_str()) {
        None => Err(no_integration(&id)),
        Some(entry) => Err(RestError::new(
            StatusCode::CONFLICT,
            format!(
                "The integration {id:?} does not sign in with OAuth but with {:?}; there is nothing to start.",
                entry.row.auth_method
            ),
        )),
    }
}
