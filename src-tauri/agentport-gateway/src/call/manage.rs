//! Tools of ours that change what is installed. They have no upstream, and pass the same door: no rule mentions
//! them, so they ask.

use std::{sync::Arc, time::Duration};

use agentport_core::{
    AgentId, ErrorChain, IntegrationId, Timestamp,
    approval::Approval,
    arguments::ArgumentsHash,
    policy::{self, Decision, Mode, Reason},
};
use rmcp::model::{CallToolResult, ContentBlock, ServerResult};
use serde_json::Value;

use super::{
    Request,
    outcome::{Outcome, Refusal},
    permit::{Operation, Permit},
};
use crate::{
    catalogue::PublishedTool, clock, directory::TokenKey, engine::Engine, mcp::meta,
    store::StoreError, upstream::UpstreamError,
};

/// Arguments of an install that are kept with its request.
const OF_INSTALL: [&str; 3] = ["integration_id", "auth_method", "token"];

/// One of our managing tools, as a tool of the integration it is about.
pub(crate) fn managing_tool(integration: &IntegrationId, name: &str) -> Option<Arc<PublishedTool>> {
    let tool = meta::definition(name)?.clone();
    Some(Arc::new(PublishedTool::new(integration.clone(), tool)))
}

impl Engine {
    /// What the rules say of a call. Changes of what is installed always ask: no default, no stretch of trust and no
    /// rule for an integration speaks for them.
    pub(crate) fn decide(
        &self,
        tool: &PublishedTool,
        agent: AgentId,
        arguments: Option<&ArgumentsHash>,
        now: Timestamp,
    ) -> Decision {
        if tool.manages() {
            return Decision { mode: Mode::RequireApproval, reason: Reason::NoRule };
        }
        policy::decide(&self.rules.load(), &tool.policy_call(agent, arguments, now))
    }

    /// The tool of this name as it is now: an upstream's, or one of ours that manages the integration.
    pub(crate) fn published(
        &self,
        integration: &IntegrationId,
        tool: &str,
    ) -> Option<Arc<PublishedTool>> {
        if tool.starts_with(meta::PREFIX) {
            return managing_tool(integration, tool);
        }
        let entry = self.catalogue.get(integration).filter(|entry| entry.row.enabled)?;
        entry.tool(tool).cloned()
    }

    /// Asks for a change of what is installed.
    pub(crate) async fn manage(self: &Arc<Self>, mut request: Request) -> Outcome {
        let tool = IntegrationId::new(&request.integration)
            .ok()
            .and_then(|id| managing_tool(&id, &request.tool));
        match tool {
            Some(tool) => {
                if tool.name() == meta::INSTALL {
                    // What else an agent passes is ignored by contract, and may be a secret in the wrong place.
                    request.arguments.retain(|name, _| OF_INSTALL.contains(&name.as_str()));
                    let hand = TokenKey { agent: request.agent.id, integration: &tool.integration };
                    let life = self.pending_token_lifetime();
                    self.pending_tokens.stash_from_agent(
                        hand,
                        &mut request.arguments,
                        clock::now(),
                        life,
                    );
                }
                self.call_resolved(tool, request).await
            }
            None => {
                let refusal = Refusal::UnknownIntegration { id: request.integration.clone() };
                self.refuse_unresolved(&request, refusal)
            }
        }
    }

    /// Carries out what the owner approved.
    pub(super) async fn carry_out(
        self: &Arc<Self>,
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
            meta::INSTALL => self
                .install_approved(&integration, &arguments.unwrap_or_default(), agent)
                .await
                .map_err(failed)?,
            meta::UNINSTALL => {
                self.remove_integration(&integration, &agent.to_string()).await.map_err(failed)?;
                let sentence = format!(
                    "The integration {integration} was removed with its credentials and rules."
                );
                CallToolResult::success(vec![ContentBlock::text(sentence)])
            }
            _ => return Err(UpstreamError::Unknown(integration)),
        };
        Ok(ServerResult::CallToolResult(result))
    }

    /// The arguments of a request as the owner edited them, without a token in them.
    pub(crate) fn edited(&self, asked: &Approval, arguments: &Value) -> Value {
        let mut arguments = arguments.clone();
        if asked.tool == meta::INSTALL
            && let Value::Object(fields) = &mut arguments
        {
            let hand = TokenKey { agent: asked.agent, integration: &asked.integration };
            self.pending_tokens.stash_from_owner(
                hand,
                fields,
                clock::now(),
                self.pending_token_lifetime(),
            );
        }
        arguments
    }

    /// As long as a request can wait for its decision, and then for its agent.
    fn pending_token_lifetime(&self) -> Duration {
        Duration::from_secs(u64::from(self.settings.load().approval_expiry_minutes) * 60) * 2
    }
}
