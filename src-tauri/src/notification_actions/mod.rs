//! Carries out on the control API what the owner chooses in a notification.

use agentport_api::{ApprovalView, ApproveConsent, GrantChoice, RuleView, paths};
use agentport_core::{AgentId, ApprovalId, ConsentId, ErrorChain, RuleId, policy::Origin};
use http::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    context::AppContext,
    gateway::{client::ClientError, state::RequestId},
    notify::Intent,
    windows::Raise,
};

#[derive(Clone)]
pub(crate) struct NotificationActions(pub AppContext);

impl NotificationActions {
    /// Carries out intents until the notifications end, each in a task of its own: a slow one delays no other.
    pub(crate) async fn run(self, mut intents: mpsc::Receiver<Intent>) {
        while let Some(intent) = intents.recv().await {
            let actions = self.clone();
            self.0.tasks.spawn(async move { actions.carry_out(intent).await });
        }
    }

    async fn carry_out(&self, intent: Intent) {
        let platform = &self.0.platform;
        match intent {
            Intent::Open(id) => platform.open_request(id, Raise::Asked),
            Intent::OpenWindow(id) => platform.open_request(id, Raise::ByItself),
            Intent::OpenInbox => platform.open_main("#/"),
            Intent::Approve(id) => {
                let done = self.approve(id, GrantChoice::Once).await;
                self.open_on_error(id, "Not approved", done.map(drop));
            }
            Intent::Always(id) => {
                let done = self.approve_always(id).await;
                self.open_on_error(id, "Not approved", done);
            }
            Intent::Deny(id) => {
                let path = paths::fill(paths::DENY, id);
                let done = self.0.control.post::<Value>(&path, &json!({})).await;
                self.open_on_error(id, "Not denied", done.map(drop));
            }
            Intent::LetIn(id, agent) => {
                let done = self.let_in(id, agent).await;
                self.open_on_error(id, "Not let in", done);
            }
            Intent::Refuse(id) => {
                let path = paths::fill(paths::CONSENT_DENY, id);
                let done = self.0.control.post::<()>(&path, &json!({})).await;
                self.open_on_error(id, "Not refused", done);
            }
            Intent::Undo(rule) => self.undo(rule).await,
            Intent::DismissSample => {}
        }
    }

    /// The notification is gone, so a failed action continues in the approval window.
    fn open_on_error(&self, id: impl Into<RequestId>, title: &str, done: Result<(), ClientError>) {
        let Err(error) = done else { return };
        let id = id.into();
        let chain = ErrorChain(&error);
        tracing::info!(error = %chain, ?id, "a click on a notification could not be carried out");
        // Where a one-time code is missing, the window that asks for it says enough.
        if !error.needs_confirmation() {
            self.0.notifications.show_message(title, &chain.to_string());
        }
        self.0.platform.open_request(id, Raise::Asked);
    }

    async fn approve(
        &self,
        id: ApprovalId,
        grant: GrantChoice,
    ) -> Result<ApprovalView, ClientError> {
        let path = paths::fill(paths::APPROVE, id);
        // Never `also_waiting`: other requests have arguments that this notification does not show.
        let approve = json!({ "grant": grant, "also_waiting": false });
        self.0.control.post(&path, &approve).await
    }

    /// Approves at once, and offers to undo the rule.
    async fn approve_always(&self, id: ApprovalId) -> Result<(), ClientError> {
        let approved = self.approve(id, GrantChoice::Always).await?;
        let rules: Vec<RuleView> = self.0.control.list(paths::POLICY).await?;
        let made = |view: &RuleView| view.rule.origin == Origin::Approval { id };
        if let Some(view) = rules.into_iter().find(made) {
            self.0.notifications.offer_undo(view.rule.id, view.sentence, approved.also_waiting);
        }
        Ok(())
    }

    /// As the agent that the notification named, or as a new one.
    async fn let_in(&self, id: ConsentId, agent: Option<AgentId>) -> Result<(), ClientError> {
        let path = paths::fill(paths::CONSENT_APPROVE, id);
        let approve = ApproveConsent { agent, ..ApproveConsent::default() };
        self.0.control.post(&path, &approve).await
    }

    async fn undo(&self, rule: RuleId) {
        let AppContext { control, platform, notifications, .. } = &self.0;
        // With `undo`, a stricter rule that the click replaced comes back.
        let path = paths::with_query(paths::fill(paths::POLICY_RULE, rule), "undo", true);
        match control.send::<()>(Method::DELETE, &path, None).await {
            Ok(_) => {
                notifications.show_message("Taken back", "You will be asked again the next time.");
            }
            Err(error) => {
                notifications.show_message("Not taken back", &ErrorChain(&error).to_string());
                platform.open_main("#/policy");
            }
        }
    }
}

#[cfg(test)]
mod tests;
