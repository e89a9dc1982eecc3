//! `agentport__whoami`: the agent's name, profile, integrations and open approvals, from local state alone.

use serde_json::{Value, json};

use super::{
    MetaCall, MetaResult,
    describe::{status_word, type_of},
};
use crate::catalogue::is_connected;
use crate::mcp::tool_result;

impl MetaCall<'_> {
    pub(super) fn whoami(&self) -> MetaResult {
        let full = match self.optional("detail")? {
            None | Some("brief") => false,
            Some("full") => true,
            Some(_) => return Err("detail has to be \"brief\" or \"full\".".to_owned()),
        };
        let agent = &self.principal.agent;
        let settings = self.api.settings.load();
        let integrations: Vec<Value> = self
            .view
            .integrations
            .values()
            .map(|entry| {
                let health = self.api.catalogue.health.get(&entry.row.id);
                let mut value = json!({
                    "integration_id": entry.row.id,
                    "type": type_of(&entry.row.connection),
                    "status": status_word(&health.health),
                    "auth_method": entry.row.auth_method,
                    "connected": is_connected(&health.health),
                    "tools": self.api.policy.counts_for(agent.id, &self.view, entry),
                });
                if full && let Value::Object(fields) = &mut value {
                    fields.insert("name".into(), entry.row.name.clone().into());
                    fields.insert("tags".into(), json!(entry.row.tags));
                    fields.insert("resources".into(), entry.row.resources.into());
                    fields.insert("last_error".into(), json!(health.last_error));
                    let server = entry.listing.as_ref().map(|l| json!(l.server));
                    fields.insert("server".into(), server.unwrap_or_default());
                }
                value
            })
            .collect();
        let profile = &agent.profile.name;
        Ok(tool_result::json_result(json!({
            "agent": { "id": agent.id, "name": agent.name },
            "profile": if profile.is_empty() { Value::Null } else { profile.as_str().into() },
            "expires_at": agent.expires_at,
            "paused": self.api.switch.is_paused(),
            "limits": {
                "waiting_requests": settings.pending_per_agent,
                "calls_per_minute": settings.calls_per_minute,
                "approval_expires_after_minutes": settings.approval_expiry_minutes,
            },
            "may": ["list", "describe", "call", "await", "ask for installs"],
            "may_not": ["decide approvals", "change policy", "read activity", "create keys"],
            "integrations": integrations,
        })))
    }
}
