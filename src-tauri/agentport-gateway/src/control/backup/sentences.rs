//! What a restore changes, in sentences the owner can agree to.

use agentport_core::{
    AgentId, IntegrationId,
    policy::{self, Rule},
    text,
};
use serde_json::Value;

use super::document::LEFT_OUT;
use crate::control::types::{BackedUpIntegration, Connection, Settings};

/// Longest command that is told; nobody agrees to what they cannot read.
const MAX_COMMAND: usize = 2_000;

/// One for each setting that differs.
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

/// Where it leads or what it runs, in full.
pub(super) fn reached(connection: &Connection) -> String {
    match connection {
        Connection::LocalMcp { command, args, .. } => {
            let words = std::iter::once(command).chain(args);
            let line = words.map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            format!("which runs {}", text::clean(&line, MAX_COMMAND))
        }
        Connection::RemoteMcp { url, .. } => {
            format!("which is at {}", text::clean(url, MAX_COMMAND))
        }
        Connection::Builtin { .. } => "which is built in".to_owned(),
    }
}

fn quoted(word: &str) -> String {
    match word.is_empty() || word.contains(char::is_whitespace) {
        true => format!("{word:?}"),
        false => word.to_owned(),
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
    format!("{:?} ({})", text::clean(&integration.name, 64), integration.id)
}

/// A rule as it is told in the policy.
pub(super) fn rule(
    rule: &Rule,
    agent: impl Fn(AgentId) -> Option<String>,
    integration: impl Fn(&IntegrationId) -> String,
) -> String {
    let agent = rule.agent.and_then(agent);
    policy::sentence(rule, agent.as_deref(), integration)
}
