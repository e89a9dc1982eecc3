//! `agentport__whoami`: the agent and how it was let in, what it may see, its limits and open requests, and the state of
//! each of its integrations. From local state alone: nothing is asked of an upstream.

use agentport_api::{AccountState, AccountView, Health, LastError};
use agentport_core::{ErrorChain, Timestamp, profile::ListMode};
use serde_json::{Value, json};

use super::{
    MetaCall, MetaResult,
    describe::{status_word, type_of},
};
use crate::mcp::tool_result;
use crate::{
    agents::LoginKind,
    approvals::PendingRequest,
    catalogue::{CatalogueEntry, HealthEntry, is_connected},
    store::Audience,
};

/// How much `whoami` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    Brief,
    Full,
}

impl MetaCall<'_> {
    pub(super) async fn whoami(&self) -> MetaResult {
        let detail = match self.optional("detail")? {
            None | Some("brief") => Detail::Brief,
            Some("full") => Detail::Full,
            Some(_) => return Err("detail has to be \"brief\" or \"full\".".to_owned()),
        };
        let agent = &self.principal.agent;
        let settings = self.api.settings.load();
        let integrations = self.view.integrations.values();
        let integrations: Vec<Value> =
            integrations.map(|entry| self.integration_state(entry, detail)).collect();
        let profile = &agent.profile.name;
        Ok(tool_result::json_result(json!({
            "agent": { "id": agent.id, "name": agent.name },
            "let_in": self.let_in().await?,
            "profile": if profile.is_empty() { Value::Null } else { profile.as_str().into() },
            "view": self.view_json(),
            "expires_at": agent.expires_at,
            "paused": self.api.switch.is_paused(),
            "limits": {
                "waiting_requests": settings.pending_per_agent,
                "calls_per_minute": settings.calls_per_minute,
                "approval_expires_after_minutes": settings.approval_expiry_minutes,
                "call_timeout_seconds": settings.call_timeout_seconds,
            },
            "open_requests": self.open_requests(),
            "may": ["list", "describe", "call", "await", "ask for installs"],
            "may_not": ["decide approvals", "change policy", "read activity", "create keys"],
            "integrations": integrations,
        })))
    }

    /// The credential, without its secret part, and what the client says of itself.
    async fn let_in(&self) -> Result<Value, String> {
        let row = self.api.store.agent(self.principal.agent.id).await.map_err(|error| {
            tracing::error!(error = %ErrorChain(&error), "an agent could not be read");
            "What AgentPort knows of you could not be read; try again.".to_owned()
        })?;
        let Some(row) = row else { return Ok(Value::Null) };
        let (by, remote) = match self.principal.login.by {
            LoginKind::Key => ("key", false),
            LoginKind::OAuth { audience, .. } => ("oauth", audience == Audience::External),
        };
        Ok(json!({
            "by": by,
            "remote": remote,
            "key_prefix": (!row.key_prefix.is_empty()).then_some(row.key_prefix),
            "since": row.created_at,
            "expires_at": row.expires_at,
            "client_says": row.client,
        }))
    }

    /// What narrows the view: the agent's profile, and the query of the URL.
    fn view_json(&self) -> Value {
        let key = &self.view.key;
        let asked: Vec<&str> = key.profiles.iter().skip(1).map(|p| p.name.as_str()).collect();
        json!({
            "mode": match key.mode { ListMode::Direct => "direct", ListMode::Meta => "meta" },
            "profiles": asked,
            "tags": key.tags,
        })
    }

    /// Requests that wait for the owner, the one that expires first at the top.
    fn open_requests(&self) -> Vec<Value> {
        let pending = self.api.approvals.pending_of(self.principal.agent.id);
        let request = |request: &PendingRequest| {
            json!({
                "request_id": request.id,
                "integration_id": request.integration,
                "tool_name": request.tool,
                "expires_at": request.expires_at,
            })
        };
        pending.iter().map(request).collect()
    }

    fn integration_state(&self, entry: &CatalogueEntry, detail: Detail) -> Value {
        let agent = &self.principal.agent;
        let row = &entry.row;
        let health = self.api.catalogue.health.get(&row.id);
        let account = self.account_used(entry);
        let mut value = json!({
            "integration_id": row.id,
            "type": type_of(&row.connection),
            "status": status_word(&health.health),
            "auth_method": row.auth_method,
            "auth_status": self.auth_state(entry, &health.health, account.as_ref()),
            "account": account.as_ref().map(|account| &account.label),
            "connected": is_connected(&health.health),
            "tools": self.api.policy.counts_for(agent.id, &self.view, entry),
            "last_error": last_error(&health, detail),
        });
        if detail == Detail::Full
            && let Value::Object(fields) = &mut value
        {
            fields.insert("name".into(), row.name.clone().into());
            fields.insert("tags".into(), json!(row.tags));
            fields.insert("resources".into(), row.resources.into());
            fields.insert("added_at".into(), json!(row.added_at));
            let server = entry.listing.as_ref().map(|listing| json!(listing.server));
            fields.insert("server".into(), server.unwrap_or_default());
            fields.insert("retry_at".into(), json!(retry_at(&health.health)));
            fields.insert("account_details".into(), account.as_ref().map_or(Value::Null, details));
        }
        value
    }

    /// The account that a call of this agent would use.
    fn account_used(&self, entry: &CatalogueEntry) -> Option<AccountView> {
        let agent = &self.principal.agent;
        let accounts = &self.api.sign_ins.accounts;
        let used = accounts.used_by(&entry.row.id, agent.id, &agent.profile.name)?;
        Some(used.view())
    }

    /// `none`: no credential is needed, or none is there yet. Else `pending`, `connected`, `expired` or `unreachable`.
    fn auth_state(
        &self,
        entry: &CatalogueEntry,
        health: &Health,
        account: Option<&AccountView>,
    ) -> &'static str {
        if self.api.sign_ins.pending_for(&entry.row.id).is_some() {
            return "pending";
        }
        match account.map(|account| &account.state) {
            Some(AccountState::SignInNeeded { .. }) => "expired",
            Some(AccountState::Unreachable { .. }) => "unreachable",
            _ if matches!(health, Health::NeedsAuth { .. }) => "expired",
            Some(AccountState::Connected | AccountState::Expires { .. }) => "connected",
            None if entry.row.connection.oauth().is_some() => "none",
            None if entry.row.auth_method == "none" => "none",
            None => "connected",
        }
    }
}

/// What went wrong last. In brief only where that still keeps the integration down.
fn last_error(health: &HealthEntry, detail: Detail) -> Option<LastError> {
    if detail == Detail::Brief && is_connected(&health.health) {
        return None;
    }
    health.last_error.clone()
}

fn retry_at(health: &Health) -> Option<Timestamp> {
    match health {
        Health::Failed { retry_at, .. } => *retry_at,
        _ => None,
    }
}

/// An account, as far as an agent may know of it.
fn details(account: &AccountView) -> Value {
    json!({
        "label": account.label,
        "is_default": account.is_default,
        "workspace": account.workspace,
        "scopes": account.scopes,
        "expires_at": account.expires_at,
        "renews_itself": account.renews_itself,
    })
}
