//! What the owner does in a notification, carried out on the owner's plane.

use std::sync::Arc;

use agentport_api::{ApprovalView, GrantChoice, Items, RuleView};
use agentport_core::{ApprovalId, RuleId, policy::Origin};
use http::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::{
    desk::Desk,
    notices::Notices,
    notify::Intent,
    owner::{AskError, Owner},
    running::chain,
    windows::Raise,
};

#[derive(Clone)]
pub(crate) struct Act {
    pub owner: Owner,
    pub notices: Arc<dyn Notices>,
    pub desk: Arc<dyn Desk>,
}

impl Act {
    /// Carries out intents until the notifications end. None waits for another: a slow one holds up itself alone.
    pub(crate) async fn on_intents(self, tasks: TaskTracker, mut intents: mpsc::Receiver<Intent>) {
        while let Some(intent) = intents.recv().await {
            let act = self.clone();
            tasks.spawn(async move { act.carry_out(intent).await });
        }
    }

    async fn carry_out(&self, intent: Intent) {
        match intent {
            Intent::Open(id) => self.desk.open_approval(id, Raise::Asked),
            Intent::Surface(id) => self.desk.open_approval(id, Raise::ByItself),
            Intent::OpenInbox => self.desk.open_main("#/"),
            Intent::Approve(id) => {
                let done = self.approve(id, GrantChoice::Once).await;
                self.or_open(id, "Not approved", done.map(drop));
            }
            Intent::Always(id) => {
                let done = self.always(id).await;
                self.or_open(id, "Not approved", done);
            }
            Intent::Deny(id) => {
                let path = format!("/control/approvals/{id}/deny");
                let done = self.owner.ask::<Value>(Method::POST, &path, Some(json!({}))).await;
                self.or_open(id, "Not denied", done.map(drop));
            }
            Intent::Undo(rule) => self.undo(rule).await,
        }
    }

    /// The notification is gone, so what could not be done there goes on in the window.
    fn or_open(&self, id: ApprovalId, title: &str, done: Result<(), AskError>) {
        let Err(error) = done else { return };
        tracing::info!(error = chain(&error), %id, "a click on a notification could not be carried out");
        // Where it is a code that is missing, the window that asks for it says enough.
        if !error.needs_confirmation() {
            self.notices.tell(title, &chain(&error));
        }
        self.desk.open_approval(id, Raise::Asked);
    }

    async fn approve(&self, id: ApprovalId, grant: GrantChoice) -> Result<ApprovalView, AskError> {
        let path = format!("/control/approvals/{id}/approve");
        self.owner.ask(Method::POST, &path, Some(json!({ "grant": grant }))).await
    }

    /// Acts at once, and offers to take the rule back.
    async fn always(&self, id: ApprovalId) -> Result<(), AskError> {
        self.approve(id, GrantChoice::Always).await?;
        let rules: Items<RuleView> = self.owner.get("/control/policy").await?;
        let made = |view: &RuleView| view.rule.origin == Origin::Approval { id };
        if let Some(view) = rules.items.into_iter().find(made) {
            self.notices.undo(view.rule.id, view.sentence);
        }
        Ok(())
    }

    async fn undo(&self, rule: RuleId) {
        // A stricter rule that the click replaced comes back.
        let path = format!("/control/policy/{rule}?undo=true");
        match self.owner.ask::<Value>(Method::DELETE, &path, None).await {
            Ok(_) => self.notices.tell("Taken back", "You will be asked again the next time."),
            Err(error) => {
                self.notices.tell("Not taken back", &chain(&error));
                self.desk.open_main("#/policy");
            }
        }
    }
}

#[cfg(test)]
mod tests;
