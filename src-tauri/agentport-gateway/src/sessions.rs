//! An agent's session in the sense of grants: it lasts until the agent has been silent for half an hour.

use agentport_core::{AgentId, ErrorChain};

use crate::{agents::SESSION_SILENCE, clock, engine::Engine, store};

impl Engine {
    /// Takes back what was granted for the session of an agent.
    pub(crate) async fn end_session(&self, agent: AgentId) -> store::Result<()> {
        let mut ended = false;
        for rule in self.store.rules().await? {
            if rule.session && rule.agent == Some(agent) {
                ended |= self.store.delete_rule(rule.id).await?;
            }
        }
        if ended {
            self.reload_rules().await?;
        }
        Ok(())
    }

    /// Upkeep, once a minute: silent agents' session grants, expired rules, results nobody came for, old activity.
    pub(crate) async fn keep_house(&self) -> store::Result<()> {
        let now = clock::now();
        for rule in self.store.rules().await? {
            let Some(agent) = rule.agent.filter(|_| rule.session) else { continue };
            let silent =
                self.agents.last_seen(agent).is_none_or(|seen| now.since(seen) > SESSION_SILENCE);
            // A grant just made to an agent that waits for it elsewhere is not silence.
            if silent && now.since(rule.created_at) > SESSION_SILENCE {
                self.end_session(agent).await?;
            }
        }
        if self.store.delete_expired_rules(now).await? > 0 {
            self.reload_rules().await?;
        }
        self.store.delete_results(now).await?;
        let days = u64::from(self.settings.load().activity_retention_days);
        let kept = std::time::Duration::from_secs(days * 24 * 3600);
        self.store.delete_activity_before(now.minus(kept)).await?;
        self.store.delete_approvals_before(now.minus(kept)).await?;
        self.agents.flush().await
    }

    /// Runs [`Self::keep_house`] every minute until `stop`.
    pub(crate) async fn housekeeping(
        self: std::sync::Arc<Self>,
        sessions: std::sync::Arc<crate::mcp::sessions::Sessions>,
        stop: tokio_util::sync::CancellationToken,
    ) {
        let mut minutes = tokio::time::interval(std::time::Duration::from_secs(60));
        minutes.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = minutes.tick() => {
                    let kept = match sessions.flush().await {
                        Ok(()) => self.keep_house().await,
                        failed => failed,
                    };
                    if let Err(error) = kept {
                        tracing::error!(error = %ErrorChain(&error), "upkeep failed; it is tried again in a minute");
                    }
                }
            }
        }
    }
}
