//! Waiting for the owner, and for the result.

use std::{sync::Arc, time::Duration};

use agentport_core::{
    ApprovalId, ErrorChain,
    approval::{Approval, State, StateName, WithdrawnBecause},
    outcome::OutcomeKind,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::run::result_seal;
use crate::{
    agents::Agent,
    call::{
        caller::Caller,
        outcome::{Outcome, Refusal},
        record::Record,
    },
    clock,
    engine::Engine,
};

/// What awaiting a request came to.
#[derive(Debug)]
pub(crate) enum Awaited {
    /// Nobody has decided, or the call is still running (`running`).
    StillPending {
        id: ApprovalId,
        running: bool,
    },
    Denied {
        reason: Option<String>,
    },
    /// The stored result: the first time and every time.
    Ran(StoredResult),
    /// It ran, and its result is no longer kept (or the process ended while it ran: `interrupted`).
    ResultGone {
        interrupted: bool,
    },
    Expired,
    Withdrawn {
        because: WithdrawnBecause,
    },
    /// Unknown, or another agent's.
    NotFound,
    /// Approved, but it may not run now.
    NotNow(Outcome),
}

/// The result of an approved call, as kept for 15 minutes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum StoredResult {
    /// The upstream's result, as JSON.
    Result {
        result: Value,
    },
    Failure {
        message: String,
    },
}

impl Engine {
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
            () = self.stops_while_pending(id) => None,
        };
        match followed {
            Some(awaited) => awaited,
            None => {
                let running = self
                    .approvals
                    .live(id)
                    .is_some_and(|l| *l.state.borrow() == StateName::Running);
                Awaited::StillPending { id, running }
            }
        }
    }

    /// Waits at most `limit` for the owner to decide, and runs nothing. `None`: unknown, or another agent's.
    pub(crate) async fn await_decision(
        self: &Arc<Self>,
        id: ApprovalId,
        agent: &Agent,
        limit: Duration,
    ) -> Option<Approval> {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            let changes = self.approvals.live(id).map(|live| live.state.subscribe());
            let approval = self.store.approval(id).await.ok()?.filter(|a| a.agent == agent.id)?;
            if approval.overdue(clock::now()) {
                let engine = self.clone();
                self.to_the_end(async move { engine.expire(approval).await }).await;
                continue;
            }
            let (State::Pending, Some(mut changes)) = (&approval.state, changes) else {
                return Some(approval);
            };
            let changed = tokio::time::timeout_at(deadline, changes.changed());
            tokio::select! {
                changed = changed => if changed.is_err() { return Some(approval) },
                () = self.soft_stop.cancelled() => return Some(approval),
            }
        }
    }

    /// Ends when the gateway stops and nobody has decided: there is nothing to wait for then.
    async fn stops_while_pending(&self, id: ApprovalId) {
        self.soft_stop.cancelled().await;
        let pending =
            self.approvals.live(id).is_none_or(|live| *live.state.borrow() == StateName::Pending);
        if !pending {
            std::future::pending().await
        }
    }

    /// Follows a request to its end. Ends only with it; the caller sets the limit.
    async fn follow(self: &Arc<Self>, id: ApprovalId, agent: &Agent, caller: Caller) -> Awaited {
        loop {
            // Listen before looking, so that no change falls between.
            let live = self.approvals.live(id);
            let mut changes = live.as_ref().map(|live| live.state.subscribe());
            let approval = match self.store.approval(id).await {
                Ok(Some(approval)) if approval.agent == agent.id => approval,
                Ok(_) => return Awaited::NotFound,
                Err(error) => {
                    tracing::error!(error = %ErrorChain(&error), "a request could not be read");
                    return Awaited::NotNow(Outcome::Refused(Refusal::Storage));
                }
            };
            if approval.overdue(clock::now()) {
                let engine = self.clone();
                self.to_the_end(async move { engine.expire(approval).await }).await;
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
                // Not open here although the database says so: between two states; look again.
                tokio::task::yield_now().await;
            }
        }
    }

    async fn ended(&self, approval: Approval) -> Awaited {
        match approval.state {
            State::Denied { reason, .. } => Awaited::Denied { reason },
            State::Expired { .. } => Awaited::Expired,
            State::Withdrawn { because, .. } => Awaited::Withdrawn { because },
            State::Done { outcome, .. } => match self.stored_result(approval.id).await {
                Some(result) => Awaited::Ran(result),
                None => Awaited::ResultGone { interrupted: outcome == OutcomeKind::Interrupted },
            },
            State::Pending | State::Approved { .. } | State::Running { .. } => {
                Awaited::StillPending { id: approval.id, running: false }
            }
        }
    }

    async fn stored_result(&self, id: ApprovalId) -> Option<StoredResult> {
        let sealed = match self.store.result(id, clock::now()).await {
            Ok(sealed) => sealed?,
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "a kept result could not be read");
                return None;
            }
        };
        let plain = match self.vault.open(&result_seal(id), &sealed) {
            Ok(plain) => plain,
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "a kept result could not be unsealed");
                return None;
            }
        };
        serde_json::from_slice(&plain).ok()
    }

    /// A request that is open as far as is known here, if it is open in truth.
    pub(crate) async fn still_open(&self, id: ApprovalId) -> Option<Approval> {
        let approval = self.store.approval(id).await.ok()??;
        let open = matches!(
            approval.state,
            State::Pending | State::Approved { .. } | State::Running { .. }
        );
        if !open {
            // It ended between two looks; the call is a new one.
            self.approvals.note(&approval);
        }
        open.then_some(approval)
    }

    /// The call was made again while a request for it is open: pending answers the same request, approved runs.
    pub(crate) async fn repeat(
        self: &Arc<Self>,
        open: Approval,
        agent: &Agent,
        additional_info: Option<&str>,
        mut record: Record,
        caller: Caller,
    ) -> Outcome {
        let id = open.id;
        record.approval = Some(id);
        let Some(live) = self.approvals.live(id) else {
            let expires_at = open.expires_at;
            return self.answer_unrun(record, Outcome::NeedsApproval { id, expires_at });
        };
        if *live.state.borrow() == StateName::Pending
            && record.decision == Some(agentport_core::policy::Mode::Allow)
            && let Err(error) = self.review_id(id).await
        {
            tracing::error!(error = %ErrorChain(&error), "a waiting request could not be reviewed");
        }
        if *live.state.borrow() == StateName::Pending {
            if let Some(info) = additional_info.and_then(super::ask::clean_info)
                && let Err(error) = self.store.set_additional_info(id, &info).await
            {
                tracing::error!(error = %ErrorChain(&error), "the agent's note could not be stored");
            }
            let outcome = Outcome::NeedsApproval { id, expires_at: live.expires_at };
            return self.answer_unrun(record, outcome);
        }
        // Approved or running: the row is the request's own, written by the run.
        match self.follow(id, agent, caller).await {
            Awaited::Ran(StoredResult::Result { result }) => match serde_json::from_value(result) {
                Ok(result) => Outcome::Ran(Box::new(result)),
                Err(_) => Outcome::Refused(Refusal::Storage),
            },
            Awaited::Ran(StoredResult::Failure { message }) => Outcome::FailedBefore(message),
            Awaited::NotNow(outcome) => outcome,
            _ => Outcome::NeedsApproval { id, expires_at: live.expires_at },
        }
    }
}
