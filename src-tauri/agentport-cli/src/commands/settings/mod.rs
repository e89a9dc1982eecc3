//! `agentport settings`: reads and changes settings. The gateway checks names and limits.

mod second_factor;

use agentport_api::{Status, paths};
use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use serde_json::{Map, Value};
use url::Url;

use crate::{client::OwnerClient, context::Context, exit::ExitStatus, output};

#[derive(Debug, Subcommand)]
pub(crate) enum SettingsCommand {
    /// Show all settings, or the value of one
    Get { name: Option<String> },
    /// Change one
    Set { name: String, value: String },
    /// One-time codes for whatever lets agents do more
    #[command(subcommand)]
    SecondFactor(second_factor::SecondFactorCommand),
}

impl SettingsCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        let owner = context.owner().await?;
        match self {
            Self::SecondFactor(command) => command.run(&owner, context).await?,
            Self::Get { name: None } => {
                let answer = owner.get(paths::SETTINGS).await?;
                context.output.answer(&answer, all)?;
            }
            Self::Get { name: Some(name) } => {
                let settings: Map<String, Value> = owner.read(paths::SETTINGS).await?;
                let name = known(&name, &settings)?;
                context.output.own(&settings[&name], || settings[&name].to_string())?;
            }
            Self::Set { name, value } => {
                let settings: Map<String, Value> = owner.read(paths::SETTINGS).await?;
                let name = known(&name, &settings)?;
                let value = serde_json::from_str(&value).unwrap_or(Value::String(value));
                let change = Map::from_iter([(name.clone(), value)]);
                let answer = owner.patch(paths::SETTINGS, &change).await?;
                let settings: Map<String, Value> = answer.read()?;
                let now = settings.get(&name).context("the gateway's answer lacks the setting")?;
                context.output.answer(&answer, |_: Value| format!("{name} is now {now}"))?;
                if name == "port" {
                    note_port_in_use(&owner, now).await;
                }
            }
        }
        Ok(ExitStatus::Done)
    }
}

/// Says so where the running gateway keeps its port: it takes another one only when it starts.
async fn note_port_in_use(owner: &OwnerClient, port: &Value) {
    // Only a remark: the setting is stored.
    let Ok(status) = owner.read::<Status>(paths::STATUS).await else { return };
    let used = Url::parse(&status.mcp_url).ok().and_then(|url| url.port_or_known_default());
    if let Some(used) = used.filter(|used| *port != *used) {
        output::note(&format!(
            "It counts from the gateway's next start: until then agents reach it at port {used}. Clients that are \
             connected have the old address in their files; `agentport doctor` says which."
        ));
    }
}

/// The name as the gateway spells it: `approval-expiry-minutes` is `approval_expiry_minutes`.
fn known(name: &str, settings: &Map<String, Value>) -> Result<String> {
    let spelled = name.replace('-', "_");
    if settings.contains_key(&spelled) {
        return Ok(spelled);
    }
    let names: Vec<&str> = settings.keys().map(String::as_str).collect();
    bail!("there is no setting {name:?}; there are {}", names.join(", "))
}

fn all(settings: Map<String, Value>) -> String {
    let rows = settings.into_iter().map(|(name, value)| [name, value.to_string()]);
    output::table(["SETTING", "VALUE"], rows.collect(), "There are no settings.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_forgiving_about_dashes_only() {
        let settings = Map::from_iter([("call_timeout_seconds".to_owned(), Value::from(300))]);
        assert_eq!(known("call-timeout-seconds", &settings).unwrap(), "call_timeout_seconds");
        assert!(known("call", &settings).unwrap_err().to_string().contains("call_timeout_seconds"));
    }
}
