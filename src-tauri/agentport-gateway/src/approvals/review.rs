//! Requests under changed rules: what the owner now allows need not wait, and what the owner now blocks must not run.

use std::sync::Arc;

use agentport_core::{
    ApprovalId,
    approval::{Approval, Audience, Grant, State},
    policy::Mode,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    engine::{Chain, Engine},
    store::StoreError,
};

impl Engine {
    /// Looks at waiting requests whenever the rules have changed, until `stop`.
    pub(crate) async fn review_requests(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.approvals.review.notified() => {}
            }
            if let Err(error) = self.review_waiting().await {
                tracing::error!(error = %Chain(&error), "waiting requests could not be reviewed");
            }
        }
    }

    async fn review_waiting(self: &Arc<Self>) -> Result<(), StoreError> {
        for approval in self.store.open_approvals().await? {
            if approval.state == State::Pending {
                self.review_one(approval).await?;
            }
        }
        Ok(())
    }

    /// Lets one waiting request go on if the rules allow its call by now.
    pub(super) async fn review_id(self: &Arc<Self>, id: ApprovalId) -> Result<(), StoreError> {
        match self.store.approval(id).await? {
            Some(approval) if approval.state == State::Pending => self.review_one(approval).await,
            _ => Ok(()),
        }
    }

    async fn review_one(self: &Arc<Self>, waiting: Approval) -> Result<(), StoreError> {
        let now = clock::now();
        let Some(tool) = self.published(&waiting.integration, &waiting.tool) else { return Ok(()) };
        if tool.digest != waiting.digest || waiting.overdue(now) {
            return Ok(());
        }
        let mode = self.decide(&tool, waiting.agent, Some(&waiting.asked_hash), now).mode;
        let from = waiting.state.name();
        let expires_at = waiting.expires_at;
        let decided = match mode {
            Mode::RequireApproval => return Ok(()),
            Mode::Allow => waiting.approve(Grant::Once, Audience::ThisAgent, None, now, expires_at),
            Mode::Deny => waiting.deny(Some("the owner blocked this tool".to_owned()), now),
        };
        let Ok(decided) = decided else { return Ok(()) };
        self.settle(&decided, from, "approval.by_rule", json!({ "mode": mode })).await.map(drop)
    }
}
