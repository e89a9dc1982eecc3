//! `agentport__install_integration` and `agentport__remove_integration`: requests of an agent that the owner decides.

use agentport_api::AuthMethod;
use agentport_core::{AgentId, IntegrationId, activity::EntryPoint};
use rmcp::{
    ErrorData,
    model::{CallToolResponse, JsonObject},
};

use super::{
    MetaCall,
    integrations::{available_one, no_such},
    optional, text,
};
use crate::catalogue::managed_tools::{INSTALL, UNINSTALL};
use crate::{agent_api::AgentApi, call::Request, caller::Caller, directory, mcp::tool_result};

impl MetaCall<'_> {
    pub(super) async fn install(self, caller: Caller) -> Result<CallToolResponse, ErrorData> {
        let agent = self.principal.agent.id;
        if let Err(sentence) = installable(self.api, agent, &self.arguments) {
            return Ok(tool_result::error_result(sentence).into());
        }
        self.manage(INSTALL, caller).await
    }

    pub(super) async fn uninstall(self, caller: Caller) -> Result<CallToolResponse, ErrorData> {
        if let Err(sentence) = self.installed() {
            return Ok(tool_result::error_result(sentence).into());
        }
        self.manage(UNINSTALL, caller).await
    }

    async fn manage(self, tool: &str, caller: Caller) -> Result<CallToolResponse, ErrorData> {
        let integration = self.text("integration_id").unwrap_or_default().to_owned();
        let outcome = self
            .api
            .calls
            .manage(Request {
                agent: self.principal.agent.clone(),
                view: self.view.clone(),
                integration,
                tool: tool.to_owned(),
                arguments: self.arguments,
                additional_info: None,
                entry_point: EntryPoint::Mcp,
                caller,
            })
            .await;
        tool_result::from_outcome(outcome, &self.api.address)
    }
}

/// Checks an install before the owner is asked.
pub(crate) fn installable(
    api: &AgentApi,
    agent: AgentId,
    arguments: &JsonObject,
) -> Result<(), String> {
    let id = text(arguments, "integration_id")?;
    let method = text(arguments, "auth_method")?;
    let token = optional(arguments, "token")?;
    let parsed = IntegrationId::new(id).map_err(|error| format!("integration_id: {error}."))?;
    if api.catalogue.get(&parsed).is_some() {
        // The owner may have installed it directly instead of deciding the request.
        if api.approvals.has_open(agent, &parsed, INSTALL) {
            return Ok(());
        }
        return Err(format!("The integration {id:?} is installed already."));
    }
    let Some(integration) = available_one(api, id) else {
        return Err(no_such(id));
    };
    let methods: Vec<&str> = integration["auth_methods"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|m| m.as_str())
        .collect();
    if !methods.contains(&method) {
        let methods = methods.join(" or ");
        return Err(format!("auth_method: {id:?} is let in by {methods}, not by {method:?}."));
    }
    if token.is_some() && method != "token" {
        return Err("token goes with auth_method 'token' only.".to_owned());
    }
    if token.is_some() && secrets_of(id) > 1 {
        return Err(format!(
            "token: {id:?} needs several secrets. Leave token out; the owner enters them in AgentPort."
        ));
    }
    Ok(())
}

/// Number of secrets that signing in by token needs.
fn secrets_of(id: &str) -> usize {
    let fields = directory::find_offered(id)
        .ok()
        .into_iter()
        .flat_map(directory::DirectoryEntry::auth_methods);
    fields.map(|way| if let AuthMethod::Token { fields } = way { fields.len() } else { 0 }).sum()
}
