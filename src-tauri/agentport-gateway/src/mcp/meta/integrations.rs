//! Meta tools that list and describe integrations and tools.

use agentport_core::{IntegrationId, search};
use rmcp::model::CallToolResult;
use serde_json::{Value, json};

use super::{
    MetaCall, MetaResult,
    describe::{installed_json, listed_json, note_of, source_of, tool_with_mode, type_of},
};
use crate::catalogue::is_connected;
use crate::catalogue::managed_tools::TYPES;
use crate::{
    agent_api::AgentApi,
    agents::Agent,
    builtin::demo,
    catalogue::{CatalogueEntry, PublishedTool},
    directory::{self, DirectoryEntry, NotOffered},
    mcp::tool_result,
    sign_ins::AuthorizationOffer,
};

/// An installed integration (docs/contract.md §2).
pub(crate) fn integration_json(entry: &CatalogueEntry) -> Value {
    let row = &entry.row;
    let known = directory::entry_for(&row.id, &row.connection);
    let said = || entry.listing.as_ref().and_then(|listing| listing.instructions.clone());
    json!({
        "id": row.id,
        "name": row.name,
        "description": known
            .map(|listed| listed.description.clone())
            .or_else(said)
            .unwrap_or_default(),
        "type": type_of(&row.connection),
        "auth_methods": [row.auth_method],
        // The address of a server is private to the owner and not a documentation URL.
        "docs_url": known.map(|listed| listed.docs_url.as_str()),
    })
}

/// An entry of the directory, in the same form.
fn listed_integration(listed: &DirectoryEntry) -> Value {
    json!({
        "id": listed.id,
        "name": listed.name,
        "description": listed.description,
        "type": listed.type_name(),
        "auth_methods": listed.auth_methods().iter().map(directory::method_name).collect::<Vec<_>>(),
        "docs_url": listed.docs_url,
    })
}

/// Entries of the directory that are not installed and match the query, best first.
pub(crate) fn available(api: &AgentApi, query: &str) -> Vec<Value> {
    let installed = |id: &IntegrationId| api.catalogue.get(id).is_some();
    let listed = directory::search(query)
        .into_iter()
        .filter(|listed| !installed(&listed.id))
        .map(listed_integration);
    let demo = demo_json();
    let fits = {
        let lower = |field: &str| demo[field].as_str().unwrap_or_default().to_lowercase();
        search::rank(&query.to_lowercase(), &lower("name"), demo::ID, &lower("description"))
    };
    let demo = (!installed(&demo::id()) && fits.is_some()).then_some(demo);
    demo.into_iter().chain(listed).collect()
}

/// An entry of the directory that is not installed.
pub(super) fn available_one(api: &AgentApi, id: &str) -> Option<Value> {
    available(api, "").into_iter().find(|integration| integration["id"] == id)
}

/// The sentence for an id that is unknown or cannot be installed.
pub(crate) fn no_such(id: &str) -> String {
    match directory::find_offered(id) {
        Err(NotOffered::Unsupported { name, why }) => {
            format!("{name} cannot be installed yet: {why}.")
        }
        _ => format!(
            "There is no integration {id:?}. agentport__list_available_integrations lists those there are."
        ),
    }
}

fn demo_json() -> Value {
    json!({
        "id": demo::ID,
        "name": "Demo notes",
        "description": "Notes kept by AgentPort, to try it without an account: reading runs, adding asks, deleting is blocked.",
        "type": "builtin",
        "auth_methods": ["none"],
        "docs_url": Value::Null,
    })
}

