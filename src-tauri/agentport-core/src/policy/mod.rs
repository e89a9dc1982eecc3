//! The owner's rules, and the one function that applies them.
//!
//! `decide` is pure: rules and call in, decision out. What it promises, in order:
//!
//! 1. A matching `deny` always wins.
//! 2. Otherwise the most specific matching rule speaks ([`Specificity`]).
//! 3. A tie goes to the stricter.
//! 4. Nothing matching means `require_approval`.
//! 5. An `allow` that names a tool is for the definition the owner had in view; for another definition it asks,
//!    unless a matching `allow` for the present definition stands beside it.
//!
//! Deliberately absent: the end of a session. Rules that live for one are removed by the part that watches the agents; while
//! they are here they count like any other.

mod describe;
mod rule;

use std::{cmp::Reverse, collections::HashMap};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    AgentId, IntegrationId, RuleId, Timestamp,
    arguments::ArgumentsHash,
    tool::{DefinitionDigest, ToolEffect},
};

pub use describe::describe_rule;
pub use rule::{Condition, Origin, Rule, Scope};

/// What may happen with a call. Ordered from lenient to strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Mode {
    /// It runs.
    Allow,
    /// It waits for the owner.
    RequireApproval,
    /// It is blocked.
    Deny,
}

impl Mode {
    /// The word used on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::RequireApproval => "require_approval",
            Self::Deny => "deny",
        }
    }

    /// The mode of this word, as [`Mode::as_str`] gives it.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Allow, Self::RequireApproval, Self::Deny]
            .into_iter()
            .find(|mode| mode.as_str() == text)
    }
}

/// How near a rule is to the call. Later is nearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Specificity {
    /// Every tool, or every tool that is not destructive.
    Everything,
    /// The integration.
    Integration,
    /// A category of the integration's tools, or those that only read.
    Category,
    /// This tool.
    Tool,
    /// Bound to the agent: this tool, or a stretch of trust the owner gave it.
    AgentAndTool,
    /// Granted to the agent for this tool while deciding about it, and bound to end: the owner knew the lasting rules then.
    Granted,
    /// These arguments.
    Conditions,
}

/// A call as policy sees it.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Who calls.
    pub agent: AgentId,
    /// Where the tool is.
    pub integration: &'a IntegrationId,
    /// The tool's name as its upstream gives it, without prefix.
    pub tool: &'a str,
    /// The category the catalogue puts the tool in.
    pub category: Option<&'a str>,
    /// What the tool does, as it says of itself or as the owner classified it.
    pub effect: ToolEffect,
    /// The definition the call would run under.
    pub digest: DefinitionDigest,
    /// `None`: what would a call without matching arguments get?
    pub arguments: Option<&'a ArgumentsHash>,
    /// The time of the call, by which rules have expired or not.
    pub now: Timestamp,
}

/// Why a decision is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum Reason {
    /// This rule says so.
    Rule {
        /// The rule.
        id: RuleId,
    },
    /// This rule allowed another definition of the tool, or says not which.
    DefinitionChanged {
        /// The rule that was given for another definition.
        id: RuleId,
    },
    /// The integration's default.
    IntegrationDefault,
    /// The integration's switch "read-only tools may run".
    ReadOnlyMayRun,
    /// No rule matches.
    NoRule,
}

impl Reason {
    /// The rule behind the decision, if there is one.
    pub fn rule(self) -> Option<RuleId> {
        match self {
            Self::Rule { id } | Self::DefinitionChanged { id } => Some(id),
            Self::IntegrationDefault | Self::ReadOnlyMayRun | Self::NoRule => None,
        }
    }
}

/// What becomes of a call, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// What becomes of it.
    pub mode: Mode,
    /// Which word counted.
    pub reason: Reason,
}

/// What the owner set for an integration as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct IntegrationPolicy {
    /// What tools without a rule of their own get. `None`: ask.
    pub default_mode: Option<Mode>,
    /// Tools that say they only read may run.
    #[serde(default)]
    pub read_only_may_run: bool,
}

/// Every rule there is, arranged so that a call meets only those that can concern it.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    by_tool: HashMap<IntegrationId, HashMap<String, Vec<Rule>>>,
    by_integration: HashMap<IntegrationId, Vec<Rule>>,
    general: Vec<Rule>,
    integrations: HashMap<IntegrationId, IntegrationPolicy>,
}

impl Rules {
    /// Arranges `rules`, in whatever order, and what is set for each integration as a whole (none: no default, the
    /// switch off). Expired rules may be among them.
    pub fn new(
        rules: impl IntoIterator<Item = Rule>,
        integrations: HashMap<IntegrationId, IntegrationPolicy>,
    ) -> Self {
        let mut all = Self { integrations, ..Self::default() };
        for rule in rules {
            let place = match &rule.scope {
                Scope::Tool { integration, tool } => all
                    .by_tool
                    .entry(integration.clone())
                    .or_default()
                    .entry(tool.clone())
                    .or_default(),
                Scope::Category { integration, .. }
                | Scope::ReadOnly { integration }
                | Scope::Integration { integration } => {
                    all.by_integration.entry(integration.clone()).or_default()
                }
                Scope::NonDestructive | Scope::Everything => &mut all.general,
            };
            place.push(rule);
        }
        all
    }

    /// The rule with this id.
    pub fn rule(&self, id: RuleId) -> Option<&Rule> {
        let of_tools = self.by_tool.values().flat_map(HashMap::values).flatten();
        let of_integrations = self.by_integration.values().flatten();
        of_tools.chain(of_integrations).chain(&self.general).find(|rule| rule.id == id)
    }

