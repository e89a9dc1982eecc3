//! Routes that change, remove and restore a rule.

use std::collections::HashMap;

use agentport_api::{ChangeRule, RuleView};
use agentport_core::{
    AgentId, IntegrationId, RuleId, Timestamp,
    audit::{Actor, AuditAction},
    policy::{Mode, Origin, Rule, Scope},
    time::InvalidTimestamp,
};
use axum::{
    Json,
    extract::{Path, Query, State},
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::rule_view;
use crate::{
    clock,
    control::{
        Control,
        error::{ApiError, ApiResult},
    },
    store::Transition,
};

/// Values for "no end" and "every agent" in a change, where `null` would be indistinguishable from an absent field.
const NEVER: &str = "never";
const EVERY: &str = "every";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::control) struct RemoveQuery {
    /// Also restores the stricter rule this one replaced.
    #[serde(default)]
    undo: bool,
}

pub(in crate::control) async fn change(
    State(control): State<Control>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(wanted): Json<ChangeRule>,
) -> ApiResult<Json<RuleView>> {
    let before = control.rule(&id).await?;
    let other = wanted.agent.as_deref().and_then(|agent| agent.parse().ok());
    let names = control.store.agent_names(before.agent.into_iter().chain(other)).await?;
    let mut rule = changed(&before, &wanted, &names, clock::now())?;
    rule.digest = None;
    if let (Mode::Allow, Scope::Tool { integration, tool }) = (rule.mode, &rule.scope) {
        let Some(tool) = control.catalogue.published(integration, tool) else {
            let detail = "the tool is not there now, so there is nothing to allow";
            return Err(ApiError::new(StatusCode::CONFLICT, detail));
        };
        // The definition the owner saw: as sent now, else as sent when it was allowed, else the present one.
        let seen = wanted.digest.or(before.digest).unwrap_or(tool.digest);
        if seen != tool.digest {
            let detail = "the tool has changed since you looked at it; look again";
            return Err(ApiError::new(StatusCode::CONFLICT, detail));
        }
        rule.digest = Some(tool.digest);
        control
            .store
            .put_definitions(&[(tool.digest, tool.definition_json())], clock::now())
            .await?;
    }
    if widens(&before, &rule) {
        control.confirmed(&headers).await?;
    }
    let swapped = control.store.swap_rule(rule.id, std::slice::from_ref(&rule)).await?;
    if swapped == Transition::LostRace {
        return Err(gone(&id));
    }
    control.policy.reload().await?;
    let detail = json!({ "before": before, "after": rule });
    control
        .audit
        .record(Actor::Owner, AuditAction::PolicyChanged, &rule.id.to_string(), detail)
        .await;
    Ok(Json(rule_view(&control.catalogue, rule, &names)))
}

/// The changed rule, without its definition digest.
fn changed(
    before: &Rule,
    wanted: &ChangeRule,
    names: &HashMap<AgentId, String>,
    now: Timestamp,
) -> ApiResult<Rule> {
    let mut rule = before.clone();
    rule.mode = wanted.mode.unwrap_or(before.mode);
    if let Some(end) = wanted.expires_at.as_deref() {
        rule.expires_at = match end {
            NEVER => None,
            moment => Some(moment.parse().map_err(|error: InvalidTimestamp| {
                ApiError::invalid("expires_at", format!("{error}, or {NEVER:?}"))
            })?),
        };
        if rule.expires_at.is_some_and(|end| end <= now) {
            return Err(ApiError::invalid("expires_at", "that moment is over already"));
        }
        // With an explicit end it no longer ends with the session.
        rule.session = false;
    }
    if let Some(agent) = wanted.agent.as_deref() {
        rule.agent = match agent {
            EVERY => None,
            id => {
                let unknown = || ApiError::invalid("agent", format!("there is no agent {id:?}"));
                let id = id.parse().map_err(|_| unknown())?;
                Some(names.contains_key(&id).then_some(id).ok_or_else(unknown)?)
            }
        };
        if rule.session && rule.agent.is_none() {
            let detail = "a rule for a session is for one agent; say when it ends instead";
            return Err(ApiError::invalid("agent", detail));
        }
    }
    if rule.origin == Origin::Builtin {
        rule.origin = Origin::Owner;
    }
    Ok(rule)
}

