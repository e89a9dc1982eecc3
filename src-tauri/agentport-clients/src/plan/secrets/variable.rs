//! Finds secrets in environment variables.

use std::collections::BTreeMap;

use agentport_core::redact;
use serde_json::json;

use super::{CollectedSecrets, args::FOR_SHELLS, by_looks, is_trivial};

/// The variables that are no secrets, and the names of those that are.
pub(in crate::plan) fn in_env(
    env: BTreeMap<String, String>,
    kept: &mut CollectedSecrets,
) -> (BTreeMap<String, String>, Vec<String>) {
    let (secret, plain): (BTreeMap<_, _>, BTreeMap<_, _>) =
        env.into_iter().partition(|(name, value)| is_secret_variable(name, value));
    for (name, value) in &secret {
        kept.keep_named(name, value, format!("env {name}"));
    }
    (plain, secret.into_keys().collect())
}

/// Variables that would be masked only because they contain a secret found elsewhere. A file could repeat a value on
/// purpose to hide a variable that decides what runs.
pub(in crate::plan) fn hidden_by_another<'a>(
    plain: &'a BTreeMap<String, String>,
    kept: &CollectedSecrets,
) -> Option<&'a str> {
    let mut told = plain.iter().filter(|(_, value)| kept.known_in(value).next().is_some());
    told.next().map(|(name, _)| name.as_str())
}

/// Is its value hidden by its looks alone, and could be something that is run? A document or a URL is not; flags, and
/// what a shell acts on, are.
pub(in crate::plan) fn may_be_run(name: &str, value: &str) -> bool {
    let is_document = || serde_json::from_str::<serde_json::Value>(value).is_ok();
    let is_url = || !value.contains(char::is_whitespace) && url::Url::parse(value).is_ok();
    !is_secret_field(name, value)
        && (value.starts_with('-')
            || value.contains(|c: char| c.is_whitespace() || FOR_SHELLS.contains(&c)))
        && !is_document()
        && !is_url()
}

/// Going by its name, in which a key is one to something, and by the looks of its value.
pub(in crate::plan) fn is_secret_variable(name: &str, value: &str) -> bool {
    is_secret_field(name, value) || by_looks(value).next().is_some()
}

/// Going by the name alone, of a variable or any other field.
pub(in crate::plan) fn is_secret_field(name: &str, value: &str) -> bool {
    !is_trivial(value)
        && (redact::names_a_secret(name) && !only_counts(name, value) || last_word_is_key(name))
}

/// `MAX_TOKENS=4096`.
fn only_counts(name: &str, value: &str) -> bool {
    value.parse::<u64>().is_ok_and(|number| {
        let pair = json!({ name: number });
        redact::redacted(&pair) == pair
    })
}

fn last_word_is_key(name: &str) -> bool {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let ends = |end: &str| {
        name.len() >= end.len() && name[name.len() - end.len()..].eq_ignore_ascii_case(end)
    };
    name.is_ascii() && ends("key") && !ends("public_key")
}

/// Variables that make a shell, interpreter or loader run or load something, and prefixes of such.
const DECIDE: [&str; 18] = [
    "_JAVA_OPTIONS",
    "BASH_ENV",
    "BROWSER",
    "CLASSPATH",
    "EDITOR",
    "ENV",
    "IFS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "PAGER",
    "PATH",
    "PHPRC",
    "PROMPT_COMMAND",
    "PS4",
    "SHELL",
    "SHELLOPTS",
    "VISUAL",
    "ZDOTDIR",
];
const DECIDE_TOO: [&str; 5] = ["DYLD_", "LD_", "PERL5", "PYTHON", "RUBY"];
/// Suffixes of variables that name a program: `SSH_ASKPASS`, `GIT_SSH_COMMAND`.
const DECIDE_BY_END: [&str; 2] = ["ASKPASS", "_COMMAND"];
/// Prefixes of tools that have such variables as well as variables for secrets.
const OF_TOOLS: [&str; 7] = ["BUN_", "DENO_", "GIT_", "NODE_", "NPM_CONFIG_", "PIP_", "UV_"];

