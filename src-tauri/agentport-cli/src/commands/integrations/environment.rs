//! Changes to the environment of a local server. Secret values come from stdin, a terminal or a file, never as arguments.

use std::{collections::BTreeMap, fs};

use agentport_core::Secret;
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::ChangeArgs;
use crate::secrets;

/// What the arguments of `set` change in an environment.
pub(super) struct EnvironmentChange {
    set: BTreeMap<String, String>,
    asked: Vec<String>,
    from_files: Vec<(String, String)>,
    unset: Vec<String>,
}

impl EnvironmentChange {
    pub(super) fn from_arguments(change: &ChangeArgs) -> Result<Self> {
        let names = change.env.iter().chain(&change.env_from_file).map(|(name, _)| name);
        let mut all: Vec<&String> =
            names.chain(&change.env_from_stdin).chain(&change.unset_env).collect();
        all.sort_unstable();
        if let Some(twice) = all.windows(2).find(|pair| pair[0] == pair[1]) {
            bail!("the variable {} is given twice", twice[0]);
        }
        Ok(Self {
            set: change.env.iter().cloned().collect(),
            asked: change.env_from_stdin.clone(),
            from_files: change.env_from_file.clone(),
            unset: change.unset_env.clone(),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.set.is_empty()
            && self.asked.is_empty()
            && self.from_files.is_empty()
            && self.unset.is_empty()
    }

    /// Reads the secrets, and gives the change as the control API takes it.
    pub(super) fn into_json(self) -> Result<Value> {
        let mut read: Vec<(String, Secret)> = Vec::new();
        for (name, file) in self.from_files {
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
            let text = text.strip_suffix('\n').unwrap_or(&text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            if text.is_empty() {
                bail!("{file} holds no value for {name}");
            }
            read.push((name, Secret::new(text)));
        }
        let values = secrets::read(&self.asked)?;
        read.extend(self.asked.into_iter().zip(values));
        let set_secret: BTreeMap<_, _> =
            read.iter().map(|(name, secret)| (name, secret.expose())).collect();
        Ok(json!({ "set": self.set, "set_secret": set_secret, "unset": self.unset }))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{
        args::CliArgs,
        commands::{Command, integrations::IntegrationsCommand},
    };

    fn change(line: &str) -> Result<EnvironmentChange> {
        let words = format!("agentport integrations set files {line}");
        match CliArgs::try_parse_from(words.split_whitespace())?.command {
            Command::Integrations(IntegrationsCommand::Set(change)) => {
                EnvironmentChange::from_arguments(&change)
            }
            _ => unreachable!("set was parsed"),
        }
    }

    #[test]
    fn values_of_secrets_come_from_files_and_not_from_arguments() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key");
        fs::write(&file, "obviously-fake\r\n").unwrap();
        let line = format!("--env A=b=c --unset-env OLD --env-from-file KEY={}", file.display());
        assert_eq!(
            change(&line).unwrap().into_json().unwrap(),
            json!({"set": {"A": "b=c"}, "set_secret": {"KEY": "obviously-fake"}, "unset": ["OLD"]})
        );
        fs::write(&file, "\n").unwrap();
        assert!(change(&line).unwrap().into_json().is_err(), "an empty file");
        assert!(change("").unwrap().is_empty());
        for bad in ["--env A", "--env A=1 --unset-env A", "--env-from-stdin A=fake"] {
            assert!(change(bad).is_err(), "{bad}");
        }
    }
}
