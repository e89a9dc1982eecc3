//! The call pipeline. Every tool call, whichever API it comes through, runs through [`CallPipeline::call`]. The path of a
//! call through the modules is drawn in the crate's documentation.
//!
//! Invariants: what runs is what policy (and the owner) saw; the row is written before the upstream is called and before
//! the reply leaves; if anything in here fails, the upstream is not called.

mod admit;
mod approved;
mod await_approval;
mod continuations;
mod dispatch;
mod input_required;
mod installs;
mod limits;
pub(crate) mod outcome;
pub(crate) mod passthrough;
pub(crate) mod permit;
mod record;
mod resolve;
mod scrub;

use std::sync::Arc;

use agentport_core::{
    CallId,
    activity::{CallStart, EntryPoint},
    arguments::ArgumentsHash,
    policy::{Decision, Mode},
};
use rmcp::model::JsonObject;
use serde_json::Value;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

pub(crate) use self::{
    admit::CallAdmission, await_approval::Awaited, dispatch::CallDispatcher, record::CallRecorder,
    resolve::ToolResolver,
};
use self::{
    continuations::Continuations,
    outcome::{Outcome, Refusal},
    record::call_start,
};
use crate::caller::Caller;
use crate::{
    accounts::Accounts,
    agents::{Agent, Agents},
    approvals::{Approvals, CallKey, Created, NewApproval},
    catalogue::{AgentView, PublishedTool},
    clock,
    directory::PendingTokens,
    policy::PolicyStore,
};

/// A call as an API passes it on.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) agent: Arc<Agent>,
    pub(crate) view: Arc<AgentView>,
    pub(crate) integration: String,
    pub(crate) tool: String,
    pub(crate) arguments: JsonObject,
    /// The agent's own words for the owner. Never forwarded, never part of the hash.
    pub(crate) additional_info: Option<String>,
    pub(crate) entry_point: EntryPoint,
    pub(crate) caller: Caller,
}

/// Runs calls. The only maker of permits.
pub(crate) struct CallPipeline {
    pub(crate) resolver: ToolResolver,
    pub(crate) admission: CallAdmission,
    pub(crate) policy: Arc<PolicyStore>,
    pub(crate) approvals: Arc<Approvals>,
    pub(crate) agents: Arc<Agents>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) tokens: Arc<PendingTokens>,
    pub(crate) recorder: CallRecorder,
    pub(crate) dispatcher: CallDispatcher,
    pub(crate) continuations: Continuations,
    pub(crate) tasks: TaskTracker,
    pub(crate) hard_stop: CancellationToken,
    /// Counts the calls that run.
    pub(crate) running: TaskTracker,
}

impl CallPipeline {
    /// Runs a call, or says why not. The only way to a tool.
    ///
    /// While an integration is not connected its tools are known only as they were. A call that has to wait for the
    /// connection, and then finds its tool defined otherwise, is judged again as a new call.
    pub(crate) async fn call(self: &Arc<Self>, request: Request) -> Outcome {
        let tool = match self.resolver.resolve(&request).await {
            Ok(tool) => tool,
            Err(refusal) => return self.recorder.record_unresolved(&request, refusal),
        };
        let may_be_outdated = !self.resolver.upstreams.has_current_tools(&tool.integration);
        let Some(again) = may_be_outdated.then(|| request.clone()) else {
            return self.call_resolved(tool, request).await;
        };
        let outcome = self.call_resolved(tool, request).await;
        if !matches!(outcome, Outcome::Refused(Refusal::Changed { .. })) {
            return outcome;
        }
        let catalogue = &self.resolver.catalogue;
        let view = catalogue.views.get(&catalogue.snapshot(), &again.view.key);
        match view.tool(&again.integration, &again.tool).cloned() {
            Some(tool) => self.call_resolved(tool, Request { view, ..again }).await,
            None => outcome,
        }
    }

    async fn call_resolved(
        self: &Arc<Self>,
        tool: Arc<PublishedTool>,
        request: Request,
    ) -> Outcome {
        let Request { agent, arguments, additional_info, entry_point, caller, .. } = request;
        let arguments = Value::Object(arguments);
        let hash = ArgumentsHash::of(&arguments);
        let now = clock::now();
        let mut record =
            call_start(CallId(Uuid::now_v7()), &agent, &tool, &arguments, hash, entry_point);
        record.at = now;
        let account = self.accounts.used_by(&tool.integration, agent.id, &agent.profile.name);
        record.account = account.as_ref().map(|account| account.label());
        let account = account.map(|account| account.id());

        if let Err(refusal) = self.admission.admit(&agent, &tool, &arguments, now) {
            return self.recorder.record_refused(record, Outcome::Refused(refusal));
        }
        let key = CallKey::new(agent.id, &tool, hash);
        let Decision { mode, reason } = self.policy.decide(&tool, agent.id, Some(&hash), now);
        record.decision = Some(mode);
        record.because = Some(reason);
        if mode == Mode::Deny {
            return self.recorder.record_refused(record, Outcome::Blocked);
        }
        // A repeated call uses the decision already made about it, also if it was a lasting grant.
        if let Some(id) = self.approvals.open_for(&key)
            && let Some(open) = self.approvals.still_open(id).await
        {
            return self.repeat(open, &agent, additional_info.as_deref(), record, caller).await;
        }
        if caller.request_state.is_some() || caller.input_responses.is_some() {
            let state = caller.request_state.as_deref();
            if let Some(continued) = self.continuations.remove(state, &key, tool.digest, now) {
                record.approval = Some(continued.approval);
                record.arguments = agentport_core::redact::redacted(&continued.arguments);
                record.arguments_hash = Some(ArgumentsHash::of(&continued.arguments));
                return self.run(&tool, continued.arguments, record, caller, key, account).await;
            }
        }
        if mode == Mode::Allow {
            return self.run(&tool, arguments, record, caller, key, account).await;
        }
        let (agent, tool, bytes) = (&*agent, &*tool, record.bytes_in);
        let call =
            NewApproval { agent, tool, account, arguments, hash, bytes, additional_info, reason };
        self.ask(call, record).await
    }

    /// Creates an approval and records it.
    async fn ask(&self, call: NewApproval<'_>, record: CallStart) -> Outcome {
        let (integration, tool) = (call.tool.integration.to_string(), call.tool.name().to_owned());
        let (outcome, record) = match self.approvals.create(call).await {
            // The row gets the approval's id: the decision and the run complete it.
            Ok(Created::Asked { id, expires_at }) => {
                (Outcome::NeedsApproval { id, expires_at }, record.for_approval(id))
            }
            Ok(Created::AlreadyOpen { id, expires_at }) => {
                (Outcome::NeedsApproval { id, expires_at }, record)
            }
            Ok(Created::DeniedUntil(until)) => (Outcome::DeniedAtOnce { until }, record),
            Ok(Created::TooLarge { kib }) => {
                (Outcome::Refused(Refusal::TooLargeToAsk { integration, tool, kib }), record)
            }
            Ok(Created::TooManyPending { limit }) => {
                (Outcome::Refused(Refusal::TooManyWaiting { integration, tool, limit }), record)
            }
            Err(error) => {
                let error = agentport_core::ErrorChain(&error);
                tracing::error!(%error, "an approval could not be stored");
                (Outcome::Refused(Refusal::Storage), record)
            }
        };
        self.recorder.record_refused(record, outcome)
    }
}
