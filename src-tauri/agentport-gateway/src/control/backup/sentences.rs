//! Describes the changes of a restore as sentences for the owner's consent.

use agentport_api::{BackedUpIntegration, Connection, Settings};
use agentport_core::{
    AgentId, IntegrationId,
    policy::{self, IntegrationPolicy, Mode, Rule},
    sanitize,
};
use serde_json::Value;

use super::document::LEFT_OUT;
use crate::store::{AgentRow, IntegrationRow};

/// A sentence for each setting that changes.
pub(super) fn settings(before: &Settings, after: &Settings) -> Vec<String> {
    let of = |settings: &Settings| match serde_json::to_value(settings) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (before, after) = (of(before), of(after));
    let differ = after.iter().filter(|(name, value)| before.get(*name) != Some(*value));
    differ
        .map(|(name, value)| {
            let was = before.get(name).unwrap_or(&Value::Null);
            format!("Sets {name} to {value}, which is {was} now.")
        })
        .collect()
}

pub(super) fn new_integration(integration: &BackedUpIntegration) -> String {
    let mut sentence = format!(
        "Adds the integration {}, {}.",
        name(integration),
        integration.connection.sentence()
    );
    if lacks(&integration.connection) {
        sentence
            .push_str(" What looked like a secret in it was left out: remove it and add it again.");
    }
    sentence
}

/// A sentence for each default of an integration that changes.
pub(super) fn defaults(before: Option<&IntegrationRow>, after: &IntegrationRow) -> Vec<String> {
    let name = format!("{:?} ({})", sanitize::sanitize_line(&after.name, 64), after.id);
    let policy = before.map_or(IntegrationPolicy::default(), |before| before.policy);
    let mut sentences = Vec::new();
    if policy.default_mode != after.policy.default_mode {
        let what = match after.policy.default_mode {
            Some(Mode::Allow) => "may be used without asking",
            Some(Mode::Deny) => "may not be used",
            Some(Mode::RequireApproval) | None => "ask first",
        };
        sentences.push(format!("Sets that tools of {name} without a rule {what}."));
    }
    if after.policy.read_only_may_run && !policy.read_only_may_run {
        sentences.push(format!("Lets tools of {name} that say they only read run without asking."));
    }
    if after.resources && !before.is_some_and(|before| before.resources) {
        sentences.push(format!("Lets agents read what {name} offers beside its tools."));
    }
    if before.is_some_and(|before| before.enabled != after.enabled) {
        sentences.push(format!("Switches {name} {}.", if after.enabled { "on" } else { "off" }));
    }
    sentences
}

pub(super) fn changed_agent(agent: &AgentRow) -> String {
    let sees = match &agent.profile {
        Some(profile) => format!("it sees what the profile {profile:?} shows"),
        None => "it sees everything".to_owned(),
    };
    match agent.expires_at {
        Some(end) => {
            format!("Changes the agent {:?}: {sees}, and its key ends at {end}.", agent.name)
        }
        None => format!("Changes the agent {:?}: {sees}, and its key has no end.", agent.name),
    }
}

pub(super) fn lacks(connection: &Connection) -> bool {
    let in_args = connection.program().is_some_and(|p| p.args.iter().any(|arg| arg == LEFT_OUT));
    in_args || connection.url() == Some(LEFT_OUT)
}

pub(super) fn name(integration: &BackedUpIntegration) -> String {
    format!("{:?} ({})", sanitize::sanitize_line(&integration.name, 64), integration.id)
}

/// A rule as the policy page describes it.
pub(super) fn rule(
    rule: &Rule,
    agent: impl Fn(AgentId) -> Option<String>,
    integration: impl Fn(&IntegrationId) -> String,
) -> String {
    let agent = rule.agent.and_then(agent);
    policy::describe_rule(rule, agent.as_deref(), integration)
}
