//! The data of a rule: where it applies, on which conditions, and who made it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Call, Mode};
use crate::{
    AgentId, ApprovalId, IntegrationId, RuleId, Timestamp, arguments::ArgumentsHash,
    tool::DefinitionDigest,
};

/// What a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum Scope {
    /// One tool.
    Tool {
        /// The integration.
        integration: IntegrationId,
        /// The tool as its upstream names it.
        tool: String,
    },
    /// The tools of a category of an integration.
    Category {
        /// The integration.
        integration: IntegrationId,
        /// The category's name.
        category: String,
    },
    /// Tools of an integration that only read: they say so, or the owner classified them so.
    ReadOnly {
        /// The integration.
        integration: IntegrationId,
    },
    /// Everything an integration offers.
    Integration {
        /// The integration.
        integration: IntegrationId,
    },
    /// Every tool of every integration that does not count as destructive.
    NonDestructive,
    /// Everything.
    Everything,
}

/// A test on the arguments of a call. A rule with conditions matches when all of them hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum Condition {
    /// The arguments are exactly these, in canonical form.
    ArgumentsAre {
        /// Their hash.
        hash: ArgumentsHash,
    },
}

impl Condition {
    /// With unknown arguments (what would a call get?) no condition holds.
    pub(super) fn holds(&self, call: &Call<'_>) -> bool {
        match self {
            Self::ArgumentsAre { hash } => call.arguments == Some(hash),
        }
    }
}

/// Where a rule came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum Origin {
    /// Set by the owner.
    Owner,
    /// Granted by the owner while deciding this request.
    Approval {
        /// The request the owner approved.
        id: ApprovalId,
    },
    /// Came with a built-in integration.
    Builtin,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Rule {
    /// Its own. Ids in order of time make [`decide`] name the oldest of equal rules.
    pub id: RuleId,
    /// Which calls it is about.
    pub scope: Scope,
    /// What becomes of them.
    pub mode: Mode,
    /// `None`: every agent.
    pub agent: Option<AgentId>,
    /// All of them must hold. None: any arguments.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// The definition the owner had in view. Set on every `allow` that names a tool: without it such a rule asks,
    /// unless it is [`Origin::Builtin`].
    pub digest: Option<DefinitionDigest>,
    /// From this moment on it matches nothing. `None`: it has no end.
    pub expires_at: Option<Timestamp>,
    /// Lives until the agent has been silent for 30 minutes or the gateway stops.
    #[serde(default)]
    pub session: bool,
    /// Where it came from.
    pub origin: Origin,
    /// When it was made.
    pub created_at: Timestamp,
}