/// Does the variable say what will run? One that does is not to be hidden.
pub(in crate::plan) fn decides_what_runs(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let begins = |with: &[&str]| with.iter().any(|start| name.starts_with(start));
    DECIDE.contains(&name.as_str())
        || DECIDE_BY_END.iter().any(|end| name.ends_with(end))
        || begins(&DECIDE_TOO)
        || begins(&OF_TOOLS) && !redact::names_a_secret(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name_and_by_looks() {
        for (name, value) in [
            ("GITHUB_PERSONAL_ACCESS_TOKEN", "fake-1"),
            ("BRAVE_KEY", "fake-1"),
            ("OPENAI_KEY_2", "fake-1"),
            ("DATABASE_URL", "postgres://me:fake-password@db.example.test/x"),
            ("HEADERS", "{\"Authorization\": \"Bearer fake-token-0001\"}"),
            ("PGPASSWORD", "x"),
        ] {
            assert!(is_secret_variable(name, value), "{name}");
        }
        for (name, value) in [
            ("LOG_LEVEL", "debug"),
            ("MAX_TOKENS", "4096"),
            ("USE_AUTH", "true"),
            ("GITHUB_TOKEN", ""),
            ("ÄÖKEY", "x"),
            ("SSH_PUBLIC_KEY", "x"),
            ("URL", "https://example.test/mcp"),
        ] {
            assert!(!is_secret_variable(name, value), "{name}");
        }
    }

    #[test]
    fn variables_that_decide_what_runs_are_known_by_name() {
        for name in [
            "PATH",
            "LD_PRELOAD",
            "Node_Options",
            "GIT_SSH",
            "SSH_ASKPASS",
            "npm_config_script_shell",
        ] {
            assert!(decides_what_runs(name), "{name}");
        }
        for name in ["A_TOKEN", "NODE_AUTH_TOKEN", "GIT_TOKEN", "DATABASE_URL", "MY_PATH"] {
            assert!(!decides_what_runs(name), "{name}");
        }
    }

    #[test]
    fn a_value_that_looks_like_a_secret_may_still_be_run() {
        let flags = "--eval=$(shell touch\t/x)\t-l\ttoken=fakefake0001";
        for (name, value) in [("MAKEFLAGS", flags), ("OPTS", "-x=password=fake"), ("A", "a;b")] {
            assert!(may_be_run(name, value), "{name}");
        }
        for (name, value) in [
            ("HEADERS", "{\"Authorization\": \"Bearer fake-token-0001\"}"),
            ("DATABASE_URL", "postgres://me:fake;password@db.example.test/x?a=1&b=2"),
            ("GITHUB_TOKEN", "-fake $token"),
            ("LOG", "plain"),
        ] {
            assert!(!may_be_run(name, value), "{name}");
        }
    }

    #[test]
    fn a_repeated_value_is_reported() {
        let env = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let mut kept = CollectedSecrets::default();
        let (plain, _) = in_env(
            env(&[("A_TOKEN", "/evil/folder"), ("XDG_CONFIG_HOME", "/evil/folder")]),
            &mut kept,
        );
        assert_eq!(hidden_by_another(&plain, &kept), Some("XDG_CONFIG_HOME"));
        assert_eq!(hidden_by_another(&env(&[("LOG", "debug")]), &kept), None);
    }

    #[test]
    fn values_move_and_names_stay() {
        let env = [("A_TOKEN", "fake-a"), ("B", "c")];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let mut kept = CollectedSecrets::default();
        let (plain, secret) = in_env(env, &mut kept);
        assert_eq!(plain.keys().collect::<Vec<_>>(), ["B"]);
        assert_eq!(secret, ["A_TOKEN"]);
        assert_eq!(kept.secrets["A_TOKEN"].expose(), "fake-a");
        assert_eq!(kept.words, ["env A_TOKEN"]);
    }
}
