//! Route of the owner's classification of a tool: what a call of it does, whatever it says of itself.
//!
//! It is bound to the definition the owner had in view. A tool that changes is what it says of itself until the owner
//! classifies it anew.

use agentport_api::{ClassifyTool, ToolView};
use agentport_core::{
    audit::{Actor, AuditAction},
    tool::ToolEffect,
};
use axum::{
    Json,
    extract::{Path, State},
};
use http::StatusCode;
use serde_json::json;

use super::{
    Control,
    error::{ApiError, ApiResult},
};
use crate::{clock, store::ToolEffectRow};

/// Classifies a tool, or takes its classification away.
pub(super) async fn set(
    State(control): State<Control>,
    Path(id): Path<String>,
    Json(wanted): Json<ClassifyTool>,
) -> ApiResult<Json<ToolView>> {
    let ClassifyTool { tool, effect, digest } = wanted;
    let entry = control.entry(&id)?;
    let id = &entry.row.id;
    let unknown =
        || ApiError::not_found(format!("{id} has no tool {tool:?}; look at its tools first"));
    let published = entry.tool(&tool).ok_or_else(unknown)?;
    if digest.is_some_and(|seen| seen != published.digest) {
        let detail = "the tool has changed since you looked at it; look again";
        return Err(ApiError::new(StatusCode::CONFLICT, detail));
    }
    match effect {
        Some(ToolEffect::Undeclared) => {
            return Err(ApiError::invalid("effect", "use reads, changes or destroys"));
        }
        Some(effect) => {
            let definition = (published.digest, published.definition_json());
            control.store.put_definitions(&[definition], clock::now()).await?;
            let said = ToolEffectRow {
                integration: id.clone(),
                tool: tool.clone(),
                digest: published.digest,
                effect,
            };
            control.store.put_tool_effect(&said, clock::now()).await?;
        }
        None => control.store.delete_tool_effect(id, &tool).await?,
    }
    control.integrations.reload_classifications().await?;
    control.policy.reload().await?;
    let subject = format!("{id}/{tool}");
    let detail =
        json!({ "effect": effect, "before": published.effect, "digest": published.digest });
    control.audit.record(Actor::Owner, AuditAction::ToolClassified, &subject, detail).await;
    control.events.send(agentport_api::Event::Integration { id: id.clone() });
    let entry = control.entry(id.as_str())?;
    entry.tool(&tool).map(|tool| Json(control.tool_view(tool))).ok_or_else(unknown)
}
