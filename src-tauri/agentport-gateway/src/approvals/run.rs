//! Running what the owner approved: once.

use std::sync::Arc;

use agentport_api::Event;
use agentport_core::{
    ApprovalId, CallId, ErrorChain,
    approval::{Approval, State, StateName, WithdrawnBecause},
    outcome::OutcomeKind,
    policy::Mode,
};
use serde_json::Value;
use tokio::sync::oneshot;

use super::{CallKey, StoredResult};
use crate::{
    agents::Agent,
    call::{
        caller::Caller,
        outcome::{Outcome, Refusal, failure_sentence},
        record::Record,
    },
    catalogue::PublishedTool,
    clock,
    engine::Engine,
    store::StoreError,
};

/// How long a result is kept, sealed, for an agent that lost its connection.
const RESULT_LIFE: std::time::Duration = std::time::Duration::from_secs(15 * 60);

impl Engine {
    /// Starts an approved request, or does nothing if another already did. `Err` says why it may not run (now).
    ///
    /// The run is a task of its own: an agent that goes away does not end it half-way, and finds the result when it
    /// awaits the request again.
    pub(super) async fn start_approved(
        self: &Arc<Self>,
        approval: Approval,
        agent: &Agent,
        caller: Caller,
    ) -> Result<(), Outcome> {
        let tool = self.check_again(&approval, agent).await?;
        let now = clock::now();
        let running = approval.start(now).map_err(|error| {
            tracing::debug!(%error, "an approved request could not start");
            storage(&error)
        })?;
        let engine = self.clone();
        let record = running_record(&running, agent, &tool);
        // Claimed and run by one task: were the claim the agent's own, an agent that leaves between the two would leave
        // a call that is running for ever.
        let (claimed, answer) = oneshot::channel();
        self.tasks.spawn(async move {
            let claim = engine.store.transition(&running, StateName::Approved).await;
            let won = matches!(claim, Ok(true));
            if won {
                engine.approvals.note(&running);
                let state = StateName::Running;
                engine.events.send(Event::Approval { id: running.id, state });
            }
            // Nobody waits for the answer any more if the agent has left.
            let _ = claimed.send(claim);
            if won {
                engine.run_to_the_end(running, &tool, record, caller).await;
            }
        });
        match answer.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(storage(&error)),
            Err(_) => Err(Outcome::Refused(Refusal::Stopping)),
        }
    }

    async fn run_to_the_end(
        self: Arc<Self>,
        running: Approval,
        tool: &PublishedTool,
        record: Record,
        mut caller: Caller,
    ) {
        // The call outlives the request that started it; only the agent's own withdrawal of a call that was never
        // gated reaches the upstream.
        caller.cancelled = self.hard_stop.child_token();
        let id = running.id;
        let key = CallKey::of(&running);
        let arguments = running.arguments.clone();
        let outcome = self.run(tool, arguments, record, caller, key).await;
        let kind = outcome.kind();
        let kept = StoredResult::of(outcome);
        if let Err(error) = self.keep_result(id, &kept).await {
            tracing::error!(error = %ErrorChain(&error), "the result of an approved call could not be kept");
        }
        self.finish(running, kind).await;
    }

    async fn finish(&self, running: Approval, kind: OutcomeKind) {
        let id = running.id;
        match running.finish(kind, clock::now()) {
            Ok(done) => {
                if let Err(error) = self.store.transition(&done, StateName::Running).await {
                    tracing::error!(%id, error = %ErrorChain(&error), "the end of an approved call could not be stored");
                }
                self.approvals.note(&done);
                self.settled(&done, "approval.ran", serde_json::json!({ "outcome": kind })).await;
            }
            Err(error) => {
                tracing::error!(%error, "an approved call ended in a state it cannot end in")
            }
        }
    }

    pub(super) async fn keep_result(
        &self,
        id: ApprovalId,
        result: &StoredResult,
    ) -> Result<(), StoreError> {
        let plain = serde_json::to_vec(result).unwrap_or_default();
        let sealed = self.vault.seal(&result_seal(id), &plain);
        self.store.put_result(id, &sealed, clock::now().plus(RESULT_LIFE)).await
    }

    /// What may have changed between the owner's yes and now.
    pub(super) async fn check_again(
        self: &Arc<Self>,
        approval: &Approval,
        agent: &Agent,
    ) -> Result<Arc<PublishedTool>, Outcome> {
        let (integration, tool) = (approval.integration.to_string(), approval.tool.clone());
        if self.soft_stop.is_cancelled() {
            return Err(Outcome::Refused(Refusal::Stopping));
        }
        let tags = self.catalogue.get(&approval.integration).map(|entry| entry.row.tags.clone());
        let Some(present) = self.agents.let_in(agent.id, clock::now()) else {
            let because = WithdrawnBecause::AgentRevoked;
            if let Err(error) = self.withdraw(approval.clone(), because).await {
                tracing::error!(error = %ErrorChain(&error), "a request could not be withdrawn");
            }
            return Err(Outcome::Refused(Refusal::NotLetIn));
        };
        // The owner may have taken the integration or the tool from the agent's profile since.
        let profile = &present.profile;
        let hidden = tags.is_some_and(|tags| !profile.shows(&approval.integration, &tags))
            || !profile.shows_tool(&approval.integration, &approval.tool);
        if hidden {
            return Err(Outcome::Refused(Refusal::UnknownIntegration { id: integration }));
        }
        if self.paused() {
            return Err(Outcome::Refused(Refusal::Paused { integration }));
        }
        let published = self
            .published(&approval.integration, &approval.tool)
            .filter(|tool| tool.digest == approval.digest);
        let Some(published) = published else {
            let because = WithdrawnBecause::DefinitionChanged;
            if let Err(error) = self.withdraw(approval.clone(), because).await {
                tracing::error!(error = %ErrorChain(&error), "a request could not be withdrawn");
            }
            return Err(Outcome::Refused(Refusal::Changed { integration, tool }));
        };
        let now = clock::now();
        let decision = self.decide(&published, agent.id, Some(&approval.arguments_hash), now);
        if decision.mode == Mode::Deny {
            return Err(Outcome::Blocked);
        }
        Ok(published)
    }

    /// At the start: what was running when the process ended is done, with an outcome nobody knows.
    pub(crate) async fn recover_approvals(self: &Arc<Self>) -> Result<(), StoreError> {
        for approval in self.store.open_approvals().await? {
            match approval.state {
                State::Running { .. } => self.finish(approval, OutcomeKind::Interrupted).await,
                _ => self.approvals.note(&approval),
            }
        }
        Ok(())
    }
}

