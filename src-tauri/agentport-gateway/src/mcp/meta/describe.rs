//! Integrations and tools as JSON, as agents read them over MCP and REST.

use agentport_api::{Connection, Health};
use agentport_core::policy::{self, Mode, Reason};
use serde_json::{Value, json};

use crate::{
    agent_api::AgentApi,
    agents::Agent,
    catalogue::{AgentView, CatalogueEntry, PublishedTool, is_connected},
};

/// The type of an integration as docs/contract.md §2 names it.
pub(crate) fn type_of(connection: &Connection) -> &'static str {
    connection.kind().as_str()
}

pub(crate) fn status_word(health: &Health) -> &'static str {
    match health {
        Health::Idle => "idle",
        Health::Starting => "starting",
        Health::Ready => "ready",
        Health::NeedsAuth { .. } => "needs_auth",
        Health::Failed { .. } => "failed",
        Health::Disabled => "disabled",
    }
}

/// An installed integration (docs/contract.md §2).
pub(crate) fn installed_json(
    api: &AgentApi,
    agent: &Agent,
    view: &AgentView,
    entry: &CatalogueEntry,
) -> Value {
    let health = api.catalogue.health.get(&entry.row.id).health;
    let counts = api.policy.counts_for(agent.id, view, entry);
    json!({
        "integration_id": entry.row.id,
        "type": type_of(&entry.row.connection),
        "auth_method": entry.row.auth_method,
        "connected": is_connected(&health),
        "added_at": entry.row.added_at,
        "status": status_word(&health),
        "tools": {
            "total": counts.total,
            "allow": counts.allow,
            "require_approval": counts.require_approval,
            "deny": counts.deny,
            "quarantined": 0,
        },
    })
}

/// A tool in full, with its mode for this agent.
pub(crate) fn tool_with_mode(api: &AgentApi, agent: &Agent, tool: &PublishedTool) -> Value {
    let mut value = serde_json::to_value(&tool.tool).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        fields.insert(
            "approval_mode".into(),
            api.policy.mode_for(agent.id, tool).mode.as_str().into(),
        );
    }
    value
}

/// A tool in a list over all integrations: no schema.
pub(crate) fn listed_json(api: &AgentApi, agent: &Agent, tool: &PublishedTool) -> Value {
    json!({
        "integration_id": tool.integration,
        "name": tool.name(),
        "description": tool.tool.description,
        "approval_mode": api.policy.mode_for(agent.id, tool).mode.as_str(),
    })
}

/// Source of a mode: set by the owner, or the default.
pub(crate) fn source_of(reason: Reason) -> &'static str {
    match reason {
        Reason::NoRule | Reason::IntegrationDefault => "default",
        Reason::Rule { .. } | Reason::DefinitionChanged { .. } | Reason::ReadOnlyMayRun => {
            "configured"
        }
    }
}

/// A sentence about a mode, for the agent.
pub(crate) fn note_of(decision: policy::Decision) -> &'static str {
    match (decision.mode, decision.reason) {
        (Mode::Allow, Reason::ReadOnlyMayRun) => {
            "Runs at once: the owner lets tools that only read run."
        }
        (Mode::Allow, _) => "Runs at once.",
        (Mode::RequireApproval, Reason::DefinitionChanged { .. }) => {
            "Needs approval: its definition changed since the owner allowed it."
        }
        (Mode::RequireApproval, _) => {
            "Needs approval. After the call, share the URL and call agentport__await_approval at once."
        }
        (Mode::Deny, _) => "Blocked by the owner. Do not call it.",
    }
}
