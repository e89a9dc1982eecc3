//! What choosing a row of the menu does.

use std::{sync::Arc, time::Duration};

use agentport_api::Status;
use agentport_core::Timestamp;
use agentport_gateway::clock;
use http::Method;
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use super::model::{Action, Silence};
use crate::{
    desk::Desk,
    local_time,
    notices::Notices,
    owner::{AskError, Owner},
    running::{Running, chain},
    windows::Raise,
};

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub(crate) struct Choose {
    pub running: Running,
    pub owner: Owner,
    pub desk: Arc<dyn Desk>,
    pub notices: Arc<dyn Notices>,
    pub tasks: TaskTracker,
}

impl Choose {
    /// Never waits: it is called where the menu is drawn.
    pub(super) fn choose(&self, action: Action) {
        let choose = self.clone();
        self.tasks.spawn(async move {
            if let Err(error) = choose.carry_out(&action).await {
                choose.not_done(&action, &error);
            }
        });
    }

    async fn carry_out(&self, action: &Action) -> Result<(), AskError> {
        match action {
            Action::Show(id) => self.desk.open_approval(*id, Raise::Asked),
            Action::Open(route) => self.desk.open_main(route),
            Action::CopyUrl => self.copy_url().await?,
            Action::Pause(paused) => {
                self.change(Method::POST, "/control/pause", json!({ "paused": paused })).await?;
            }
            Action::Trust(agent, minutes) => {
                let path = format!("/control/keys/{agent}/trust");
                self.change(Method::POST, &path, json!({ "minutes": minutes })).await?;
            }
            Action::Silence(silence) => {
                let change = json!({ "notifications_silent_until": end(*silence, clock::now()) });
                self.change(Method::PATCH, "/control/settings", change).await?;
            }
            Action::TryAgain => self.running.start().await,
            Action::Quit => self.desk.quit(),
        }
        Ok(())
    }

    async fn change(&self, method: Method, path: &str, body: Value) -> Result<(), AskError> {
        self.owner.ask::<Value>(method, path, Some(body)).await.map(drop)
    }

    async fn copy_url(&self) -> Result<(), AskError> {
        let status: Status = self.owner.get("/control/status").await?;
        match self.desk.copy(&status.mcp_url, false) {
            Ok(()) => self.notices.tell("MCP URL copied", &status.mcp_url),
            Err(error) => self.notices.tell("Not copied", &chain(&error)),
        }
        Ok(())
    }

    fn not_done(&self, action: &Action, error: &AskError) {
        tracing::info!(
            error = chain(error),
            ?action,
            "what was chosen in the tray could not be done"
        );
        // The second factor was turned on a moment ago: the window asks for the code.
        if error.needs_confirmation() {
            self.desk.open_main("#/agents");
        } else {
            self.notices.tell("That could not be done", &chain(error));
        }
    }
}

/// When a silence ends.
fn end(silence: Silence, now: Timestamp) -> Option<Timestamp> {
    match silence {
        Silence::Minutes(minutes) => Some(now.plus(MINUTE * minutes)),
        Silence::UntilTomorrow => local_time::tomorrow(now),
        Silence::Off => None,
    }
}