fn running_record(approval: &Approval, agent: &Agent, tool: &PublishedTool) -> Record {
    let mut record = Record::new(
        CallId(approval.id.0),
        agent,
        tool,
        &approval.arguments,
        approval.arguments_hash,
        "mcp",
    );
    record.at = approval.created_at;
    record.approval = Some(approval.id);
    record.decision = Some(Mode::RequireApproval);
    let decided = match approval.state {
        State::Approved { at, .. } | State::Running { at, .. } => at,
        _ => clock::now(),
    };
    record.waited_ms =
        u64::try_from(decided.since(approval.created_at).as_millis()).unwrap_or(u64::MAX);
    record
}

/// What seals the result of this request.
pub(super) fn result_seal(id: ApprovalId) -> String {
    format!("approval-result/{id}")
}

fn storage(error: &dyn std::error::Error) -> Outcome {
    tracing::error!(error = %ErrorChain(error), "an approved call could not be started");
    Outcome::Refused(Refusal::Storage)
}

impl StoredResult {
    pub(super) fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Ran(result) => {
                Self::Result { result: serde_json::to_value(&*result).unwrap_or(Value::Null) }
            }
            Outcome::Failed { integration, error } => {
                Self::Failure { message: failure_sentence(&integration, &error) }
            }
            Outcome::FailedBefore(message) => Self::Failure { message },
            Outcome::Refused(refusal) => Self::Failure { message: refusal.to_string() },
            Outcome::Blocked | Outcome::NeedsApproval { .. } | Outcome::DeniedAtOnce { .. } => {
                Self::Failure { message: "The call did not run.".to_owned() }
            }
        }
    }
}