impl MetaCall<'_> {
    pub(super) async fn list_available(&self) -> MetaResult {
        let wanted = self.optional("type")?.map(str::to_owned);
        if let Some(wanted) = wanted.as_deref().filter(|wanted| !TYPES.contains(wanted)) {
            return Err(format!("type is {wanted:?}; it can be {}.", TYPES.join(", ")));
        }
        let mut found = available(self.api, self.optional("query")?.unwrap_or_default());
        found.retain(|one| wanted.as_deref().is_none_or(|wanted| one["type"] == wanted));
        Ok(tool_result::json_result(found.into()))
    }

    pub(super) async fn get_integration(&self) -> MetaResult {
        let id = self.text("integration_id")?;
        if let Some(entry) = self.view.integrations.get(id) {
            return Ok(tool_result::json_result(integration_json(entry)));
        }
        available_one(self.api, id).map(tool_result::json_result).ok_or_else(|| no_such(id))
    }

    pub(super) fn list_installed(&self) -> MetaResult {
        let agent = &self.principal.agent;
        let installed = self
            .view
            .integrations
            .values()
            .map(|entry| installed_json(self.api, agent, &self.view, entry))
            .collect();
        Ok(tool_result::json_result(installed))
    }

    /// A visible integration, or the sentence for an unknown one.
    pub(super) fn installed(&self) -> Result<&std::sync::Arc<CatalogueEntry>, String> {
        let id = self.text("integration_id")?;
        self.view.integrations.get(id).ok_or_else(|| {
            format!("The integration {id:?} is not installed. agentport__install_integration asks the owner to install it.")
        })
    }

    pub(super) fn auth_status(&self) -> MetaResult {
        let entry = match (self.installed(), self.pending_status()) {
            (Ok(entry), _) => entry,
            (Err(_), Some(pending)) => return Ok(pending),
            (Err(sentence), None) => return Err(sentence),
        };
        let health = self.api.catalogue.health.get(&entry.row.id).health;
        let mut status = json!({
            "integration_id": entry.row.id,
            "auth_method": entry.row.auth_method,
            "connected": is_connected(&health),
        });
        if entry.row.connection.oauth().is_some() {
            status["oauth_status"] = self.oauth_status(&entry.row.id).into();
        }
        Ok(tool_result::json_result(status))
    }

    /// The status of a sign-in to something that is not installed yet.
    fn pending_status(&self) -> Option<CallToolResult> {
        let id = IntegrationId::new(self.text("integration_id").ok()?).ok()?;
        self.api.sign_ins.pending_for(&id)?;
        Some(tool_result::json_result(json!({
            "integration_id": id,
            "auth_method": "oauth",
            "connected": false,
            "oauth_status": "pending",
        })))
    }

    fn oauth_status(&self, id: &IntegrationId) -> &'static str {
        if self.api.sign_ins.pending_for(id).is_some() {
            return "pending";
        }
        let default = self.api.sign_ins.accounts.default_of(id);
        match default.as_ref().and_then(|account| account.oauth()) {
            None => "none",
            Some(account) if account.needs_sign_in() => "expired",
            Some(_) => "connected",
        }
    }

    pub(super) async fn start_oauth(&self) -> MetaResult {
        let entry = self.installed()?;
        let offer = start_sign_in(self.api, &self.principal.agent, entry).await?;
        Ok(tool_result::json_result(json!({
            "authorization_url": offer.authorization_url,
            "message": offer.message,
        })))
    }

    pub(super) async fn list_tools(&self) -> MetaResult {
        let query = self.optional("query")?.unwrap_or_default().to_lowercase();
        let agent = &self.principal.agent;
        if self.optional("integration_id")?.is_none() {
            let tools = ranked(
                &query,
                self.view.integrations.values().flat_map(|entry| self.view.tools_of(entry)),
            );
            let tools: Vec<Value> =
                tools.into_iter().map(|tool| listed_json(self.api, agent, tool)).collect();
            return Ok(tool_result::json_result(json!({ "tools": tools })));
        }
        let entry = self.installed()?.clone();
        if entry.listing.is_none() {
            self.api
                .calls
                .resolver
                .await_first_list(&entry.row.id)
                .await
                .map_err(|r| r.to_string())?;
        }
        let view = self.principal.view(&self.api.catalogue);
        let entry = view.integrations.get(&entry.row.id).cloned().unwrap_or(entry);
        let tools: Vec<Value> = ranked(&query, view.tools_of(&entry))
            .into_iter()
            .map(|tool| tool_with_mode(self.api, agent, tool))
            .collect();
        Ok(tool_result::json_result(json!({ "integration_id": entry.row.id, "tools": tools })))
    }

    pub(super) async fn describe_tool(&self) -> MetaResult {
        let name = self.text("tool_name")?.to_owned();
        let entry = self.installed()?.clone();
        if entry.listing.is_none() {
            self.api
                .calls
                .resolver
                .await_first_list(&entry.row.id)
                .await
                .map_err(|r| r.to_string())?;
        }
        let view = self.principal.view(&self.api.catalogue);
        let id = &entry.row.id;
        let tool = view.tool(id.as_str(), &name).ok_or_else(|| {
            format!("The integration {:?} has no tool {name:?}. agentport__list_integration_tools(integration_id={:?}) lists its tools.", id.as_str(), id.as_str())
        })?;
        let decision = self.api.policy.mode_for(self.principal.agent.id, tool);
        Ok(tool_result::json_result(json!({
            "integration_id": id,
            "tool": tool.tool,
            "approval": {
                "mode": decision.mode.as_str(),
                "source": source_of(decision.reason),
                "note": note_of(decision),
            },
        })))
    }
}

/// Matching tools, best first; without a query all, in catalogue order.
fn ranked<'a>(
    query: &str,
    tools: impl Iterator<Item = &'a std::sync::Arc<PublishedTool>>,
) -> Vec<&'a std::sync::Arc<PublishedTool>> {
    let mut found: Vec<_> = tools
        .filter_map(|tool| {
            let integration = tool.integration.as_str();
            let score =
                search::rank(query, &tool.name_lower, integration, &tool.description_lower)?;
            Some((score, tool))
        })
        .collect();
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    found.into_iter().map(|(_, tool)| tool).collect()
}

/// Starts signing in to an integration that uses OAuth. `Err` is a sentence for the agent.
pub(crate) async fn start_sign_in(
    api: &AgentApi,
    agent: &Agent,
    entry: &CatalogueEntry,
) -> Result<AuthorizationOffer, String> {
    let row = &entry.row;
    if row.connection.oauth().is_none() {
        return Err(format!(
            "The integration {:?} does not sign in with OAuth but with {:?}; there is nothing to start.",
            row.id.as_str(),
            row.auth_method
        ));
    }
    api.sign_ins.sign_in_for_agent(&row.id, agent.id).await
}

#[cfg(test)]
mod tests {
    use agentport_core::Timestamp;

    use crate::mcp::meta::integrations::*;
    use crate::{catalogue::Catalogue, store::IntegrationRow};
    use agentport_api::Connection;

    #[test]
    fn addresses_of_servers_are_not_shown() {
        let id = IntegrationId::new("x").unwrap();
        let catalogue = Catalogue::new();
        let row = IntegrationRow {
            id: id.clone(),
            name: "X".to_owned(),
            connection: Connection::RemoteMcp {
                url: "https://internal.example.test/mcp?key=obviously-fake".to_owned(),
                headers: [].into(),
                oauth: None,
                timeout_seconds: None,
            },
            tags: Vec::new(),
            policy: agentport_core::policy::IntegrationPolicy::default(),
            resources: false,
            enabled: true,
            auth_method: "none".to_owned(),
            added_at: Timestamp(1),
            imported: None,
        };
        catalogue.put(row, None);
        let json = integration_json(&catalogue.get(&id).unwrap());
        assert_eq!(json["docs_url"], Value::Null);
        assert!(!json.to_string().contains("example.test"), "{json}");
    }
}
