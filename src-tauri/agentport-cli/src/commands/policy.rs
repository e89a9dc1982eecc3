//! `agentport policy`: rules of tools, and tools that are denied without asking.

use agentport_api::{RepeatedDenial, RuleView, SetPolicy, paths};
use agentport_core::{IntegrationId, policy::Mode};
use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::agents;
use crate::{
    context::Context,
    exit::ExitStatus,
    format,
    lookup::{self, LookupKind},
    output,
};

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Set the rule for a tool
    Set {
        /// The integration's id
        id: IntegrationId,
        /// The tool's own name
        tool: String,
        /// allow, require_approval or deny
        #[arg(value_parser = mode)]
        mode: Mode,
        /// Only for this agent: id, beginning of an id, or name
        #[arg(long)]
        agent: Option<String>,
    },
    /// List the rules
    List,
    /// List tools that an agent is not asked about for a while, since you denied them several times
    Denials {
        /// Ask again about this one: id, or beginning of an id
        #[arg(long, value_name = "ID")]
        end: Option<String>,
    },
    /// Remove a rule
    Remove {
        /// Id, or beginning of an id
        rule: String,
    },
}

impl PolicyCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        let owner = context.owner().await?;
        match self {
            Self::Set { id, tool, mode, agent } => {
                let agent = match agent {
                    Some(wanted) => Some(agents::find(&owner, &wanted).await?.id),
                    None => None,
                };
                // A command line shows no definition that the rule could be bound to.
                let body = SetPolicy { integration: id, tool, mode, agent, digest: None };
                let answer = owner.put(paths::POLICY, &body).await?;
                context
                    .output
                    .answer(&answer, |view: RuleView| output::printable(&view.sentence))?;
            }
            Self::List => {
                let answer = owner.get(paths::POLICY).await?;
                context.output.list(&answer, list)?;
            }
            Self::Denials { end: None } => {
                let answer = owner.get(paths::DENIALS).await?;
                context.output.list(&answer, denials)?;
            }
            Self::Denials { end: Some(wanted) } => {
                let all: Vec<RepeatedDenial> = owner.list(paths::DENIALS).await?;
                let kind = LookupKind {
                    noun: "denial",
                    list: "agentport policy denials",
                    id: |denial: &RepeatedDenial| denial.id.to_string(),
                    names: |_| Vec::new(),
                };
                let denial = lookup::find(&kind, &all, &wanted)?;
                owner.delete(&paths::fill(paths::DENIAL, denial.id)).await?;
                context.output.own(&json!({ "id": denial.id, "ended": true }), || {
                    let RepeatedDenial { agent_name, integration, tool, .. } = denial;
                    let tool = output::one_line(tool);
                    format!("You are asked again when {agent_name} calls {integration} / {tool}.")
                })?;
            }
            Self::Remove { rule } => {
                let rules: Vec<RuleView> = owner.list(paths::POLICY).await?;
                let kind = LookupKind {
                    noun: "rule",
                    list: "agentport policy list",
                    id: |view: &RuleView| view.rule.id.to_string(),
                    names: |_| Vec::new(),
                };
                let view = lookup::find(&kind, &rules, &rule)?;
                owner.delete(&paths::fill(paths::POLICY_RULE, view.rule.id)).await?;
                context.output.own(&json!({ "id": view.rule.id, "removed": true }), || {
                    format!("Removed: {}", output::one_line(&view.sentence))
                })?;
            }
        }
        Ok(ExitStatus::Done)
    }
}

/// A mode as it is written on the wire.
pub(crate) fn mode(text: &str) -> Result<Mode, String> {
    Mode::parse(text).ok_or_else(|| "use allow, require_approval or deny".into())
}

fn denials(denials: Vec<RepeatedDenial>) -> String {
    let rows = denials.into_iter().map(|denial| {
        [
            denial.id.to_string(),
            output::cut(&denial.agent_name, 24),
            format!("{} / {}", denial.integration, output::name(&denial.tool, 40)),
            format::when(denial.until),
        ]
    });
    let headings = ["ID", "AGENT", "DENIED WITHOUT ASKING", "ASKED AGAIN"];
    output::table(
        headings,
        rows.collect(),
        "You are asked about every tool that your rules ask about.",
    )
}

fn list(rules: Vec<RuleView>) -> String {
    let rows = rules.into_iter().map(|view| {
        let mut ends = match (view.rule.session, view.rule.expires_at) {
            (true, _) => "with the session".into(),
            (false, Some(at)) => format::when(at),
            (false, None) => "–".into(),
        };
        if view.stale {
            ends = "the tool changed: asks again".into();
        }
        [
            view.rule.id.to_string(),
            format::mode(view.rule.mode).into(),
            view.agent_name.unwrap_or_else(|| "every agent".into()),
            ends,
            view.sentence,
        ]
    });
    let headings = ["ID", "MODE", "FOR", "ENDS", "RULE"];
    output::table(headings, rows.collect(), "There are no rules: every call asks.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_those_of_the_wire() {
        assert_eq!(mode("allow"), Ok(Mode::Allow));
        assert_eq!(mode("require_approval"), Ok(Mode::RequireApproval));
        assert_eq!(mode("deny"), Ok(Mode::Deny));
        assert!(mode("ask").is_err());
    }
}
