//! Requests and decisions.

use agentport_core::{
    AgentId, ApprovalId, IntegrationId, Timestamp,
    approval::{Audience, State},
    arguments::ArgumentsHash,
    tool::{Annotations, DefinitionDigest, ToolEffect},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use crate::AvailableIntegration;

/// `GET /control/approvals?state=pending|missed|decided|all&limit=` and `GET /control/approvals/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ApprovalView {
    pub id: ApprovalId,
    pub agent: AgentId,
    pub agent_name: String,
    pub integration: IntegrationId,
    pub integration_name: String,
    pub tool: String,
    /// The tool's name as it is to be shown: hidden and look-alike characters escaped, and marked if there are any. The
    /// names of agent and integration and the title are in that form already.
    pub tool_display: String,
    pub tool_title: Option<String>,
    pub tool_description: Option<String>,
    pub annotations: Annotations,
    /// One sentence, computed by us from the arguments.
    pub summary: String,
    /// Characters of the arguments that the summary does not show. Blanks and secrets do not count.
    pub hidden_characters: u32,
    pub arguments: Value,
    /// The tool's input schema, for a form to edit the arguments.
    pub input_schema: Option<Value>,
    /// The agent's own words, cleaned. Always to be labelled as such.
    pub additional_info: Option<String>,
    pub digest: DefinitionDigest,
    pub arguments_hash: ArgumentsHash,
    pub edited: bool,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub state: State,
    /// Why the policy asked, in a sentence.
    pub why: String,
    /// What the tool does: as the owner classified it, or else as its annotations say.
    pub effect: ToolEffect,
    /// `effect` is the owner's word.
    pub classified: bool,
    /// The tool may destroy, or does not say: the wider grants want a second thought.
    pub destructive: bool,
    /// The tool's schema cannot be checked, so nobody but the upstream has looked at the arguments.
    pub unchecked: bool,
    /// It changes what is installed: no grant but [`GrantChoice::Once`] is taken.
    pub once_only: bool,
    /// How many other requests of this agent wait for the same tool: what [`Approve::also_waiting`] is about.
    pub also_waiting: u32,
    /// Asks to install this by secrets that did not come with it, while the owner can still say yes. Installing it
    /// ([`super::InstallAvailable`]) is the best answer: what was entered is tried at once, and the request is approved
    /// with it. An approval alone installs nothing until that is done.
    pub install: Option<AvailableIntegration>,
}

/// What the owner grants. `for` takes minutes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum GrantChoice {
    Once,
    Exact,
    For { minutes: u32 },
    Session,
    Always,
}

/// `POST /control/approvals/{id}/approve` answers [`ApprovalView`]. 409 if decided already.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Approve {
    pub grant: GrantChoice,
    #[serde(default)]
    pub audience: Audience,
    /// Replaces the arguments; recorded as edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub arguments: Option<Value>,
    /// Other requests of the tool that wait already run too, as far as the grant covers them. Without it a grant lets
    /// through this request and calls made later.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub also_waiting: bool,
}

/// `POST /control/approvals/{id}/deny` answers [`ApprovalView`]. 409 if decided already.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Deny {
    #[serde(default)]
    #[ts(optional)]
    pub reason: Option<String>,
}
