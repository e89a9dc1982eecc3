//! The table `denial_resets`: from when on the owner wants to be asked again about a tool.

use agentport_core::{AgentId, IntegrationId, Timestamp};

use super::{Result, Store, While as _};

impl Store {
    /// Denials of this tool to this agent up to `at` no longer count.
    pub(crate) async fn reset_denials(
        &self,
        agent: AgentId,
        integration: &IntegrationId,
        tool: &str,
        at: Timestamp,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO denial_resets (agent, integration, tool, at) VALUES (?, ?, ?, ?)
             ON CONFLICT (agent, integration, tool) DO UPDATE SET at = max(at, excluded.at)",
        )
        .bind(agent.0.as_bytes().as_slice())
        .bind(integration.as_str())
        .bind(tool)
        .bind(at.0)
        .execute(self.writer())
        .await
        .map(drop)
        .doing("storing that the owner wants to be asked again")
    }
}
