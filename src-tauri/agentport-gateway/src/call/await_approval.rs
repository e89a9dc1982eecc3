//! Waits for the owner's decision and for the result of the approved call.

use std::{sync::Arc, time::Duration};

use agentport_core::{
    ApprovalId, ErrorChain,
    activity::CallStart,
    approval::{Approval, State},
    outcome::OutcomeKind,
};

use super::{
    CallPipeline,
    outcome::{Outcome, Refusal},
};
use crate::caller::Caller;
use crate::{agents::Agent, approvals::StoredResult, clock};

/// Result of awaiting an approval.
#[derive(Debug)]
pub(crate) enum Awaited {
    /// Not decided yet, or the call is still running (`running`).
    StillPending { id: ApprovalId, running: bool },
    /// The stored result: the first time and every time.
    Ran(StoredResult),
    /// It ran, and its result is no longer kept (or the process ended while it ran: `interrupted`).
    ResultGone { interrupted: bool },
    /// It was denied, expired or was withdrawn.
    NotRun(State),
    /// Unknown, or another agent's.
    NotFound,
    /// Approved, but it may not run now.
    NotNow(Outcome),
}

impl CallPipeline {
    /// Waits at most `limit` for the owner and, once approved, for the call, which this starts.
    pub(crate) async fn await_approval(
        self: &Arc<Self>,
        id: ApprovalId,
        agent: &Agent,
        caller: Caller,
        limit: Duration,
    ) -> Awaited {
        if let Some(awaited) = self.next_round(id, agent, &caller).await {
            return awaited;
        }
        let deadline = tokio::time::Instant::now() + limit;
        let followed = tokio::select! {
            followed = tokio::time::timeout_at(deadline, self.follow(id, agent, caller)) => followed.ok(),
            () = self.hard_stop.cancelled() => None,
            () = self.approvals.stopped_while_pending(id) => None,
        };
        followed
            .unwrap_or_else(|| Awaited::StillPending { id, running: self.approvals.is_running(id) })
    }

    /// Follows a request to its end. Ends only with it; the caller sets the limit.
    async fn follow(self: &Arc<Self>, id: ApprovalId, agent: &Agent, caller: Caller) -> Awaited {
        loop {
            // Subscribe before reading, so that no change falls between.
            let mut changes = self.approvals.watch(id);
            let approval = match self.approvals.get(id).await {
                Ok(Some(approval)) if approval.agent == agent.id => approval,
                Ok(_) => return Awaited::NotFound,
                Err(error) => {
                    tracing::error!(error = %ErrorChain(&error), "a request could not be read");
                    return Awaited::NotNow(Outcome::Refused(Refusal::Storage));
                }
            };
            if approval.overdue(clock::now()) {
                self.approvals.expire_now(approval).await;
                continue;
            }
            match &approval.state {
                State::Approved { .. } => {
                    let started = self.start_approved(approval, agent, caller.clone()).await;
                    if let Err(outcome) = started {
                        return Awaited::NotNow(outcome);
                    }
                    continue;
                }
                State::Pending | State::Running { .. } => {}
                _ => return self.ended(approval).await,
            }
            let heard = match &mut changes {
                Some(changes) => changes.changed().await.is_ok(),
                None => false,
            };
            if !heard {
                // Open in the database and not in memory: it is between two states, so read again.
                tokio::task::yield_now().await;
            }
        }
    }

    async fn ended(&self, approval: Approval) -> Awaited {
        match approval.state {
            state @ (State::Denied { .. } | State::Expired { .. } | State::Withdrawn { .. }) => {
                Awaited::NotRun(state)
            }
            State::Done { outcome, .. } => match self.approvals.stored_result(approval.id).await {
                Some(result) => Awaited::Ran(result),
                None => Awaited::ResultGone { interrupted: outcome == OutcomeKind::Interrupted },
            },
            State::Pending | State::Approved { .. } | State::Running { .. } => {
                Awaited::StillPending { id: approval.id, running: false }
            }
        }
    }

    /// The call was made again while a request for it is open: pending answers the same request, approved runs.
    pub(crate) async fn repeat(
        self: &Arc<Self>,
        open: Approval,
        agent: &Agent,
        additional_info: Option<&str>,
        mut record: CallStart,
        caller: Caller,
    ) -> Outcome {
        let id = open.id;
        record.approval = Some(id);
        let Some((expires_at, pending)) = self.approvals.open_state(id) else {
            let expires_at = open.expires_at;
            return self.recorder.record_refused(record, Outcome::NeedsApproval { id, expires_at });
        };
        if pending
            && record.decision == Some(agentport_core::policy::Mode::Allow)
            && let Err(error) = self.approvals.review_id(id).await
        {
            tracing::error!(error = %ErrorChain(&error), "a waiting request could not be reviewed");
        }
        if self.approvals.is_pending(id) {
            if let Some(info) = additional_info {
                self.approvals.set_additional_info(id, info).await;
            }
            return self.recorder.record_refused(record, Outcome::NeedsApproval { id, expires_at });
        }
        // Approved or running: the row is the request's own, written by the run.
        match self.follow(id, agent, caller).await {
            Awaited::Ran(StoredResult::Result { result }) => match serde_json::from_value(result) {
                Ok(result) => Outcome::Ran(Box::new(result)),
                Err(_) => Outcome::Refused(Refusal::Storage),
            },
            Awaited::Ran(StoredResult::Failure { message }) => Outcome::FailedBefore(message),
            Awaited::NotNow(outcome) => outcome,
            _ => Outcome::NeedsApproval { id, expires_at },
        }
    }
}
