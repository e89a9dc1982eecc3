//! REST routes of integrations (installed or not) and their tools.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::rest::{
    RestCaller,
    response::{RestError, RestResult},
};
use crate::{agent_api::AgentApi, agents::Agent, catalogue::PublishedTool, mcp::meta};

#[derive(Debug, Deserialize)]
pub(super) struct TypeFilter {
    r#type: Option<String>,
}

/// Installed integrations and entries of the directory, each id once.
fn all(api: &AgentApi, caller: &RestCaller) -> Vec<Value> {
    let view = caller.view(&api.catalogue);
    let installed = view.integrations.values().map(|entry| meta::integration_json(entry));
    installed.chain(meta::available(api, "")).collect()
}

pub(super) async fn list(
    State(api): State<Arc<AgentApi>>,
    Query(which): Query<TypeFilter>,
    caller: RestCaller,
) -> Json<Value> {
    let mut found = all(&api, &caller);
    if let Some(wanted) = which.r#type {
        found.retain(|integration| integration["type"] == wanted.as_str());
    }
    Json(found.into())
}

pub(super) async fn read(
    State(api): State<Arc<AgentApi>>,
    Path(id): Path<String>,
    caller: RestCaller,
) -> RestResult<Json<Value>> {
    let found = all(&api, &caller).into_iter().find(|integration| integration["id"] == id.as_str());
    let missing = || RestError::new(StatusCode::NOT_FOUND, meta::no_such(&id));
    found.map(Json).ok_or_else(missing)
}

pub(super) fn no_integration(id: &str) -> RestError {
    RestError::new(StatusCode::NOT_FOUND, format!("There is no integration {id:?} for you."))
}

/// A tool with its mode.
fn tool_json(api: &AgentApi, agent: &Agent, tool: &PublishedTool) -> Value {
    let mut value = serde_json::to_value(&tool.tool).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        let mode = api.policy.mode_for(agent.id, tool).mode.as_str();
        fields.insert("integration_id".into(), tool.integration.as_str().into());
        fields.insert("execution_mode".into(), mode.into());
        fields.insert("category".into(), tool.category.into());
    }
    value
}

pub(super) async fn tools(State(api): State<Arc<AgentApi>>, caller: RestCaller) -> Json<Value> {
    let view = caller.view(&api.catalogue);
    let tools = view
        .integrations
        .values()
        .flat_map(|entry| view.tools_of(entry))
        .map(|tool| tool_json(&api, caller.agent(), tool));
    Json(tools.collect::<Vec<_>>().into())
}

pub(super) async fn tools_of(
    State(api): State<Arc<AgentApi>>,
    Path(id): Path<String>,
    caller: RestCaller,
) -> RestResult<Json<Value>> {
    let entry = caller.view(&api.catalogue).integrations.get(id.as_str()).cloned();
    let entry = entry.ok_or_else(|| no_integration(&id))?;
    if entry.listing.is_none() {
        api.calls
            .resolver
            .await_first_list(&entry.row.id)
            .await
            .map_err(|refusal| RestError::new(StatusCode::BAD_GATEWAY, refusal.to_string()))?;
    }
    let view = caller.view(&api.catalogue);
    let entry = view.integrations.get(id.as_str()).ok_or_else(|| no_integration(&id))?;
    let tools = view.tools_of(entry).map(|tool| tool_json(&api, caller.agent(), tool));
    Ok(Json(tools.collect::<Vec<_>>().into()))
}
