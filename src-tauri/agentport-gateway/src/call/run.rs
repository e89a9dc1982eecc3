//! Running a call that may run.

use std::{sync::Arc, time::Instant};

use agentport_api::Connection;
use agentport_core::ErrorChain;
use rmcp::model::ServerResult;
use serde_json::Value;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{
    caller::Caller,
    continuations::Continuation,
    outcome::{Outcome, Refusal},
    permit::{Operation, Permit},
    record::Record,
    scrub::scrub,
};
use crate::{
    approvals::CallKey, builtin, catalogue::PublishedTool, clock, engine::Engine,
    upstream::UpstreamError,
};

impl Engine {
    /// Runs a tool and records it. The policy has allowed it, or the owner has.
    pub(crate) async fn run(
        self: &Arc<Self>,
        tool: &PublishedTool,
        arguments: Value,
        record: Record,
        caller: Caller,
        key: CallKey,
    ) -> Outcome {
        // Only an approved call of a client that can be asked back goes on later.
        let approved = record.approval.filter(|_| caller.modern).map(|id| (id, arguments.clone()));
        let operation = Operation::CallTool {
            name: tool.name().to_owned(),
            arguments: match arguments {
                Value::Object(arguments) => Some(arguments),
                _ => None,
            },
        };
        let deadline = self.call_timeout(&tool.integration);
        let permit = Permit::new(tool.integration.clone(), operation, deadline);
        let outcome = self.recorded(permit, record, caller).await;
        if let Some((approval, arguments)) = approved
            && let Outcome::Ran(result) = &outcome
            && let ServerResult::InputRequiredResult(asks) = &**result
        {
            let state = asks.request_state.as_deref();
            let continuation = Continuation { approval, arguments };
            self.continuations.hand_out(state, key, tool.digest, continuation, clock::now());
        }
        outcome
    }

    /// Writes the row before dispatch and before the reply; in between, the upstream works.
    ///
    /// Before 2026-07-28 a lost connection is not a cancellation, so a call that would end with its connection runs in
    /// a task of its own. Wherever the call is dropped all the same, its row says that it was cancelled.
    pub(super) async fn recorded(
        self: &Arc<Self>,
        permit: Permit,
        record: Record,
        caller: Caller,
    ) -> Outcome {
        if let Err(error) = self.journal.begin(&record.begin()) {
            tracing::error!(error = %ErrorChain(&error), "a call could not be recorded");
            return Outcome::Refused(Refusal::NotRecorded);
        }
        let ending = Ending::new(self.clone(), record);
        if caller.peer.is_some() || caller.modern {
            return ending.follow(permit, caller).await;
        }
        let integration = ending.record.integration.clone();
        match self.tasks.spawn(ending.follow(permit, caller)).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Failed { integration, error: UpstreamError::Cancelled },
        }
    }

    async fn dispatch(
        self: &Arc<Self>,
        permit: Permit,
        caller: Caller,
        agent: agentport_core::AgentId,
    ) -> Result<ServerResult, UpstreamError> {
        if permit.manages() {
            return self.carry_out(permit, agent).await;
        }
        let entry = self.catalogue.get(permit.integration());
        match entry.as_deref().map(|entry| &entry.row.connection) {
            Some(Connection::Builtin { .. }) => builtin::call(&self.store, permit).await,
            Some(_) => self.upstreams.call(permit, caller).await,
            None => Err(UpstreamError::Unknown(permit.integration().clone())),
        }
    }
}

/// A call that runs, and the promise that its row gets an end.
struct Ending {
    engine: Arc<Engine>,
    record: Record,
    started: Instant,
    written: bool,
    _running: TaskTrackerToken,
}

impl Ending {
    fn new(engine: Arc<Engine>, record: Record) -> Self {
        let running = engine.running.token();
        Self { engine, record, started: Instant::now(), written: false, _running: running }
    }

    async fn follow(mut self, permit: Permit, caller: Caller) -> Outcome {
        let engine = self.engine.clone();
        let secrets = engine.secrets.load().get(permit.integration()).cloned();
        let outcome = match engine.dispatch(permit, caller, self.record.agent).await {
            Ok(mut result) => {
                if let Some(secrets) = secrets
                    && scrub(&mut result, &secrets)
                {
                    let integration = &self.record.integration;
                    tracing::warn!(integration, "took a secret of ours out of a result");
                }
                Outcome::Ran(Box::new(result))
            }
            Err(error) => Outcome::Failed { integration: self.record.integration.clone(), error },
        };
        self.write(&outcome);
        outcome
    }

    fn write(&mut self, outcome: &Outcome) {
        self.written = true;
        if let Err(error) = self.engine.journal.end(&self.record.end(outcome, Some(self.started))) {
            // The row stays as begun, which reads as interrupted. The result is the agent's all the same: the call
            // has happened, and hiding that would make it happen twice.
            tracing::error!(error = %ErrorChain(&error), "the end of a call could not be recorded");
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.written {
            let integration = self.record.integration.clone();
            self.write(&Outcome::Failed { integration, error: UpstreamError::Cancelled });
        }
    }
}
