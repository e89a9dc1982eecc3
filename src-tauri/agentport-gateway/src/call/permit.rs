//! The proof that a call has passed the pipeline.
//!
//! UpstreamRegistry take a [`Permit`] and nothing else that says what to run. Only this module's parent can make one, so a
//! way round the policy does not compile. A permit is used up by the call it allows.

use std::time::Duration;

use agentport_core::{IntegrationId, tool::DefinitionDigest};
use rmcp::model::JsonObject;

/// What runs.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    /// `tools/call`. The arguments are those the owner's decision was about, to the byte.
    CallTool { name: String, arguments: Option<JsonObject> },
    /// `resources/read`.
    ReadResource { uri: String },
    /// `resources/subscribe` (revisions before 2026-07-28).
    Subscribe { uri: String },
    /// `resources/unsubscribe`.
    Unsubscribe { uri: String },
    /// `prompts/get`.
    GetPrompt { name: String, arguments: Option<JsonObject> },
    /// `completion/complete`.
    Complete { params: Box<rmcp::model::CompleteRequestParams> },
}

/// Leave for one operation on one integration. Not `Clone`: one permit, one call.
#[derive(Debug)]
pub(crate) struct Permit {
    integration: IntegrationId,
    operation: Operation,
    /// Of a tool call: the definition that policy, or the owner, judged.
    definition: Option<DefinitionDigest>,
    deadline: Duration,
}

impl Permit {
    /// For what is no tool call. Only the pipeline makes permits, after policy, approval and the second check.
    pub(super) fn for_operation(
        integration: IntegrationId,
        operation: Operation,
        deadline: Duration,
    ) -> Self {
        Self { integration, operation, definition: None, deadline }
    }

    /// For a call of the tool `name` as `definition` defines it, and in no other form.
    pub(super) fn for_tool(
        integration: IntegrationId,
        name: String,
        definition: DefinitionDigest,
        arguments: Option<JsonObject>,
        deadline: Duration,
    ) -> Self {
        let operation = Operation::CallTool { name, arguments };
        Self { integration, operation, definition: Some(definition), deadline }
    }

    /// The definition that a tool must still have when it is called.
    pub(crate) fn definition(&self) -> Option<DefinitionDigest> {
        self.definition
    }

    pub(crate) fn integration(&self) -> &IntegrationId {
        &self.integration
    }

    /// How long the upstream may take.
    pub(crate) fn deadline(&self) -> Duration {
        self.deadline
    }

    pub(crate) fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Uses the permit up.
    pub(crate) fn into_operation(self) -> Operation {
        self.operation
    }
}
