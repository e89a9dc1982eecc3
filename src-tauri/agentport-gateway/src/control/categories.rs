//! Routes of category rules: one mode for all tools of a category of an integration.
//!
//! Such a rule applies to every agent and to each tool without a rule of its own, also to tools added to the category
//! later. Allowing a category is therefore a deliberate choice.

use agentport_api::{Items, RuleView, SetCategoryPolicy};
use agentport_core::{
    RuleId,
    audit::{Actor, AuditAction},
    policy::{Mode, Origin, Rule, Scope},
};
use axum::{Json, extract::State};
use http::HeaderMap;
use serde_json::json;
use uuid::Uuid;

use super::{
    Control,
    error::{ApiError, ApiResult},
    policy::rule_view,
};
use crate::clock;

/// Sets or removes the mode of a category.
pub(super) async fn set(
    State(control): State<Control>,
    headers: HeaderMap,
    Json(wanted): Json<SetCategoryPolicy>,
) -> ApiResult<Json<Items<RuleView>>> {
    let SetCategoryPolicy { integration, category, mode } = wanted;
    let scope = Scope::Category { integration: integration.clone(), category: category.clone() };
    let before = control.store.rules().await?;
    let strictest = before
        .iter()
        .filter(|rule| rule.scope == scope && rule.agent.is_none())
        .map(|rule| rule.mode)
        .max();
    let entry = control.catalogue.get(&integration);
    let entry = entry
        .ok_or_else(|| ApiError::not_found(format!("there is no integration {integration}")))?;
    if mode.is_some() && !entry.tools.iter().any(|tool| tool.category == category) {
        let detail = format!("{integration} has no category {category:?}; look at its tools first");
        return Err(ApiError::not_found(detail));
    }
    // Removing a rule that asks or denies can let a wider allow apply; lifting a deny can let a more specific allow apply.
    let eased = match (strictest, mode) {
        (_, Some(Mode::Allow)) => true,
        (Some(before), None) => before != Mode::Allow,
        (Some(before), Some(mode)) => before == Mode::Deny && mode != Mode::Deny,
        (None, _) => false,
    };
    if eased {
        control.confirmed(&headers).await?;
    }
    let rule = mode.map(|mode| Rule {
        id: RuleId(Uuid::now_v7()),
        scope: scope.clone(),
        mode,
        agent: None,
        conditions: Vec::new(),
        digest: None,
        expires_at: None,
        session: false,
        origin: Origin::Owner,
        created_at: clock::now(),
    });
    let replaced = control.store.replace_category_rule(&scope, rule.as_ref()).await?;
    control.policy.reload().await?;
    record_change(&control, rule.as_ref(), replaced).await;
    let names = control.store.agent_names(rule.as_ref().and_then(|rule| rule.agent)).await?;
    let items = rule.into_iter().map(|rule| rule_view(&control.catalogue, rule, &names)).collect();
    Ok(Json(Items { items }))
}

/// Records the rule that was set, or those that were removed, which can be put back.
async fn record_change(control: &Control, set: Option<&Rule>, replaced: Vec<Rule>) {
    let Some(rule) = set else {
        for gone in replaced {
            let (id, detail) = (gone.id.to_string(), json!({ "rule": gone }));
            control.audit.record(Actor::Owner, AuditAction::PolicyRemoved, &id, detail).await;
            control.policy.undo.removed(gone);
        }
        return;
    };
    let (id, detail) = (rule.id.to_string(), json!(rule));
    control.audit.record(Actor::Owner, AuditAction::PolicySet, &id, detail).await;
}
