//! The proof that a call has passed the pipeline.
//!
//! [`UpstreamRegistry`](crate::upstream::UpstreamRegistry) runs only what a [`Permit`] says, and only this module's parent
//! can make one, so code that bypasses the policy does not compile. Running a call consumes its permit.

use std::time::Duration;

use agentport_core::{AccountId, IntegrationId, tool::DefinitionDigest};
use rmcp::model::JsonObject;

/// The operation a permit allows.
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

/// Permission for one operation on one integration. Not `Clone`: one permit, one call.
#[derive(Debug)]
pub(crate) struct Permit {
    integration: IntegrationId,
    /// Whose credentials the call uses; `None`: the integration's own.
    account: Option<AccountId>,
    operation: Operation,
    /// Of a tool call: the definition that policy, or the owner, judged.
    definition: Option<DefinitionDigest>,
    deadline: Duration,
}

impl Permit {
    /// For an operation other than a tool call. Only the pipeline makes permits, after policy, approval and second check.
    pub(super) fn for_operation(
        integration: IntegrationId,
        account: Option<AccountId>,
        operation: Operation,
        deadline: Duration,
    ) -> Self {
        Self { integration, account, operation, definition: None, deadline }
    }

    /// For a call of the tool `name`, provided its definition still is `definition`.
    pub(super) fn for_tool(
        integration: IntegrationId,
        account: Option<AccountId>,
        name: String,
        definition: DefinitionDigest,
        arguments: Option<JsonObject>,
        deadline: Duration,
    ) -> Self {
        let operation = Operation::CallTool { name, arguments };
        Self { integration, account, operation, definition: Some(definition), deadline }
    }

    /// The definition that a tool must still have when it is called.
    pub(crate) fn definition(&self) -> Option<DefinitionDigest> {
        self.definition
    }

    pub(crate) fn integration(&self) -> &IntegrationId {
        &self.integration
    }

    pub(crate) fn account(&self) -> Option<AccountId> {
        self.account
    }

    /// Time limit of the upstream.
    pub(crate) fn deadline(&self) -> Duration {
        self.deadline
    }

    pub(crate) fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Consumes the permit.
    pub(crate) fn into_operation(self) -> Operation {
        self.operation
    }
}
