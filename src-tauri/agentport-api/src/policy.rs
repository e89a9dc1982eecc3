//! Rules.

use agentport_core::{
    AgentId, ApprovalId, IntegrationId, Timestamp,
    policy::{Mode, Rule},
    tool::DefinitionDigest,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `GET /control/policy` → Items<RuleView>.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RuleView {
    /// The rule.
    pub rule: Rule,
    /// The rule as a sentence.
    pub sentence: String,
    /// The name of the agent it is for.
    pub agent_name: Option<String>,
    /// The tool's definition is no longer the one this allow was given for.
    pub stale: bool,
}

/// `PUT /control/policy` sets the rule for a tool (answers [`RuleView`]); `DELETE /control/policy/{rule id}` (204). With
/// `?undo=true`, what was stricter and had to make room when the owner granted the rule comes back.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SetPolicy {
    /// The integration.
    pub integration: IntegrationId,
    /// The tool as its upstream names it.
    pub tool: String,
    /// What its calls get.
    pub mode: Mode,
    /// The agent the rule is for; absent: every agent.
    #[serde(default)]
    #[ts(optional)]
    pub agent: Option<AgentId>,
    /// The definition the owner had in view. 409 if it is another by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub digest: Option<DefinitionDigest>,
}

/// `PUT /control/policy/category`: one mode for the tools of a category that have no rule of their own. Answers
/// Items<RuleView>: the rule, or nothing where `mode` is `null`, which takes it away.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SetCategoryPolicy {
    /// The integration.
    pub integration: IntegrationId,
    /// The category's name.
    pub category: String,
    /// What calls get; `null` takes the rule away.
    pub mode: Option<Mode>,
}

/// `PATCH /control/policy/{rule id}` answers [`RuleView`]. Absent fields stay as they are. 409 for an allow whose tool has
/// changed, unless `digest` is the present one.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct ChangeRule {
    /// What calls get.
    pub mode: Option<Mode>,
    /// When it ends, or `"never"`.
    pub expires_at: Option<String>,
    /// The agent it is for, or `"every"`.
    pub agent: Option<String>,
    /// The definition the owner had in view.
    pub digest: Option<DefinitionDigest>,
}

// `POST /control/policy/{rule id}/restore` (RuleView) brings back a rule removed since the gateway started; 404 for others.

/// `GET /control/denials` → Items<RepeatedDenial>: tools that are denied to an agent without asking, since the owner denied
/// them to it several times within minutes. `DELETE /control/denials/{id}` (204): ask again; 404 where it has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RepeatedDenial {
    /// The request denied last.
    pub id: ApprovalId,
    /// The agent that is not asked for.
    pub agent: AgentId,
    /// Its name.
    pub agent_name: String,
    /// The integration.
    pub integration: IntegrationId,
    /// The tool as its upstream names it.
    pub tool: String,
    /// When it ends by itself.
    pub until: Timestamp,
}
