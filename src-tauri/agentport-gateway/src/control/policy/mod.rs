//! Routes of policy rules: list with their sentences, set per tool, change, remove, restore.

mod change;

use std::collections::HashMap;

use agentport_api::{Items, RuleView, SetPolicy};
use agentport_core::{
    AgentId, IntegrationId, RuleId,
    audit::{Actor, AuditAction},
    policy::{self, Mode, Origin, Rule, Scope},
};
use axum::{Json, extract::State};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use uuid::Uuid;

use super::{
    Control,
    error::{ApiError, ApiResult},
};
use crate::{catalogue::Catalogue, clock};

pub(super) use self::change::{change, remove, restore};

pub(super) async fn list(State(control): State<Control>) -> ApiResult<Json<Items<RuleView>>> {
    let now = clock::now();
    let rules = control.store.rules().await?;
    let names = control.store.agent_names(rules.iter().filter_map(|rule| rule.agent)).await?;
    let items = rules
        .into_iter()
        .filter(|rule| rule.expires_at.is_none_or(|end| now < end))
        .map(|rule| rule_view(&control.catalogue, rule, &names))
        .collect();
    Ok(Json(Items { items }))
}

/// Sets the mode of a tool, for every agent or for one. Replaces the rule with the same tool and agent.
pub(super) async fn set(
    State(control): State<Control>,
    headers: HeaderMap,
    Json(wanted): Json<SetPolicy>,
) -> ApiResult<Json<RuleView>> {
    let names = control.store.agent_names(wanted.agent).await?;
    let tool =
        control.catalogue.get(&wanted.integration).and_then(|e| e.tool(&wanted.tool).cloned());
    let Some(tool) = tool else {
        let detail = format!(
            "{} has no tool {:?}; look at its tools first",
            wanted.integration, wanted.tool
        );
        return Err(ApiError::not_found(detail));
    };
    if wanted.digest.is_some_and(|seen| seen != tool.digest) {
        let detail = "the tool has changed since you looked at it; look again";
        return Err(ApiError::new(StatusCode::CONFLICT, detail));
    }
    if let Some(agent) = wanted.agent
        && !names.contains_key(&agent)
    {
        return Err(ApiError::invalid("agent", format!("there is no agent {agent}")));
    }
    let scope = Scope::Tool { integration: wanted.integration, tool: wanted.tool };
    // A removed deny was overriding every allow, also more specific ones.
    let denies =
        |rule: &Rule| rule.scope == scope && rule.agent == wanted.agent && rule.mode == Mode::Deny;
    let lifts = wanted.mode != Mode::Deny && control.store.rules().await?.iter().any(denies);
    if wanted.mode == Mode::Allow || lifts {
        control.confirmed(&headers).await?;
    }
    let rule = Rule {
        id: RuleId(Uuid::now_v7()),
        scope,
        mode: wanted.mode,
        agent: wanted.agent,
        conditions: Vec::new(),
        digest: (wanted.mode == Mode::Allow).then_some(tool.digest),
        expires_at: None,
        session: false,
        origin: Origin::Owner,
        created_at: clock::now(),
    };
    control.store.put_definitions(&[(tool.digest, tool.definition_json())], clock::now()).await?;
    control.store.replace_tool_rule(&rule).await?;
    control.policy.reload().await?;
    control
        .audit
        .record(Actor::Owner, AuditAction::PolicySet, &rule.id.to_string(), json!(rule))
        .await;
    Ok(Json(rule_view(&control.catalogue, rule, &names)))
}

pub(super) fn rule_view(
    catalogue: &Catalogue,
    rule: Rule,
    names: &HashMap<AgentId, String>,
) -> RuleView {
    let agent_name = rule.agent.map(|agent| {
        names.get(&agent).cloned().unwrap_or_else(|| "an agent that is gone".to_owned())
    });
    let integration_name = |id: &IntegrationId| {
        catalogue.get(id).map_or_else(|| id.to_string(), |entry| entry.row.name.clone())
    };
    let stale = match (&rule.scope, rule.digest, rule.mode) {
        (Scope::Tool { integration, tool }, Some(seen), Mode::Allow) => {
            catalogue.published(integration, tool).is_none_or(|tool| tool.digest != seen)
        }
        _ => false,
    };
    let sentence = policy::describe_rule(&rule, agent_name.as_deref(), integration_name);
    RuleView { rule, sentence, agent_name, stale }
}
