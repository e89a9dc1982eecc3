//! What choosing a row of the tray's menu does.

use std::time::Duration;

use agentport_api::{Pause, Status, paths};
use agentport_core::{ErrorChain, Timestamp};
use agentport_gateway::clock;
use serde_json::{Value, json};

use super::model::{SilencePeriod, TrayAction};
use crate::{context::AppContext, gateway::client::ClientError, local_time, windows::Raise};

const MINUTE: Duration = Duration::from_secs(60);

/// Carries out the actions of menu rows.
#[derive(Clone)]
pub(crate) struct TrayActions(pub AppContext);

impl TrayActions {
    /// Never blocks: it is called on the thread that draws the menu.
    pub(super) fn start(&self, action: TrayAction) {
        let actions = self.clone();
        self.0.tasks.spawn(async move {
            if let Err(error) = actions.carry_out(&action).await {
                actions.show_failure(&action, &error);
            }
        });
    }

    async fn carry_out(&self, action: &TrayAction) -> Result<(), ClientError> {
        let AppContext { supervisor, control, platform, .. } = &self.0;
        match action {
            TrayAction::OpenRequest(id) => platform.open_request(*id, Raise::Asked),
            TrayAction::Open(route) => platform.open_main(route),
            TrayAction::CopyUrl => self.copy_url().await?,
            TrayAction::Pause(paused) => {
                control.post::<()>(paths::PAUSE, &Pause { paused: *paused }).await?;
            }
            TrayAction::Trust(agent, minutes) => {
                let path = paths::fill(paths::KEY_TRUST, agent);
                control.post::<Value>(&path, &json!({ "minutes": minutes })).await?;
            }
            TrayAction::Silence(period) => {
                let end = silence_end(*period, clock::now());
                let change = json!({ "notifications_silent_until": end });
                control.patch::<Value>(paths::SETTINGS, &change).await?;
            }
            TrayAction::TryAgain => supervisor.start().await,
            TrayAction::Quit => platform.quit(),
        }
        Ok(())
    }

    async fn copy_url(&self) -> Result<(), ClientError> {
        let AppContext { control, platform, notifications, .. } = &self.0;
        let status: Status = control.get(paths::STATUS).await?;
        match platform.copy(&status.mcp_url, false) {
            Ok(()) => notifications.show_message("MCP URL copied", &status.mcp_url),
            Err(error) => {
                notifications.show_message("Not copied", &ErrorChain(&error).to_string());
            }
        }
        Ok(())
    }

    fn show_failure(&self, action: &TrayAction, error: &ClientError) {
        let chain = ErrorChain(error);
        tracing::info!(error = %chain, ?action, "a tray action could not be carried out");
        // The second factor was turned on a moment ago: the window asks for the code.
        if error.needs_confirmation() {
            self.0.platform.open_main("#/agents");
        } else {
            self.0.notifications.show_message("That could not be done", &chain.to_string());
        }
    }
}

/// When a silence ends.
fn silence_end(period: SilencePeriod, now: Timestamp) -> Option<Timestamp> {
    match period {
        SilencePeriod::Minutes(minutes) => Some(now.plus(MINUTE * minutes)),
        SilencePeriod::UntilTomorrow => local_time::tomorrow(now),
        SilencePeriod::Off => None,
    }
}
