//! Expiry of approvals, and the end of the activity row of one that will not run.

use std::sync::Arc;

use agentport_core::{
    CallId, ErrorChain,
    activity::CallEnd,
    approval::{Approval, State, sentences::withdrawn_for_owner},
    audit::AuditAction,
    outcome::OutcomeKind,
};
use tokio_util::sync::CancellationToken;

use super::Approvals;
use crate::clock;

impl Approvals {
    /// Sleeps until the next approval is due, expires it, and so on until `stop`.
    pub(crate) async fn expire_overdue(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let next = self.open.next_expiry();
            let due = async {
                match next {
                    Some(at) => tokio::time::sleep(at.since(clock::now())).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.open.changed() => {}
                () = due => self.expire_due().await,
            }
        }
    }

    async fn expire_due(&self) {
        let open = match self.services.store.open_approvals().await {
            Ok(open) => open,
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "open requests could not be read");
                return;
            }
        };
        let now = clock::now();
        self.open.retain_open(&open, now);
        for approval in open {
            if approval.overdue(now) {
                self.expire(approval).await;
            }
        }
    }

    /// The owner did not decide in time, or the agent did not come for what was approved.
    pub(crate) async fn expire(&self, before: Approval) {
        let from = before.state.name();
        let Ok(expired) = before.expire(clock::now()) else { return };
        let moved = self
            .transition(&expired, from, AuditAction::ApprovalExpired, serde_json::Value::Null)
            .await;
        // Decided meanwhile, it does not expire.
        if let Err(error) = moved {
            tracing::error!(error = %ErrorChain(&error), "a request could not be expired");
        }
    }

    /// Gives the row of a request that will never run its end.
    pub(super) fn close_record(&self, approval: &Approval) {
        let (outcome, error) = match &approval.state {
            State::Denied { reason, .. } => (OutcomeKind::Denied, reason.clone()),
            State::Expired { approved_at: None, .. } => (OutcomeKind::Expired, None),
            State::Expired { approved_at: Some(_), .. } => (OutcomeKind::NotPickedUp, None),
            State::Withdrawn { because, .. } => (
                OutcomeKind::Refused,
                Some(format!("withdrawn: {}", withdrawn_for_owner(*because))),
            ),
            _ => return,
        };
        let id = CallId(approval.id.0);
        let end = CallEnd { error, ..CallEnd::new(id, outcome) };
        if let Err(error) = self.services.journal.end(&end) {
            tracing::error!(error = %ErrorChain(&error), "the end of a request could not be recorded");
        }
    }
}
