//! Housekeeping: deletes expired data once a minute.

use std::{sync::Arc, time::Duration};

use agentport_core::ErrorChain;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::{
    agents::{Agents, SESSION_SILENCE},
    clock,
    mcp::sessions::Sessions,
    oauth_server,
    policy::PolicyStore,
    settings::SettingsStore,
    store::{self, Store},
};

const INTERVAL: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) struct Housekeeping {
    pub(crate) store: Store,
    pub(crate) agents: Arc<Agents>,
    pub(crate) policy: Arc<PolicyStore>,
    pub(crate) settings: Arc<SettingsStore>,
    pub(crate) sessions: Arc<Sessions>,
}

impl Housekeeping {
    /// Runs every minute until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut minutes = tokio::time::interval(INTERVAL);
        minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = minutes.tick() => {
                    if let Err(error) = self.run_once().await {
                        tracing::error!(error = %ErrorChain(&error), "upkeep failed; it is tried again in a minute");
                    }
                }
            }
        }
    }

    /// Silent agents' session grants, expired rules, results that were not fetched, old activity.
    async fn run_once(&self) -> store::Result<()> {
        self.sessions.flush().await?;
        let now = clock::now();
        for rule in self.store.rules().await? {
            let Some(agent) = rule.agent.filter(|_| rule.session) else { continue };
            let silent =
                self.agents.last_seen(agent).is_none_or(|seen| now.since(seen) > SESSION_SILENCE);
            // An agent that is waiting for an approval is not silent.
            if silent && now.since(rule.created_at) > SESSION_SILENCE {
                self.policy.end_grant_session(agent).await?;
            }
        }
        if self.store.delete_expired_rules(now).await? > 0 {
            self.policy.reload().await?;
        }
        oauth_server::delete_expired(&self.store).await?;
        self.store.delete_results(now).await?;
        let kept = DAY * self.settings.load().activity_retention_days;
        self.store.delete_activity_before(now.minus(kept)).await?;
        self.store.delete_approvals_before(now.minus(kept)).await?;
        self.agents.flush().await
    }
}
