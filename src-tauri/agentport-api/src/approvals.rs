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
    /// The request's id.
    pub id: ApprovalId,
    /// The agent that asks.
    pub agent: AgentId,
    /// Its name.
    pub agent_name: String,
    /// The integration the call is for.
    pub integration: IntegrationId,
    /// The name the owner gave it.
    pub integration_name: String,
    /// The label of the account it is about, where the integration has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub account: Option<String>,
    /// The tool as its upstream names it.
    pub tool: String,
    /// The tool's name as it is to be shown: hidden and look-alike characters escaped, and marked if there are any. The
    /// names of agent and integration and the title are in that form already.
    pub tool_display: String,
    /// The upstream's title of the tool.
    pub tool_title: Option<String>,
    /// The upstream's description of the tool.
    pub tool_description: Option<String>,
    /// The upstream's hints about the tool.
    pub annotations: Annotations,
    /// One sentence, computed by us from the arguments.
    pub summary: String,
    /// Characters of the arguments that the summary does not show. Blanks and secrets do not count.
    pub hidden_characters: u32,
    /// The arguments, whole: what is approved is what is seen.
    pub arguments: Value,
    /// The tool's input schema, for a form to edit the arguments.
    pub input_schema: Option<Value>,
    /// The agent's own words, cleaned. Always to be labelled as such.
    pub additional_info: Option<String>,
    /// Digest of the definition the request is about.
    pub digest: DefinitionDigest,
    /// SHA-256 of the arguments.
    pub arguments_hash: ArgumentsHash,
    /// The owner put other arguments in place of the agent's.
    pub edited: bool,
    /// When the agent asked.
    pub created_at: Timestamp,
    /// When the request expires: undecided, or approved and not picked up.
    pub expires_at: Timestamp,
    /// Where it is in its life.
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
    /// This call, once.
    Once,
    /// This tool with exactly these arguments, from now on.
    Exact,
    /// This tool, for so many minutes: 1 to 10,080.
    For {
        /// How many.
        minutes: u32,
    },
    /// This tool, while the agent's session lasts.
    Session,
    /// This tool, from now on.
    Always,
}

/// `POST /control/approvals/{id}/approve` answers [`ApprovalView`]. 409 if decided already.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Approve {
    /// How much is allowed beyond this call.
    pub grant: GrantChoice,
    /// For whom the grant is.
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
    /// Passed on to the agent, at most 500 characters of it.
    #[serde(default)]
    #[ts(optional)]
    pub reason: Option<String>,
}
