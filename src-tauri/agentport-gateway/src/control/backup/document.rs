//! Builds the backup document: configuration without secrets and without values that look like secrets.

use std::collections::{BTreeMap, HashSet};

use agentport_api::{BackedUpAgent, BackedUpIntegration, Backup, Connection, Settings};
use agentport_core::{Timestamp, redact};
use serde_json::json;
use url::Url;

use super::Here;
use crate::{integrations::is_fit_to_be_shown, store::IntegrationRow};

/// Version of the format.
pub(super) const FORMAT: u32 = 1;
/// Replaces a value that looked like a secret and has no name under which it could be entered again.
pub(super) const LEFT_OUT: &str = "(left out)";

pub(super) fn document(here: Here, now: Timestamp) -> Backup {
    let agents: Vec<BackedUpAgent> = here
        .agents
        .into_iter()
        .filter(|agent| agent.revoked_at.is_none())
        .filter(|agent| agent.expires_at.is_none_or(|end| now < end))
        .map(|agent| BackedUpAgent {
            id: agent.id,
            name: agent.name,
            profile: agent.profile,
            expires_at: agent.expires_at,
        })
        .collect();
    let let_in: HashSet<_> = agents.iter().map(|agent| agent.id).collect();
    Backup {
        format: FORMAT,
        made_at: now,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        settings: Settings { notifications_silent_until: None, ..here.settings },
        profiles: here.profiles,
        integrations: here.integrations.into_iter().map(integration).collect(),
        rules: here
            .rules
            .into_iter()
            .filter(|rule| !rule.session && rule.expires_at.is_none())
            .filter(|rule| rule.agent.is_none_or(|agent| let_in.contains(&agent)))
            .collect(),
        agents,
    }
}

/// An integration as the document describes it.
pub(super) fn integration(row: IntegrationRow) -> BackedUpIntegration {
    let (connection, whole) = without_secrets(row.connection);
    BackedUpIntegration {
        id: row.id,
        name: row.name,
        connection,
        tags: row.tags,
        default_mode: row.policy.default_mode,
        read_only_may_run: row.policy.read_only_may_run,
        resources: row.resources,
        // An incomplete integration cannot work, so it is disabled instead of being retried.
        enabled: row.enabled && whole,
        auth_method: row.auth_method,
        imported: row.imported,
    }
}

/// The connection without what looks like a secret, and whether it still says all it did.
fn without_secrets(mut connection: Connection) -> (Connection, bool) {
    let whole = match &mut connection {
        Connection::LocalMcp { args, env, secret_env, secret_args, .. } => {
            hide_variables(env, secret_env);
            hide_arguments(args, secret_args)
        }
        other => hide_in_address(other),
    };
    (connection, whole)
}

/// Secret variables can be given again under their names.
fn hide_variables(env: &mut BTreeMap<String, String>, secret_env: &mut Vec<String>) {
    let hidden: Vec<String> =
        env.iter().filter(|(name, value)| is_secret(name, value)).map(|(n, _)| n.clone()).collect();
    env.retain(|name, _| !hidden.contains(name));
    let new: Vec<_> = hidden.into_iter().filter(|name| !secret_env.contains(name)).collect();
    secret_env.extend(new);
}

/// `false`: some were left out.
fn hide_arguments(args: &mut [String], secret_args: &[u32]) -> bool {
    // What stands for a secret is none, and no flag whose value comes next.
    let is_place = |index: usize| secret_args.iter().any(|&at| at as usize == index);
    let others = args.iter().enumerate();
    let others: Vec<_> = others.map(|(at, arg)| if is_place(at) { "" } else { arg }).collect();
    let shown = redact::redacted(&json!(others));
    let shown = shown.as_array().cloned().unwrap_or_default();
    let mut whole = true;
    for (index, arg) in args.iter_mut().enumerate() {
        if !is_place(index) && shown.get(index).is_none_or(|shown| shown != arg.as_str()) {
            *arg = LEFT_OUT.to_owned();
            whole = false;
        }
    }
    whole
}

