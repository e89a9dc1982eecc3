//! Integrations and tools.

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
use crate::{agents::Agent, catalogue::PublishedTool, engine::Engine, mcp::meta};

#[derive(Debug, Deserialize)]
pub(super) struct TypeFilter {
    r#type: Option<String>,
}

/// Installed or not, each once.
fn all(engine: &Engine, caller: &RestCaller) -> Vec<Value> {
    let view = caller.view(engine);
    let installed = view.integrations.values().map(|entry| meta::integration_json(entry));
    installed.chain(meta::available(engine, "")).collect()
}

pub(super) async fn list(
    State(engine): State<Arc<Engine>>,
    Query(which): Query<TypeFilter>,
    caller: RestCaller,
) -> Json<Value> {
    let mut found = all(&engine, &caller);
    if let Some(wanted) = which.r#type {
        found.retain(|integration| integration["type"] == wanted.as_str());
    }
    Json(found.into())
}

pub(super) async fn read(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    caller: RestCaller,
) -> RestResult<Json<Value>> {
    let found =
        all(&engine, &caller).into_iter().find(|integration| integration["id"] == id.as_str());
    let missing = || RestError::new(StatusCode::NOT_FOUND, meta::no_such(&id));
    found.map(Json).ok_or_else(missing)
}

pub(super) fn no_integration(id: &str) -> RestError {
    RestError::new(StatusCode::NOT_FOUND, format!("There is no integration {id:?} for you."))
}

/// A tool with how it runs.
fn tool_json(engine: &Engine, agent: &Agent, tool: &PublishedTool) -> Value {
    let mut value = serde_json::to_value(&tool.tool).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        let mode = engine.mode_for(agent, tool).mode.as_str();
        fields.insert("integration_id".into(), tool.integration.as_str().into());
        fields.insert("execution_mode".into(), mode.into());
        fields.insert("category".into(), tool.category.into());
    }
    value
}

pub(super) async fn tools(State(engine): State<Arc<Engine>>, caller: RestCaller) -> Json<Value> {
    let view = caller.view(&engine);
    let tools = view
        .integrations
        .values()
        .flat_map(|entry| view.tools_of(entry))
        .map(|tool| tool_json(&engine, caller.agent(), tool));
    Json(tools.collect::<Vec<_>>().into())
}

pub(super) async fn tools_of(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<String>,
    caller: RestCaller,
) -> RestResult<Json<Value>> {
    let entry = caller.view(&engine).integrations.get(id.as_str()).cloned();
    let entry = entry.ok_or_else(|| no_integration(&id))?;
    if entry.listing.is_none() {
        engine
            .await_first_list(&entry.row.id)
            .await
            .map_err(|refusal| RestError::new(StatusCode::BAD_GATEWAY, refusal.to_string()))?;
    }
    let view = caller.view(&engine);
    let entry = view.integrations.get(id.as_str()).ok_or_else(|| no_integration(&id))?;
    let tools = view.tools_of(entry).map(|tool| tool_json(&engine, caller.agent(), tool));
    Ok(Json(tools.collect::<Vec<_>>().into()))
}
