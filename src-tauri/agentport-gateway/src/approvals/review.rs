//! Requests under changed rules: what the owner now allows need not wait, and what the owner now blocks must not run.
//! And requests to install what the owner has installed meanwhile.

use std::sync::Arc;

use agentport_core::{
    ApprovalId, ErrorChain, IntegrationId,
    approval::{Approval, Audience, Grant, State},
    policy::Mode,
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
                self.review_one(approval).await?;
            }
        }
        Ok(())
    }

    /// Lets one waiting request go on if the rules allow its call by now.
    pub(super) async fn review_id(self: &Arc<Self>, id: ApprovalId) -> Result<(), StoreError> {
        let Some(approval) = self.store.approval(id).await? else { return Ok(()) };
        if approval.state == State::Pending {
            return self.review_one(approval).await;
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
        if !self.settle(&decided, from, "approval.by_rule", json!({ "mode": mode })).await?
            && let Some(decided) = self.store.approval(decided.id).await?
        {
            // Somebody was faster, and has perhaps not told yet.
            self.approvals.note(&decided);
        }
        Ok(())
    }
}
