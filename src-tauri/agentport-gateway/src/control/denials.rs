//! Routes of repeated denials: tools that are denied without asking for a while, and "ask me again".

use agentport_api::{Items, RepeatedDenial};
use agentport_core::ApprovalId;
use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;

use super::{
    Control,
    error::{ApiError, ApiResult},
};

pub(super) async fn list(State(control): State<Control>) -> ApiResult<Json<Items<RepeatedDenial>>> {
    let active = control.approvals.active_denials().await?;
    let names = control.store.agent_names(active.iter().map(|denial| denial.agent)).await?;
    let items = active
        .into_iter()
        .map(|denial| RepeatedDenial {
            agent_name: names.get(&denial.agent).cloned().unwrap_or_default(),
            id: denial.id,
            agent: denial.agent,
            integration: denial.integration,
            tool: denial.tool,
            until: denial.until,
        })
        .collect();
    Ok(Json(Items { items }))
}

/// Ends a repeated denial: the owner is asked again.
pub(super) async fn end(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let gone =
        || ApiError::not_found(format!("no tool is denied without asking since request {id}"));
    let known: ApprovalId = id.parse().map_err(|_| gone())?;
    match control.approvals.end_denial(known).await? {
        Some(_) => Ok(StatusCode::NO_CONTENT),
        None => Err(gone()),
    }
}
