//! Installing and removing, asked for by an agent: a request to the owner like any other.

use agentport_core::IntegrationId;
use rmcp::{
    ErrorData,
    model::{CallToolResponse, JsonObject},
};

use super::{Meta, definitions::PREFIX, optional, read::available_one, text};
use crate::{
    call::{Request, caller::Caller},
    engine::Engine,
    mcp::answer,
};

impl Meta<'_> {
    pub(super) async fn install(self, caller: Caller) -> Result<CallToolResponse, ErrorData> {
        if let Err(sentence) = installable(self.engine, &self.arguments) {
            return Ok(answer::failure(sentence).into());
        }
        self.manage("install_integration", caller).await
    }

    pub(super) async fn uninstall(self, caller: Caller) -> Result<CallToolResponse, ErrorData> {
        if let Err(sentence) = self.installed() {
            return Ok(answer::failure(sentence).into());
        }
        self.manage("uninstall_integration", caller).await
    }

    async fn manage(self, tool: &str, caller: Caller) -> Result<CallToolResponse, ErrorData> {
        let integration = self.text("integration_id").unwrap_or_default().to_owned();
        let outcome = self
            .engine
            .manage(Request {
                agent: self.principal.agent.clone(),
                view: self.view.clone(),
                integration,
                tool: format!("{PREFIX}{tool}"),
                arguments: self.arguments,
                additional_info: None,
                door: "mcp",
                caller,
            })
            .await;
        answer::of_outcome(outcome, &self.engine.address)
    }
}

/// Everything about an install that can be refused before the owner is bothered.
pub(crate) fn installable(engine: &Engine, arguments: &JsonObject) -> Result<(), String> {
    let id = text(arguments, "integration_id")?;
    let method = text(arguments, "auth_method")?;
    let token = optional(arguments, "token")?;
    let parsed = IntegrationId::new(id).map_err(|error| format!("integration_id: {error}."))?;
    if engine.catalogue.get(&parsed).is_some() {
        return Err(format!("The integration {id:?} is installed already."));
    }
    let Some(integration) = available_one(engine, id) else {
        return Err(format!(
            "There is no integration {id:?}. agentport__list_available_integrations lists those there are."
        ));
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
    Ok(())
}
