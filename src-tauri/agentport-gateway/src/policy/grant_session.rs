//! Grants for a session: they last until the agent has been silent for half an hour.

use agentport_core::AgentId;

use super::PolicyStore;
use crate::store;

impl PolicyStore {
    /// Removes what was granted for the session of an agent.
    pub(crate) async fn end_grant_session(&self, agent: AgentId) -> store::Result<()> {
        let mut ended = false;
        for rule in self.store.rules().await? {
            if rule.session && rule.agent == Some(agent) {
                ended |= self.store.delete_rule(rule.id).await?.is_applied();
            }
        }
        if ended {
            self.reload().await?;
        }
        Ok(())
    }
}
