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
        reached(&integration.connection)
    );
    if lacks(&integration.connection) {
        sentence
            .push_str(" What looked like a secret in it was left out: remove it and add it again.");
    }
    sentence
}

/// The full URL or command line, so that the owner can consent to it. Variables are shown before the command, since they
/// influence what runs as well.
pub(super) fn reached(connection: &Connection) -> String {
    match connection {
        Connection::LocalMcp { command, args, env, cwd, .. } => {
            let variables = env.iter().map(|(name, value)| format!("{name}={value}"));
            let words = variables.chain([command.clone()]).chain(args.iter().cloned());
            let line = words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" ");
            match cwd {
                Some(folder) => format!("which runs {line} in the folder {}", quoted(folder)),
                None => format!("which runs {line}"),
            }
        }
        Connection::RemoteMcp { url, .. } => {
            format!("which is at {}", sanitize::sanitize_line(url, url.len()))
        }
        Connection::Builtin { .. } => "which is built in".to_owned(),
    }
}

fn quoted(word: &str) -> String {
    let odd =
        word.contains(char::is_whitespace) || sanitize::sanitize_line(word, word.len()) != word;
    match word.is_empty() || odd {
        true => format!("{word:?}"),
        false => word.to_owned(),
    }
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
    match connection {
        Connection::LocalMcp { args, .. } => args.iter().any(|arg| arg == LEFT_OUT),
        Connection::RemoteMcp { url, .. } => url == LEFT_OUT,
        Connection::Builtin { .. } => false,
    }
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
