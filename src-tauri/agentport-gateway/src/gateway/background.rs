//! Background tasks of the gateway.

use std::sync::Arc;

use agentport_api::Event;
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{external::ExternalListener, options::ExternalAccess, services::GatewayServices};
use crate::{
    accounts::SignInNeeded,
    events::Events,
    http::AgentRoutes,
    integrations::Integrations,
    journal::Journal,
    mcp::{list_changed, sessions::Sessions},
};

impl GatewayServices {
    pub(super) fn spawn_background(&self, sessions: Arc<Sessions>) {
        let (tasks, stop) = (&self.tasks.tracker, &self.tasks.background_stop);
        tasks.spawn(self.approvals.clone().expire_overdue(stop.clone()));
        tasks.spawn(self.approvals.clone().review_on_policy_change(stop.clone()));
        tasks.spawn(self.housekeeping(sessions.clone()).run(stop.clone()));
        tasks.spawn(self.base.accounts.clone().renew_on_schedule(stop.clone()));
        if let Some(needy) = self.base.needy.lock().take() {
            tasks.spawn(show_needy_accounts(self.integrations.clone(), needy, stop.clone()));
        }
        tasks.spawn(list_changed::notify_sessions(self.agent_api(), sessions, stop.clone()));
        tasks.spawn(announce_activity(
            self.base.journal.clone(),
            self.base.events.clone(),
            stop.clone(),
        ));
    }

    /// Serves the external URL while there is one, until `stop`.
    pub(super) fn spawn_external(
        &self,
        agents: AgentRoutes,
        chosen: Option<ExternalAccess>,
        servers: &TaskTracker,
        stop: &CancellationToken,
    ) {
        let listener = ExternalListener {
            agents,
            settings: self.base.settings.clone(),
            events: self.base.events.clone(),
            servers: servers.clone(),
            chosen,
            address: self.external.clone(),
        };
        self.tasks.tracker.spawn(listener.run(stop.clone()));
    }
}

/// Shows that an integration has to be signed in to again, once per account, also where no call has found out.
async fn show_needy_accounts(
    integrations: Arc<Integrations>,
    mut needy: mpsc::UnboundedReceiver<SignInNeeded>,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            needed = needy.recv() => match needed {
                Some(needed) => integrations.show_sign_in_needed(&needed),
                None => return,
            },
        }
    }
}

/// Announces new activity rows to windows and dashboards.
async fn announce_activity(journal: Arc<Journal>, events: Events, stop: CancellationToken) {
    let mut imported = journal.imported();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            changed = imported.changed() => {
                if changed.is_err() {
                    return;
                }
                events.send(Event::Activity);
            }
        }
    }
}
