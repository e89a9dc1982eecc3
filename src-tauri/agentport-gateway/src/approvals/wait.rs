//! Waiting for the owner's decision.

use std::{sync::Arc, time::Duration};

use agentport_core::{
    AgentId, ApprovalId, Timestamp,
    approval::{Approval, State, StateName},
};

use super::Approvals;
use crate::{clock, shutdown::run_to_completion};

impl Approvals {
    /// Waits at most `limit` for the owner to decide, and runs nothing. `None`: unknown, or another agent's.
    pub(crate) async fn await_decision(
        self: &Arc<Self>,
        id: ApprovalId,
        agent: AgentId,
        limit: Duration,
    ) -> Option<Approval> {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            // Subscribe before reading, so that no change falls between.
            let changes = self.watch(id);
            let approval = self.get(id).await.ok()?.filter(|a| a.agent == agent)?;
            if approval.overdue(clock::now()) {
                self.expire_now(approval).await;
                continue;
            }
            let (State::Pending, Some(mut changes)) = (&approval.state, changes) else {
                return Some(approval);
            };
            let changed = tokio::time::timeout_at(deadline, changes.changed());
            tokio::select! {
                changed = changed => if changed.is_err() { return Some(approval) },
                () = self.services.soft_stop.cancelled() => return Some(approval),
            }
        }
    }

    /// Expires an overdue approval, to the end even if the caller is dropped.
    pub(crate) async fn expire_now(self: &Arc<Self>, overdue: Approval) {
        let approvals = self.clone();
        run_to_completion(&self.services.tasks, async move { approvals.expire(overdue).await })
            .await;
    }

    /// Ends when the gateway stops and the owner has not decided: there is nothing to wait for then.
    pub(crate) async fn stopped_while_pending(&self, id: ApprovalId) {
        self.services.soft_stop.cancelled().await;
        if self.open.get(id).is_some_and(|open| !open.is_pending()) {
            std::future::pending().await
        }
    }

    /// Is this approval running, as far as memory knows?
    pub(crate) fn is_running(&self, id: ApprovalId) -> bool {
        self.open.get(id).is_some_and(|open| *open.state.borrow() == StateName::Running)
    }

    /// Is this approval open and pending, as far as memory knows?
    pub(crate) fn is_pending(&self, id: ApprovalId) -> bool {
        self.open.get(id).is_some_and(|open| open.is_pending())
    }

    /// When an open approval expires, and whether it is pending; `None` if it is not open in memory.
    pub(crate) fn open_state(&self, id: ApprovalId) -> Option<(Timestamp, bool)> {
        self.open.get(id).map(|open| (open.expires_at, open.is_pending()))
    }

    /// An approval that is open in memory, if it is open in the database.
    pub(crate) async fn still_open(&self, id: ApprovalId) -> Option<Approval> {
        let approval = self.get(id).await.ok()??;
        let open = matches!(
            approval.state,
            State::Pending | State::Approved { .. } | State::Running { .. }
        );
        if !open {
            // It ended between the two reads; the call is a new one.
            self.open.publish_state(&approval);
        }
        open.then_some(approval)
    }

    /// Keeps the agent's own words about a pending approval, unless it gave some before.
    pub(crate) async fn set_additional_info(&self, id: ApprovalId, info: &str) {
        if let Some(info) = super::clean_info(info)
            && let Err(error) = self.services.store.set_additional_info(id, &info).await
        {
            let error = agentport_core::ErrorChain(&error);
            tracing::error!(%error, "the agent's note could not be stored");
        }
    }
}