    fn concerning<'a>(&'a self, call: &'a Call<'_>) -> impl Iterator<Item = &'a Rule> {
        let of_tool = self.by_tool.get(call.integration).and_then(|tools| tools.get(call.tool));
        let of_integration = self.by_integration.get(call.integration);
        of_tool
            .into_iter()
            .flatten()
            .chain(of_integration.into_iter().flatten())
            .chain(&self.general)
            .filter(|rule| rule.matches(call))
    }
}

impl Rule {
    fn matches(&self, call: &Call<'_>) -> bool {
        let in_scope = match &self.scope {
            Scope::Tool { integration, tool } => {
                integration == call.integration && tool == call.tool
            }
            Scope::Category { integration, category } => {
                integration == call.integration && call.category == Some(category)
            }
            Scope::ReadOnly { integration } => {
                integration == call.integration && call.effect == ToolEffect::Reads
            }
            Scope::Integration { integration } => integration == call.integration,
            Scope::NonDestructive => !call.effect.may_destroy(),
            Scope::Everything => true,
        };
        in_scope
            && self.agent.is_none_or(|agent| agent == call.agent)
            && self.expires_at.is_none_or(|end| call.now < end)
            && self.conditions.iter().all(|condition| condition.holds(call))
    }

    fn specificity(&self) -> Specificity {
        if !self.conditions.is_empty() {
            return Specificity::Conditions;
        }
        let ends = self.expires_at.is_some() || self.session;
        match (&self.scope, self.agent) {
            (Scope::Tool { .. }, Some(_))
                if ends && matches!(self.origin, Origin::Approval { .. }) =>
            {
                Specificity::Granted
            }
            (Scope::Tool { .. } | Scope::NonDestructive, Some(_)) => Specificity::AgentAndTool,
            (Scope::Tool { .. }, None) => Specificity::Tool,
            (Scope::Category { .. } | Scope::ReadOnly { .. }, _) => Specificity::Category,
            (Scope::Integration { .. }, _) => Specificity::Integration,
            (Scope::NonDestructive | Scope::Everything, _) => Specificity::Everything,
        }
    }

    /// What the rule says to this call: an allow given for another definition asks.
    fn verdict(&self, call: &Call<'_>) -> Decision {
        if self.mode == Mode::Allow && !self.covers_definition(call) {
            return Decision {
                mode: Mode::RequireApproval,
                reason: Reason::DefinitionChanged { id: self.id },
            };
        }
        Decision { mode: self.mode, reason: Reason::Rule { id: self.id } }
    }

    /// Was the rule made with this definition in view, or does it not matter to the rule?
    ///
    /// An `allow` that names a tool and no definition is one whose digest got lost: it covers none. Only rules that
    /// came with a built-in integration may do without, since we write those definitions ourselves.
    fn covers_definition(&self, call: &Call<'_>) -> bool {
        match self.digest {
            Some(seen) => seen == call.digest,
            None => !matches!(self.scope, Scope::Tool { .. }) || self.origin == Origin::Builtin,
        }
    }
}

/// Applies the rules to a call. See the module's promises.
///
/// An integration's default and its read-only switch take part like rules for the whole integration and for a
/// category. They are defaults: a default of `deny` yields to a nearer `allow`, a rule that says `deny` never does.
///
/// The same rules in another order give the same decision, reason included.
pub fn decide(rules: &Rules, call: &Call<'_>) -> Decision {
    let decision = strongest(rules, call, |_| true);
    // The question an outdated allow asks is "do you still want this?". An allow the owner gave since, with the
    // present definition in view, has answered it.
    let allowed_since = |rule: &Rule| rule.mode == Mode::Allow && rule.digest == Some(call.digest);
    match decision.reason {
        Reason::DefinitionChanged { .. } if rules.concerning(call).any(allowed_since) => {
            strongest(rules, call, |rule| rule.mode != Mode::Allow || rule.covers_definition(call))
        }
        _ => decision,
    }
}

/// The word that counts most, of the defaults and of the matching rules that are `heard`.
fn strongest(rules: &Rules, call: &Call<'_>, heard: impl Fn(&Rule) -> bool) -> Decision {
    let whole = rules.integrations.get(call.integration).copied().unwrap_or_default();
    let default = whole.default_mode.map(|mode| {
        (Specificity::Integration, Decision { mode, reason: Reason::IntegrationDefault })
    });
    let read_only = (whole.read_only_may_run && call.effect == ToolEffect::Reads).then_some((
        Specificity::Category,
        Decision { mode: Mode::Allow, reason: Reason::ReadOnlyMayRun },
    ));
    rules
        .concerning(call)
        .filter(|rule| heard(rule))
        .map(|rule| (rule.specificity(), rule.verdict(call)))
        .chain(default)
        .chain(read_only)
        .max_by_key(|(specificity, decision)| {
            // The promises in their order. Among equals a rule speaks for a default, and an older rule for a newer.
            let rule = decision.reason.rule();
            let overrules = decision.mode == Mode::Deny && rule.is_some();
            (overrules, *specificity, decision.mode, rule.map(Reverse))
        })
        .map_or(
            Decision { mode: Mode::RequireApproval, reason: Reason::NoRule },
            |(_, decision)| decision,
        )
}

#[cfg(test)]
mod tests;
