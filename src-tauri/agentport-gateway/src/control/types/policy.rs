//! Rules.

use agentport_core::{
    AgentId, IntegrationId,
    policy::{Mode, Rule},
    tool::DefinitionDigest,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `GET /control/policy` → Items<RuleView>.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RuleView {
    pub rule: Rule,
    /// The rule as a sentence.
    pub sentence: String,
    pub agent_name: Option<String>,
    /// The tool's definition is no longer the one this allow was given for.
    pub stale: bool,
}

/// `PUT /control/policy` sets the rule for a tool (answers [`RuleView`]); `DELETE /control/policy/{rule id}` (204).
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SetPolicy {
    pub integration: IntegrationId,
    pub tool: String,
    pub mode: Mode,
    #[serde(default)]
    #[ts(optional)]
    pub agent: Option<AgentId>,
    /// The definition the owner had in view. 409 if it is another by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub digest: Option<DefinitionDigest>,
}
