//! Runs an approved call, exactly once.

use std::sync::Arc;

use agentport_core::{
    CallId, ErrorChain,
    activity::{CallStart, EntryPoint},
    approval::{Approval, State, WithdrawnBecause},
    policy::Mode,
};
use serde_json::Value;
use tokio::sync::oneshot;

use super::{
    CallPipeline,
    outcome::{Outcome, Refusal, failure_sentence},
    record::call_start,
};
use crate::caller::Caller;
use crate::{
    agents::Agent,
    approvals::{ApprovedCall, CallKey, StoredResult},
    catalogue::PublishedTool,
    clock,
};

impl CallPipeline {
    /// Starts an approved call, or does nothing if another task has claimed it. `Err` says why it may not run (now).
    ///
    /// The run is a task of its own: an agent that goes away does not end it half-way, and finds the result when it
    /// awaits the approval again.
    pub(super) async fn start_approved(
        self: &Arc<Self>,
        approval: Approval,
        agent: &Agent,
        caller: Caller,
    ) -> Result<(), Outcome> {
        // The owner decided about the definition known then. An upstream that can't be reached refuses the call itself.
        let upstreams = &self.resolver.upstreams;
        if !upstreams.has_current_tools(&approval.integration)
            && let Err(error) = upstreams.refresh_tools(&approval.integration).await
        {
            tracing::debug!(error = %ErrorChain(&error), "an integration could not be connected for an approved call");
        }
        let tool = self.check_again(&approval, agent).await?;
        let running = approval.start(clock::now()).map_err(|error| {
            tracing::debug!(%error, "an approved request could not start");
            storage(&error)
        })?;
        let mut record = running_record(&running, agent, &tool);
        let account = running.account.and_then(|id| self.accounts.get(id));
        record.account = account.map(|account| account.label());
        let pipeline = self.clone();
        // Claimed and run by one task: with the claim in the agent's own task, an agent that leaves between the two
        // would leave a call that is running for ever.
        let (claimed, answer) = oneshot::channel();
        self.tasks.spawn(async move {
            let (claim, won) = match pipeline.approvals.claim(running).await {
                Ok(won) => (Ok(()), won),
                Err(error) => (Err(error), None),
            };
            // Fails if the agent has disconnected, which changes nothing.
            let _ = claimed.send(claim);
            if let Some(call) = won {
                pipeline.run_approved(call, &tool, record, caller).await;
            }
        });
        match answer.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(storage(&error)),
            Err(_) => Err(Outcome::Refused(Refusal::Stopping)),
        }
    }

    async fn run_approved(
        self: Arc<Self>,
        call: ApprovedCall,
        tool: &PublishedTool,
        record: CallStart,
        mut caller: Caller,
    ) {
        // The call outlives the request that started it; only the agent's own withdrawal of a call that was never
        // gated reaches the upstream.
        caller.cancelled = self.hard_stop.child_token();
        let approval = call.approval();
        let id = approval.id;
        let key = CallKey::from_approval(approval);
        let arguments = approval.arguments.clone();
        let account = approval.account;
        let outcome = self.run(tool, arguments, record, caller, key, account).await;
        let kind = outcome.kind();
        if let Err(error) = self.approvals.keep_result(id, &stored_result(outcome)).await {
            tracing::error!(error = %ErrorChain(&error), "the result of an approved call could not be kept");
        }
        self.approvals.finish(call, kind).await;
    }

    /// The second check: whatever may have changed since the owner approved.
    pub(super) async fn check_again(
        &self,
        approval: &Approval,
        agent: &Agent,
    ) -> Result<Arc<PublishedTool>, Outcome> {
        let (integration, tool) = (approval.integration.to_string(), approval.tool.clone());
        self.admission.refuse_when_stopping().map_err(Outcome::Refused)?;
        let catalogue = &self.resolver.catalogue;
        let tags = catalogue.get(&approval.integration).map(|entry| entry.row.tags.clone());
        let Some(present) = self.agents.let_in(agent.id, clock::now()) else {
            self.withdraw(approval, WithdrawnBecause::AgentRevoked).await;
            return Err(Outcome::Refused(Refusal::NotLetIn));
        };
        // The owner may have taken the integration or the tool from the agent's profile since.
        let profile = &present.profile;
        let hidden = tags.is_some_and(|tags| !profile.shows(&approval.integration, &tags))
            || !profile.shows_tool(&approval.integration, &approval.tool);
        if hidden {
            return Err(Outcome::Refused(Refusal::UnknownIntegration { id: integration }));
        }
        self.admission.refuse_when_paused(&integration).map_err(Outcome::Refused)?;
        let published = catalogue
            .published(&approval.integration, &approval.tool)
            .filter(|tool| tool.digest == approval.digest);
        let Some(published) = published else {
            self.withdraw(approval, WithdrawnBecause::DefinitionChanged).await;
            return Err(Outcome::Refused(Refusal::Changed { integration, tool }));
        };
        let now = clock::now();
        let decision =
            self.policy.decide(&published, agent.id, Some(&approval.arguments_hash), now);
        if decision.mode == Mode::Deny {
            return Err(Outcome::Blocked);
        }
        Ok(published)
    }

    async fn withdraw(&self, approval: &Approval, because: WithdrawnBecause) {
        if let Err(error) = self.approvals.withdraw(approval.clone(), because).await {
            tracing::error!(error = %ErrorChain(&error), "a request could not be withdrawn");
        }
    }
}

fn running_record(approval: &Approval, agent: &Agent, tool: &PublishedTool) -> CallStart {
    let mut record = call_start(
        CallId(approval.id.0),
        agent,
        tool,
        &approval.arguments,
        approval.arguments_hash,
        EntryPoint::Mcp,
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

fn storage(error: &dyn std::error::Error) -> Outcome {
    tracing::error!(error = %ErrorChain(error), "an approved call could not be started");
    Outcome::Refused(Refusal::Storage)
}

/// The part of an outcome that is stored for the agent.
pub(super) fn stored_result(outcome: Outcome) -> StoredResult {
    match outcome {
        Outcome::Ran(result) => {
            StoredResult::Result { result: serde_json::to_value(&*result).unwrap_or(Value::Null) }
        }
        Outcome::Failed { integration, error } => {
            StoredResult::Failure { message: failure_sentence(&integration, &error) }
        }
        Outcome::FailedBefore(message) => StoredResult::Failure { message },
        Outcome::Refused(refusal) => StoredResult::Failure { message: refusal.to_string() },
        Outcome::Blocked | Outcome::NeedsApproval { .. } | Outcome::DeniedAtOnce { .. } => {
            StoredResult::Failure { message: "The call did not run.".to_owned() }
        }
    }
}
