//! Requests under changed rules: what the owner now allows need not wait, and what the owner now blocks must not run.
//! And requests to install what the owner has installed meanwhile.

use std::sync::Arc;

use agentport_core::{
    ApprovalId, ErrorChain, IntegrationId,
    approval::{Approval, Audience, Grant, State},
    policy::{Decision, Mode, Origin, Reason},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{clock, engine::Engine, mcp::meta, store::StoreError};

impl Engine {
    /// Looks at waiting requests whenever the rules have changed, until `stop`.
    pub(crate) async fn review_requests(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.approvals.review.notified() => {}
            }
            if let Err(error) = self.review_waiting().await {
                tracing::error!(error = %ErrorChain(&error), "waiting requests could not be reviewed");
            }
        }
    }

    async fn review_waiting(self: &Arc<Self>) -> Result<(), StoreError> {
        for approval in self.store.open_approvals().await? {
            if approval.state == State::Pending {
                self.review_one(approval, Trigger::RulesChanged).await?;
            }
        }
        Ok(())
    }

    /// Lets one waiting request go on if the rules allow its call by now.
    pub(super) async fn review_id(self: &Arc<Self>, id: ApprovalId) -> Result<(), StoreError> {
        let Some(approval) = self.store.approval(id).await? else { return Ok(()) };
        if approval.state == State::Pending {
            return self.review_one(approval, Trigger::Repeated).await.map(drop);
        }
        // Decided this moment, and perhaps not told yet.
        self.approvals.note(&approval);
        Ok(())
    }

    /// Requests to install what is installed by now: the owner has answered them with that.
    pub(crate) async fn review_installs(&self, id: &IntegrationId) -> Result<(), StoreError> {
        let now = clock::now();
        for waiting in self.store.open_approvals().await? {
            let asks = waiting.state == State::Pending
                && waiting.integration == *id
                && waiting.tool == meta::INSTALL;
            if !asks || waiting.overdue(now) {
                continue;
            }
            let (from, expires_at) = (waiting.state.name(), waiting.expires_at);
            let approved = waiting.approve(Grant::Once, Audience::ThisAgent, None, now, expires_at);
            if let Ok(approved) = approved {
                self.settle(&approved, from, "approval.by_install", json!({})).await?;
            }
        }
        Ok(())
    }

    /// Approves the other requests for the same tool that the rules allow since this one was granted, and says how many.
    pub(super) async fn approve_also_waiting(
        self: &Arc<Self>,
        granted: &Approval,
    ) -> Result<u32, StoreError> {
        let mut approved = 0;
        for waiting in self.store.open_approvals().await? {
            let is_covered = waiting.state == State::Pending
                && waiting.integration == granted.integration
                && waiting.tool == granted.tool;
            if is_covered && self.review_one(waiting, Trigger::OwnersChoice).await? {
                approved += 1;
            }
        }
        Ok(approved)
    }

    /// Decides a waiting request where the rules do so by now. `true`: it was approved.
    async fn review_one(
        self: &Arc<Self>,
        waiting: Approval,
        trigger: Trigger,
    ) -> Result<bool, StoreError> {
        let now = clock::now();
        let Some(tool) = self.published(&waiting.integration, &waiting.tool) else {
            return Ok(false);
        };
        if tool.digest != waiting.digest || waiting.overdue(now) {
            return Ok(false);
        }
        let Decision { mode, reason } =
            self.decide(&tool, waiting.agent, Some(&waiting.asked_hash), now);
        if mode == Mode::Allow
            && trigger == Trigger::RulesChanged
            && self.is_later_grant(reason, &waiting)
        {
            return Ok(false);
        }
        let from = waiting.state.name();
        let expires_at = waiting.expires_at;
        let decided = match mode {
            Mode::RequireApproval => return Ok(false),
            Mode::Allow => waiting.approve(Grant::Once, Audience::ThisAgent, None, now, expires_at),
            Mode::Deny => waiting.deny(Some("the owner blocked this tool".to_owned()), now),
        };
        let Ok(decided) = decided else { return Ok(false) };
        let settled =
            self.settle(&decided, from, "approval.by_rule", json!({ "mode": mode })).await?;
        if !settled && let Some(decided) = self.store.approval(decided.id).await? {
            // Another decision was faster, and may not be published yet.
            self.approvals.note(&decided);
        }
        Ok(settled && mode == Mode::Allow)
    }

    /// Is the rule a grant the owner gave to another request, while this one waited already? Its arguments are others,
    /// which the owner has not seen with that grant.
    fn is_later_grant(&self, reason: Reason, waiting: &Approval) -> bool {
        let rules = self.rules.load();
        let rule = reason.rule().and_then(|id| rules.rule(id));
        rule.is_some_and(|rule| {
            matches!(rule.origin, Origin::Approval { .. }) && waiting.created_at <= rule.created_at
        })
    }
}

/// Why a waiting request is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trigger {
    /// Some rule is another now.
    RulesChanged,
    /// The agent made the call again, which the rules allow by now.
    Repeated,
    /// The owner chose to let the waiting requests through as well.
    OwnersChoice,
}