fn is_secret(name: &str, value: &str) -> bool {
    let pair = json!({ name: value });
    redact::redacted(&pair) != pair
}

/// `false`: something was left out. What is kept since the time credentials in clear were refused passes untouched.
fn hide_in_address(connection: &mut Connection) -> bool {
    let by_looks = |text: &str| redact::redacted_text(text) != text;
    let is_fit = is_fit_to_be_shown(connection);
    let bare_of = connection.clone();
    let Some((url, headers)) = connection.remote_mut() else { return true };
    if is_fit && !by_looks(url) && !headers.values().any(|value| by_looks(value)) {
        return true;
    }
    let bare = Url::parse(url).map(|mut url| {
        url.set_query(None);
        url.set_fragment(None);
        // Fails only for URLs that cannot have credentials.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.to_string()
    });
    *url = bare.ok().filter(|url| !by_looks(url)).unwrap_or_else(|| LEFT_OUT.to_owned());
    headers.retain(|name, value| {
        let mut alone = bare_of.clone();
        if let Some((url, headers)) = alone.remote_mut() {
            url.clear();
            *headers = [(name.clone(), value.clone())].into();
        }
        !by_looks(value) && is_fit_to_be_shown(&alone)
    });
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(connection: serde_json::Value, want: serde_json::Value, whole: bool) {
        let connection: Connection = serde_json::from_value(connection).unwrap();
        let (got, got_whole) = without_secrets(connection);
        let got = serde_json::to_value(got).unwrap();
        assert_eq!((&got, got_whole), (&want, whole));
        assert!(!got.to_string().contains("fake"), "{got}");
    }

    fn local(args: &[&str], env: serde_json::Value, secret_env: &[&str]) -> serde_json::Value {
        json!({ "type": "local_mcp", "command": "npx", "args": args, "env": env, "secret_env": secret_env, "cwd": null })
    }

    #[test]
    fn variables_that_look_secret_are_given_again() {
        check(
            local(&["-y"], json!({ "LEVEL": "info", "API_KEY": "obviously-fake" }), &["T"]),
            local(&["-y"], json!({ "LEVEL": "info" }), &["T", "API_KEY"]),
            true,
        );
        let github = format!("ghp_{}", "fake".repeat(9));
        check(local(&[], json!({ "X": github }), &[]), local(&[], json!({}), &["X"]), true);
    }

    #[test]
    fn arguments_that_look_secret_are_left_out() {
        check(
            local(&["--token", "obviously-fake", "--verbose"], json!({}), &[]),
            local(&["--token", LEFT_OUT, "--verbose"], json!({}), &[]),
            false,
        );
        check(
            local(&["--password=obviously-fake"], json!({}), &[]),
            local(&[LEFT_OUT], json!({}), &[]),
            false,
        );
    }

    #[test]
    fn places_for_secrets_stay() {
        let mut connection =
            local(&["--token", "{token}", "--key={token1}", "--x"], json!({}), &[]);
        connection["secret_args"] = json!([1, 2]);
        connection["timeout_seconds"] = json!(60);
        check(connection.clone(), connection, true);
    }

    #[test]
    fn addresses_keep_no_credential() {
        let remote = |url: &str, headers: serde_json::Value| json!({ "type": "remote_mcp", "url": url, "headers": headers });
        let placeholders =
            remote("https://h/mcp?key={token}", json!({ "Authorization": "Bearer {token1}" }));
        check(placeholders.clone(), placeholders, true);
        check(
            remote("https://h/mcp?key=obviously-fake", json!({ "X-Plain": "1" })),
            remote("https://h/mcp", json!({ "X-Plain": "1" })),
            false,
        );
        check(
            remote("https://u:obviously-fake@h/mcp", json!({ "X-API-Key": "obviously-fake" })),
            remote("https://h/mcp", json!({})),
            false,
        );
    }
}