/// Could agents do more after the change?
fn widens(before: &Rule, after: &Rule) -> bool {
    // An asking or denying rule that no longer covers an agent may let it through. A deny overrides every allow; an ask
    // yields to a more specific allow.
    let held_back = before.mode != Mode::Allow;
    after.mode == Mode::Allow
        || (before.mode == Mode::Deny && after.mode != Mode::Deny)
        || (held_back && (after.agent != before.agent || after.expires_at != before.expires_at))
}

pub(in crate::control) async fn remove(
    State(control): State<Control>,
    Path(id): Path<String>,
    Query(how): Query<RemoveQuery>,
    headers: HeaderMap,
) -> ApiResult<StatusCode> {
    let rule = control.rule(&id).await?;
    if rule.mode != Mode::Allow || control.is_stale(&rule) {
        // Without it, a wider allow may apply.
        control.confirmed(&headers).await?;
    }
    let back = if how.undo { control.policy.undo.stricter_before(rule.id) } else { Vec::new() };
    if control.store.swap_rule(rule.id, &back).await? == Transition::LostRace {
        return Err(gone(&id));
    }
    control.policy.reload().await?;
    let detail = json!({ "rule": rule, "back": back });
    control
        .audit
        .record(Actor::Owner, AuditAction::PolicyRemoved, &rule.id.to_string(), detail)
        .await;
    control.policy.undo.removed(rule);
    Ok(StatusCode::NO_CONTENT)
}

/// Restores a removed rule unchanged: an allow still applies only to the definition it was made for.
pub(in crate::control) async fn restore(
    State(control): State<Control>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Json<RuleView>> {
    let unknown =
        || ApiError::not_found(format!("no rule {id:?} was removed since AgentPort started"));
    let known = id.parse().ok().and_then(|id| control.policy.undo.find(id));
    let rule = known.ok_or_else(unknown)?;
    if rule.expires_at.is_some_and(|end| end <= clock::now()) {
        return Err(ApiError::new(StatusCode::CONFLICT, "the rule has ended in the meantime"));
    }
    if integration_of(&rule.scope).is_some_and(|id| control.catalogue.get(id).is_none()) {
        let detail = "the rule is about an integration that is gone";
        return Err(ApiError::new(StatusCode::CONFLICT, detail));
    }
    if rule.mode == Mode::Allow {
        control.confirmed(&headers).await?;
    }
    let names = control.store.agent_names(rule.agent).await?;
    if control.policy.undo.forget(rule.id) == Transition::LostRace {
        return Err(unknown());
    }
    if let Err(error) = control.store.insert_rule(&rule).await {
        control.policy.undo.removed(rule);
        return Err(error.into());
    }
    control.policy.reload().await?;
    control
        .audit
        .record(Actor::Owner, AuditAction::PolicyRestored, &rule.id.to_string(), json!(rule))
        .await;
    Ok(Json(rule_view(&control.catalogue, rule, &names)))
}

impl Control {
    /// Is it an allow for an outdated definition? Then the owner is asked.
    fn is_stale(&self, rule: &Rule) -> bool {
        let Scope::Tool { integration, tool } = &rule.scope else { return false };
        let present = self.catalogue.published(integration, tool);
        present.is_none_or(|tool| rule.digest != Some(tool.digest))
    }

    async fn rule(&self, id: &str) -> ApiResult<Rule> {
        let parsed: RuleId = id.parse().map_err(|_| gone(id))?;
        self.store.rule(parsed).await?.ok_or_else(|| gone(id))
    }
}

fn integration_of(scope: &Scope) -> Option<&IntegrationId> {
    match scope {
        Scope::Tool { integration, .. }
        | Scope::Category { integration, .. }
        | Scope::ReadOnly { integration }
        | Scope::Integration { integration } => Some(integration),
        Scope::NonDestructive | Scope::Everything => None,
    }
}

fn gone(id: &str) -> ApiError {
    ApiError::not_found(format!("there is no rule {id:?}"))
}
