//! Tools of ours that change what is installed. They have no upstream, and pass the same door: no rule mentions
//! them, so they ask.

use std::sync::Arc;

use agentport_core::{
    AgentId, IntegrationId, Timestamp,
    arguments::ArgumentsHash,
    policy::{self, Because, Decision, Mode},
};
use rmcp::model::{CallToolResult, ContentBlock, ServerResult};
use serde_json::json;

use super::{
    Request,
    outcome::{Outcome, Refusal},
    permit::{Operation, Permit},
};
use crate::{
    builtin::demo,
    catalogue::PublishedTool,
    engine::{Chain, Engine},
    mcp::meta,
    upstream::UpstreamError,
};

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
            return Decision { mode: Mode::RequireApproval, because: Because::NoRule };
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
    pub(crate) async fn manage(self: &Arc<Self>, request: Request) -> Outcome {
        let tool = IntegrationId::new(&request.integration)
            .ok()
            .and_then(|id| managing_tool(&id, &request.tool));
        match tool {
            Some(tool) => self.call_resolved(tool, request).await,
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
        let Operation::CallTool { name, .. } = permit.into_operation() else {
            return Err(UpstreamError::Unknown(integration));
        };
        let failed = |error: &dyn std::error::Error| UpstreamError::Protocol {
            problem: Chain(error).to_string(),
        };
        let actor = agent.to_string();
        match name.strip_prefix(meta::PREFIX) {
            Some("install_integration") if integration == demo::id() => {
                self.install_demo().await.map_err(|error| failed(&error))?;
                self.note(&actor, "integration.added", demo::ID, json!({})).await;
                Ok(installed(&integration))
            }
            Some("uninstall_integration") => {
                self.remove_integration(&integration, &actor)
                    .await
                    .map_err(|error| failed(&error))?;
                let sentence = format!(
                    "The integration {integration} was removed with its credentials and rules."
                );
                let result = CallToolResult::success(vec![ContentBlock::text(sentence)]);
                Ok(ServerResult::CallToolResult(result))
            }
            _ => Err(UpstreamError::Unknown(integration)),
        }
    }
}

fn installed(integration: &IntegrationId) -> ServerResult {
    let value = json!({
        "installed": true,
        "connected": true,
        "integration_id": integration,
        "message": format!("{integration} is installed."),
    });
    let mut result = CallToolResult::success(vec![ContentBlock::text(value.to_string())]);
    result.structured_content = Some(value);
    ServerResult::CallToolResult(result)
}
