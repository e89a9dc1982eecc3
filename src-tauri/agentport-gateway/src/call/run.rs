//! Running a call that may run.

use std::{sync::Arc, time::Instant};

use rmcp::model::ServerResult;
use serde_json::Value;

use super::{
    caller::Caller,
    outcome::{Outcome, Refusal},
    permit::{Operation, Permit},
    record::Record,
    scrub::scrub,
};
use crate::{
    approvals::CallKey,
    builtin,
    catalogue::PublishedTool,
    clock,
    control::types::Connection,
    engine::{Chain, Engine},
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
        let operation = Operation::CallTool {
            name: tool.name().to_owned(),
            arguments: match arguments {
                Value::Object(arguments) => Some(arguments),
                _ => None,
            },
        };
        let permit = Permit::new(tool.integration.clone(), operation, self.call_timeout());
        let outcome = self.recorded(permit, record, caller).await;
        if let Outcome::Ran(result) = &outcome
            && let ServerResult::InputRequiredResult(asks) = &**result
        {
            self.continuations.hand_out(asks.request_state.as_deref(), key, clock::now());
        }
        outcome
    }

    /// Writes the row before dispatch and before the reply; in between, the upstream works.
    pub(super) async fn recorded(
        self: &Arc<Self>,
        permit: Permit,
        record: Record,
        caller: Caller,
    ) -> Outcome {
        if let Err(error) = self.journal.begin(&record.begin()) {
            tracing::error!(error = %Chain(&error), "a call could not be recorded");
            return Outcome::Refused(Refusal::NotRecorded);
        }
        let secrets = self.secrets.load().get(permit.integration()).cloned();
        let started = Instant::now();
        let outcome = match self.dispatch(permit, caller, record.agent).await {
            Ok(mut result) => {
                if let Some(secrets) = secrets
                    && scrub(&mut result, &secrets)
                {
                    tracing::warn!(
                        integration = record.integration,
                        "took a secret of ours out of a result"
                    );
                }
                Outcome::Ran(Box::new(result))
            }
            Err(error) => Outcome::Failed { integration: record.integration.clone(), error },
        };
        if let Err(error) = self.journal.end(&record.end(&outcome, Some(started))) {
            // The row stays as begun, which reads as interrupted. The result is the agent's all the same: the call
            // has happened, and hiding that would make it happen twice.
            tracing::error!(error = %Chain(&error), "the end of a call could not be recorded");
        }
        outcome
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
