//! The one door. Every tool call, whichever way it comes in, runs through [`Engine::call`].
//!
//! ```text
//! resolve → paused? → arguments valid? → limits → approved already? → policy
//!        → blocked | run | ask → approval → check again → run
//! run: journal begin → permit → upstream → scrub → journal end
//! ```
//!
//! What always holds: what runs is what policy (and the owner) saw; the row is written before the upstream is called
//! and before the reply leaves; when anything in here fails, the call does not happen.

pub(crate) mod caller;
pub(crate) mod continuations;
pub(crate) mod limits;
pub(crate) mod manage;
pub(crate) mod outcome;
pub(crate) mod passthrough;
pub(crate) mod permit;
pub(crate) mod record;
mod resolve;
mod run;
mod scrub;

use std::sync::Arc;

use agentport_core::{
    CallId,
    arguments::ArgumentsHash,
    policy::{Decision, Mode},
};
use rmcp::model::JsonObject;
use serde_json::Value;
use uuid::Uuid;

use self::{
    caller::Caller,
    outcome::{Outcome, Refusal},
    record::Record,
};
use crate::{
    agents::Agent,
    approvals::{Asking, CallKey},
    catalogue::AgentView,
    clock,
    engine::Engine,
};

/// A call as a door hands it in.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) agent: Arc<Agent>,
    pub(crate) view: Arc<AgentView>,
    pub(crate) integration: String,
    pub(crate) tool: String,
    pub(crate) arguments: JsonObject,
    /// The agent's own words for the owner. Never forwarded, never part of the hash.
    pub(crate) additional_info: Option<String>,
    /// `mcp`, `direct` or `rest`.
    pub(crate) door: &'static str,
    pub(crate) caller: Caller,
}

impl Engine {
    /// Runs a call, or says why not. The only way to a tool.
    pub(crate) async fn call(self: &Arc<Self>, request: Request) -> Outcome {
        let tool = match self.resolve(&request).await {
            Ok(tool) => tool,
            Err(refusal) => return self.refuse_unresolved(&request, refusal),
        };
        self.call_resolved(tool, request).await
    }

    async fn call_resolved(
        self: &Arc<Self>,
        tool: Arc<crate::catalogue::PublishedTool>,
        request: Request,
    ) -> Outcome {
        let Request { agent, arguments, additional_info, door, caller, .. } = request;
        let arguments = Value::Object(arguments);
        let hash = ArgumentsHash::of(&arguments);
        let now = clock::now();
        let mut record = Record::new(CallId(Uuid::now_v7()), &agent, &tool, &arguments, hash, door);
        record.at = now;

        if let Err(refusal) = self.admit(&agent, &tool, &arguments, now) {
            return self.answer_unrun(record, Outcome::Refused(refusal));
        }
        let key = CallKey::new(agent.id, &tool, hash);
        let Decision { mode, reason } = self.decide(&tool, agent.id, Some(&hash), now);
        record.decision = Some(mode);
        record.because = Some(reason);
        if mode == Mode::Deny {
            return self.answer_unrun(record, Outcome::Blocked);
        }
        // A repeat of a call the owner decided about takes up that decision, under a lasting grant too.
        if let Some(id) = self.approvals.open_for(&key)
            && let Some(open) = self.still_open(id).await
        {
            return self.repeat(open, &agent, additional_info.as_deref(), record, caller).await;
        }
        if caller.request_state.is_some() || caller.input_responses.is_some() {
            let state = caller.request_state.as_deref();
            if let Some(going_on) = self.continuations.take(state, &key, tool.digest, now) {
                record.approval = Some(going_on.approval);
                record.arguments = agentport_core::redact::redacted(&going_on.arguments);
                record.hash = Some(ArgumentsHash::of(&going_on.arguments));
                return self.run(&tool, going_on.arguments, record, caller, key).await;
            }
        }
        if mode == Mode::Allow {
            return self.run(&tool, arguments, record, caller, key).await;
        }
        let (agent, tool) = (&*agent, &*tool);
        let asking = Asking { agent, tool, arguments, hash, additional_info, reason };
        self.ask(asking, record).await
    }

    /// What stands before policy: pause, schema, limits.
    fn admit(
        &self,
        agent: &Agent,
        tool: &crate::catalogue::PublishedTool,
        arguments: &Value,
        now: agentport_core::Timestamp,
    ) -> Result<(), Refusal> {
        if self.soft_stop.is_cancelled() {
            return Err(Refusal::Stopping);
        }
        // The key was good when the headers came; the body may have taken its time.
        if agent.revoked.is_cancelled() || agent.expires_at.is_some_and(|end| end <= now) {
            return Err(Refusal::NotLetIn);
        }
        if self.paused() {
            return Err(Refusal::Paused { integration: tool.integration.to_string() });
        }
        tool.validate(arguments).map_err(|problem| Refusal::InvalidArguments {
            integration: tool.integration.to_string(),
            tool: tool.name().to_owned(),
            problem,
        })?;
        let limit = self.settings.load().calls_per_minute;
        self.limits
            .count(agent.id, limit, now)
            .map_err(|retry_seconds| Refusal::TooManyCalls { limit, retry_seconds })
    }
}
