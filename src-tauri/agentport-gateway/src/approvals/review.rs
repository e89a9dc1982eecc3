//! Open approvals after a change: of the rules, of an integration's tools, of what is installed.

use std::sync::Arc;

use agentport_core::{
    ApprovalId, ErrorChain, IntegrationId,
    approval::{Approval, Audience, Grant, State, WithdrawnBecause},
    audit::AuditAction,
    policy::{Decision, Mode, Origin, Reason},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Approvals;
use crate::{
    catalogue::managed_tools::INSTALL,
    clock,
    store::{StoreError, Transition},
};

impl Approvals {
    /// Looks at pending approvals whenever the rules have changed, until `stop`.
    pub(crate) async fn review_on_policy_change(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.services.policy.reloaded() => {}
            }
            if let Err(error) = self.review_waiting().await {
                tracing::error!(error = %ErrorChain(&error), "waiting requests could not be reviewed");
            }
        }
    }

    async fn review_waiting(&self) -> Result<(), StoreError> {
        for approval in self.services.store.open_approvals().await? {
            if approval.state == State::Pending {
                self.review_one(approval, Trigger::RulesChanged).await?;
            }
        }
        Ok(())
    }

    /// Lets one waiting request go on if the rules allow its call by now.
    pub(crate) async fn review_id(&self, id: ApprovalId) -> Result<(), StoreError> {
        let Some(approval) = self.services.store.approval(id).await? else { return Ok(()) };
        if approval.state == State::Pending {
            return self.review_one(approval, Trigger::Repeated).await.map(drop);
        }
        // Decided this moment, and perhaps not published yet.
        self.open.publish_state(&approval);
        Ok(())
    }

    /// Requests to install what is installed by now: the owner has answered them with that.
    pub(crate) async fn review_installs(&self, id: &IntegrationId) -> Result<(), StoreError> {
        let now = clock::now();
        for waiting in self.services.store.open_approvals().await? {
            let asks = waiting.state == State::Pending
                && waiting.integration == *id
                && waiting.tool == INSTALL;
            if !asks || waiting.overdue(now) {
                continue;
            }
            let (from, expires_at) = (waiting.state.name(), waiting.expires_at);
            let approved = waiting.approve(Grant::Once, Audience::ThisAgent, None, now, expires_at);
            if let Ok(approved) = approved {
                let action = AuditAction::ApprovalByInstall;
                // Decided meanwhile, it needs no answer any more.
                let _ = self.transition(&approved, from, action, json!({})).await?;
            }
        }
        Ok(())
    }

    /// Withdraws what can no longer run after an integration's tools changed.
    pub(crate) async fn review_integration(&self, id: &IntegrationId) -> Result<(), StoreError> {
        for approval in self.services.store.open_approvals().await? {
            if approval.integration != *id {
                continue;
            }
            let because = match self.services.catalogue.published(id, &approval.tool) {
                Some(tool) if tool.digest == approval.digest => continue,
                Some(_) => WithdrawnBecause::DefinitionChanged,
                None => WithdrawnBecause::ToolGone,
            };
            self.withdraw(approval, because).await?;
        }
        Ok(())
    }

    /// Withdraws every open approval of an integration that was removed.
    pub(crate) async fn withdraw_all_of(&self, id: &IntegrationId) -> Result<(), StoreError> {
        for approval in self.services.store.open_approvals().await? {
            if approval.integration == *id {
                self.withdraw(approval, WithdrawnBecause::IntegrationRemoved).await?;
            }
        }
        Ok(())
    }

    /// Approves the other requests for the same tool that the rules allow since this one was granted, and says how many.
    pub(super) async fn approve_also_waiting(&self, granted: &Approval) -> Result<u32, StoreError> {
        let mut approved = 0;
        for waiting in self.services.store.open_approvals().await? {
            let is_covered = waiting.state == State::Pending
                && waiting.integration == granted.integration
                && waiting.tool == granted.tool;
            if is_covered
                && self.review_one(waiting, Trigger::OwnersChoice).await? == Review::Approved
            {
                approved += 1;
            }
        }
        Ok(approved)
    }

    /// Decides a waiting request where the rules do so by now.
    async fn review_one(&self, waiting: Approval, trigger: Trigger) -> Result<Review, StoreError> {
        let now = clock::now();
        let Some(tool) = self.services.catalogue.published(&waiting.integration, &waiting.tool)
        else {
            return Ok(Review::NotApproved);
        };
        if tool.digest != waiting.digest || waiting.overdue(now) {
            return Ok(Review::NotApproved);
        }
        let Decision { mode, reason } =
            self.services.policy.decide(&tool, waiting.agent, Some(&waiting.asked_hash), now);
        if mode == Mode::Allow
            && trigger == Trigger::RulesChanged
            && self.is_later_grant(reason, &waiting)
        {
            return Ok(Review::NotApproved);
        }
        let from = waiting.state.name();
        let expires_at = waiting.expires_at;
        let decided = match mode {
            Mode::RequireApproval => return Ok(Review::NotApproved),
            Mode::Allow => waiting.approve(Grant::Once, Audience::ThisAgent, None, now, expires_at),
            Mode::Deny => waiting.deny(Some("the owner blocked this tool".to_owned()), now),
        };
        let Ok(decided) = decided else { return Ok(Review::NotApproved) };
        let settled = self
            .transition(&decided, from, AuditAction::ApprovalByRule, json!({ "mode": mode }))
            .await?;
        if settled == Transition::LostRace
            && let Some(decided) = self.services.store.approval(decided.id).await?
        {
            // Another decision was faster, and may not be published yet.
            self.open.publish_state(&decided);
        }
        Ok(match (settled, mode) {
            (Transition::Applied, Mode::Allow) => Review::Approved,
            _ => Review::NotApproved,
        })
    }

    /// Is the rule a grant the owner gave to another request, while this one waited already? Its arguments are others,
    /// which the owner has not seen with that grant.
    fn is_later_grant(&self, reason: Reason, waiting: &Approval) -> bool {
        let rules = self.services.policy.rules();
        let rule = reason.rule().and_then(|id| rules.rule(id));
        rule.is_some_and(|rule| {
            matches!(rule.origin, Origin::Approval { .. }) && waiting.created_at <= rule.created_at
        })
    }
}

/// What came of looking at a waiting request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Review {
    /// The rules allow it now, and this review approved it.
    Approved,
    /// It waits on, was denied, or was decided by another.
    NotApproved,
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
