//! Runs an admitted call: journal, permit, upstream, scrubbing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use agentport_core::{AccountId, AgentId, IntegrationId, activity::CallStart};
use rmcp::model::ServerResult;
use serde_json::Value;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{
    CallPipeline,
    continuations::Continuation,
    outcome::{Outcome, Refusal},
    permit::{Operation, Permit},
    scrub::scrub,
};
use crate::caller::Caller;
use crate::{
    approvals::CallKey,
    builtin,
    catalogue::{Catalogue, PublishedTool, managed_tools::PREFIX},
    clock,
    installs::Installer,
    settings::SettingsStore,
    store::Store,
    upstream::{UpstreamError, UpstreamRegistry},
    vault::SentSecrets,
};

/// Gives each permit to its upstream, the installer or a built-in integration.
pub(crate) struct CallDispatcher {
    pub(crate) store: Store,
    pub(crate) settings: Arc<SettingsStore>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) upstreams: UpstreamRegistry,
    pub(crate) installer: Arc<Installer>,
    pub(crate) secrets: Arc<SentSecrets>,
}

impl CallDispatcher {
    /// How long a call to this integration may take.
    pub(super) fn call_timeout(&self, id: &IntegrationId) -> Duration {
        let entry = self.catalogue.get(id);
        self.settings.call_timeout(entry.as_deref().map(|entry| &entry.row.connection))
    }

    async fn dispatch(
        &self,
        permit: Permit,
        caller: Caller,
        agent: AgentId,
    ) -> Result<ServerResult, UpstreamError> {
        // Tools of an upstream with this prefix are never called: the pipeline resolves such names to AgentPort's tools.
        if let Operation::CallTool { name, .. } = permit.operation()
            && name.starts_with(PREFIX)
        {
            return self.install(permit, agent).await;
        }
        let entry = self.catalogue.get(permit.integration());
        match entry.as_deref().map(|entry| entry.row.connection.is_builtin()) {
            Some(true) => builtin::call(&self.store, permit).await,
            Some(false) => self.upstreams.call(permit, caller).await,
            None => Err(UpstreamError::Unknown(permit.integration().clone())),
        }
    }
}

impl CallPipeline {
    /// Runs a tool with this account and records it. The policy has allowed it, or the owner has.
    pub(crate) async fn run(
        self: &Arc<Self>,
        tool: &PublishedTool,
        arguments: Value,
        record: CallStart,
        caller: Caller,
        key: CallKey,
        account: Option<AccountId>,
    ) -> Outcome {
        // Only an approved call of a client that takes `InputRequiredResult` continues later.
        let approved = record.approval.filter(|_| caller.modern).map(|id| (id, arguments.clone()));
        let arguments = match arguments {
            Value::Object(arguments) => Some(arguments),
            _ => None,
        };
        let deadline = self.dispatcher.call_timeout(&tool.integration);
        let permit = Permit::for_tool(
            tool.integration.clone(),
            account,
            tool.name().to_owned(),
            tool.digest,
            arguments,
            deadline,
        );
        let outcome = self.recorded(permit, record, caller).await;
        if let Some((approval, arguments)) = approved
            && let Outcome::Ran(result) = &outcome
            && let ServerResult::InputRequiredResult(asks) = &**result
        {
            let state = asks.request_state.as_deref();
            let continuation = Continuation { approval, arguments };
            self.continuations.insert(state, key, tool.digest, continuation, clock::now());
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
        record: CallStart,
        caller: Caller,
    ) -> Outcome {
        if let Err(refusal) = self.recorder.start(&record) {
            return Outcome::Refused(refusal);
        }
        let guard = CallGuard::new(self.clone(), record);
        if caller.peer.is_some() || caller.modern {
            return guard.run(permit, caller).await;
        }
        let integration = guard.record.integration.clone();
        match self.tasks.spawn(guard.run(permit, caller)).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Failed { integration, error: UpstreamError::Cancelled },
        }
    }
}

/// A call that runs. Its row gets an end, also when the call is dropped.
struct CallGuard {
    pipeline: Arc<CallPipeline>,
    record: CallStart,
    started: Instant,
    written: bool,
    _running: TaskTrackerToken,
}

impl CallGuard {
    fn new(pipeline: Arc<CallPipeline>, record: CallStart) -> Self {
        let running = pipeline.running.token();
        Self { pipeline, record, started: Instant::now(), written: false, _running: running }
    }

    async fn run(mut self, permit: Permit, caller: Caller) -> Outcome {
        let pipeline = self.pipeline.clone();
        let secrets = pipeline.dispatcher.secrets.get(permit.integration());
        let outcome = match pipeline.dispatcher.dispatch(permit, caller, self.record.agent).await {
            Ok(mut result) => {
                if let Some(secrets) = secrets
                    && scrub(&mut result, &secrets)
                {
                    let integration = &self.record.integration;
                    tracing::warn!(integration, "took a secret of ours out of a result");
                }
                Outcome::Ran(Box::new(result))
            }
            Err(error) => self.failure(error),
        };
        self.write(&outcome);
        outcome
    }

    /// A call whose definition is not the one it was judged by was not sent: it is refused, and has not failed.
    fn failure(&self, error: UpstreamError) -> Outcome {
        let (integration, tool) = (self.record.integration.clone(), self.record.tool.clone());
        match error {
            UpstreamError::DefinitionChanged => {
                Outcome::Refused(Refusal::Changed { integration, tool })
            }
            UpstreamError::ToolGone => Outcome::Refused(Refusal::UnknownTool { integration, tool }),
            error => Outcome::Failed { integration, error },
        }
    }

    fn write(&mut self, outcome: &Outcome) {
        self.written = true;
        self.pipeline.recorder.end(&self.record, outcome, self.started);
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        if !self.written {
            let integration = self.record.integration.clone();
            self.write(&Outcome::Failed { integration, error: UpstreamError::Cancelled });
        }
    }
}
