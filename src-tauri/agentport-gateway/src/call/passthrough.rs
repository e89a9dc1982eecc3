//! Resources, prompts and completions of an upstream, for agents whose owner offers them.
//!
//! They are not tools and have no rules of their own. The owner switches them on per integration; from then on they
//! run unless a rule blocks the integration, and they are recorded like calls.

use std::sync::Arc;

use agentport_core::{
    CallId, Timestamp,
    activity::{CallStart, EntryPoint},
    arguments::ArgumentsHash,
    policy::{self, Mode},
    tool::{DefinitionDigest, ToolEffect},
};
use rmcp::model::ServerResult;
use serde_json::Value;
use uuid::Uuid;

use super::{
    CallPipeline,
    outcome::{Outcome, Refusal},
    permit::{Operation, Permit},
    record::json_bytes,
};
use crate::caller::Caller;
use crate::{agents::Agent, catalogue::CatalogueEntry, clock};

impl CallPipeline {
    /// Runs an operation other than a tool call on an integration the agent sees.
    pub(crate) async fn pass_through(
        self: &Arc<Self>,
        agent: &Agent,
        entry: &CatalogueEntry,
        operation: Operation,
        caller: Caller,
    ) -> Outcome {
        let integration = entry.row.id.to_string();
        let (name, arguments) = describe(&operation);
        let now = clock::now();
        // An operation has no definition; rules that name one do not apply to it.
        let digest = DefinitionDigest([0; 32]);
        let hash = ArgumentsHash::of(&arguments);
        let decision = self.policy.decide_call(&policy::Call {
            agent: agent.id,
            integration: &entry.row.id,
            tool: name,
            category: None,
            effect: ToolEffect::Reads,
            digest,
            arguments: Some(&hash),
            now,
        });
        let (id, names) = (CallId(Uuid::now_v7()), (integration, name.to_owned()));
        let redacted = agentport_core::redact::redacted(&arguments);
        let mut record = CallStart {
            arguments_hash: Some(hash),
            decision: Some(if decision.mode == Mode::Deny { Mode::Deny } else { Mode::Allow }),
            because: Some(decision.reason),
            bytes_in: json_bytes(&arguments),
            ..CallStart::new(id, now, agent.id, names, redacted, EntryPoint::Mcp)
        };
        if let Err(refusal) = self.admit_passthrough(agent, entry, now) {
            return self.recorder.record_refused(record, Outcome::Refused(refusal));
        }
        if decision.mode == Mode::Deny {
            return self.recorder.record_refused(record, Outcome::Blocked);
        }
        let deadline = self.dispatcher.call_timeout(&entry.row.id);
        let account = self.accounts.used_by(&entry.row.id, agent.id, &agent.profile.name);
        record.account = account.as_ref().map(|account| account.label());
        let account = account.map(|account| account.id());
        let permit = Permit::for_operation(entry.row.id.clone(), account, operation, deadline);
        self.recorded(permit, record, caller).await
    }

    fn admit_passthrough(
        &self,
        agent: &Agent,
        entry: &CatalogueEntry,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.admission.refuse_when_stopping()?;
        if !entry.row.resources {
            return Err(Refusal::NotOffered { integration: entry.row.id.to_string() });
        }
        self.admission.refuse_when_paused(entry.row.id.as_str())?;
        self.admission.count(agent.id, now)
    }
}

/// Tool name and arguments under which an operation is recorded.
fn describe(operation: &Operation) -> (&'static str, Value) {
    let uri = |uri: &str| serde_json::json!({ "uri": uri });
    match operation {
        Operation::CallTool { name, .. } => ("tools/call", Value::from(name.as_str())),
        Operation::ReadResource { uri: at } => ("resources/read", uri(at)),
        Operation::Subscribe { uri: at } => ("resources/subscribe", uri(at)),
        Operation::Unsubscribe { uri: at } => ("resources/unsubscribe", uri(at)),
        Operation::GetPrompt { name, arguments } => {
            ("prompts/get", serde_json::json!({ "name": name, "arguments": arguments }))
        }
        Operation::Complete { params } => {
            ("completion/complete", serde_json::to_value(params).unwrap_or_default())
        }
    }
}

/// The expected type of result, or an error if the upstream returned another one.
pub(crate) fn unexpected(result: &ServerResult) -> String {
    format!("the server answered with something else than was asked for ({})", kind(result))
}

fn kind(result: &ServerResult) -> &'static str {
    match result {
        ServerResult::CustomResult(_) => "an unknown kind of result",
        ServerResult::EmptyResult(_) => "an empty result",
        _ => "another kind of result",
    }
}
