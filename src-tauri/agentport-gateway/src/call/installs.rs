//! AgentPort's own tools that install and remove integrations. They pass the same pipeline as upstream tools; no rule can
//! be made for them, so they always need approval.

use std::sync::Arc;

use agentport_core::{AgentId, ErrorChain, IntegrationId, audit::Actor};
use rmcp::model::{CallToolResult, ContentBlock, ServerResult};

use super::{
    CallDispatcher, CallPipeline, Request,
    outcome::{Outcome, Refusal},
    permit::{Operation, Permit},
};
use crate::{
    catalogue::managed_tools::{INSTALL, UNINSTALL, managed_tool},
    clock,
    directory::TokenKey,
    installs,
    store::StoreError,
    upstream::UpstreamError,
};

/// Arguments of an install that are kept with its approval.
const INSTALL_ARGUMENTS: [&str; 3] = ["integration_id", "auth_method", "token"];

impl CallPipeline {
    /// Requests an install or a removal, which needs the owner's approval.
    pub(crate) async fn manage(self: &Arc<Self>, mut request: Request) -> Outcome {
        let tool = IntegrationId::new(&request.integration)
            .ok()
            .and_then(|id| managed_tool(&id, &request.tool));
        match tool {
            Some(tool) => {
                if tool.name() == INSTALL {
                    // Other arguments are ignored (docs/contract.md §2), and could be a misplaced secret.
                    request.arguments.retain(|name, _| INSTALL_ARGUMENTS.contains(&name.as_str()));
                    if let Some(command) = installs::command_to_agree(&tool.integration) {
                        request.arguments.insert(installs::COMMAND.to_owned(), command.into());
                    }
                    let key = TokenKey { agent: request.agent.id, integration: &tool.integration };
                    // As long as an approval can be pending plus the time it waits for its agent.
                    let life = self.dispatcher.settings.approval_lifetime() * 2;
                    self.tokens.stash_from_agent(key, &mut request.arguments, clock::now(), life);
                }
                self.call_resolved(tool, request).await
            }
            None => {
                let refusal = Refusal::UnknownIntegration { id: request.integration.clone() };
                self.recorder.record_unresolved(&request, refusal)
            }
        }
    }
}

impl CallDispatcher {
    /// Carries out an approved install or removal.
    pub(super) async fn install(
        &self,
        permit: Permit,
        agent: AgentId,
    ) -> Result<ServerResult, UpstreamError> {
        let integration = permit.integration().clone();
        let Operation::CallTool { name, arguments } = permit.into_operation() else {
            return Err(UpstreamError::Unknown(integration));
        };
        let failed =
            |error: StoreError| UpstreamError::Protocol { problem: ErrorChain(&error).to_string() };
        let result = match name.as_str() {
            INSTALL => self
                .installer
                .install_approved(&integration, &arguments.unwrap_or_default(), agent)
                .await
                .map_err(failed)?,
            UNINSTALL => {
                // Removed meanwhile is removed as well.
                let _ = self
                    .installer
                    .integrations
                    .remove_integration(&integration, Actor::Agent(agent))
                    .await
                    .map_err(failed)?;
                let sentence = format!(
                    "The integration {integration} was removed with its credentials and rules."
                );
                CallToolResult::success(vec![ContentBlock::text(sentence)])
            }
            _ => return Err(UpstreamError::Unknown(integration)),
        };
        Ok(ServerResult::CallToolResult(result))
    }
}
