//! `agentport auth`: the agent's key that the `tools` commands use when no other is given.

use std::{fs, io, path::Path};

use agentport_core::{Secret, key::Key};
use agentport_gateway::data_dir::DataDir;
use anyhow::{Context as _, Result};
use clap::Subcommand;
use serde::Deserialize;
use serde_json::json;

use crate::{
    args::AgentKey,
    atomic_file::{self, FileAccess},
    client::{GatewayEndpoint, rest},
    confirm,
    context::{self, Context},
    exit::ExitStatus,
    output, secrets,
};

#[derive(Debug, Subcommand)]
pub(crate) enum AuthCommand {
    /// Store a key
    Login {
        /// The key. Better left out: other programs can read arguments; without it the key is asked, or read from stdin
        #[arg(long, value_name = "KEY", hide_env_values = true)]
        api_key: Option<String>,
    },
    /// Say which key is used, and whether it lets in; exit code 1 if not
    Status {
        #[command(flatten)]
        key: AgentKey,
    },
    /// Forget the stored key
    Logout,
}

/// What `GET /api/users/me` says.
#[derive(Deserialize)]
struct Me {
    email: String,
}

impl AuthCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        let home = context.home()?;
        match self {
            Self::Login { api_key } => login(api_key, &home, context).await,
            Self::Status { key } => status(&key, &home, context).await,
            Self::Logout => {
                let path = context::stored_key(&home);
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        Err(error).with_context(|| format!("cannot remove {}", path.display()))?;
                    }
                    _ => {}
                }
                context
                    .output
                    .own(&json!({ "authenticated": false }), || "No key is stored.".into())?;
                Ok(ExitStatus::Done)
            }
        }
    }
}

async fn login(given: Option<String>, home: &DataDir, context: &Context) -> Result<ExitStatus> {
    let text = match given.filter(|text| text != "-") {
        Some(text) => Secret::new(text),
        None if confirm::on_a_terminal() => secrets::ask("Agent key: ")?,
        None => secrets::line(&mut io::stdin().lock())
            .context("cannot read stdin")?
            .context("stdin has no key: give it in the first line")?,
    };
    let key = context::parse_key(text.expose())?;
    let email = match GatewayEndpoint::find(home) {
        Ok(gateway) => Some(gateway.with_key(&key)?.get(rest::ME).await?.read::<Me>()?.email),
        Err(_) => {
            output::note("No gateway runs, so the key was stored without trying it.");
            None
        }
    };
    store(&context::stored_key(home), &key)?;
    let shown = shown(&key);
    context.output.own(
        &json!({ "authenticated": true, "auth_mode": "api_key", "api_key": shown, "email": email }),
        || match &email {
            Some(email) => format!("Logged in as {} with {shown}.", output::one_line(email)),
            None => format!("Stored {shown}."),
        },
    )?;
    Ok(ExitStatus::Done)
}

async fn status(from: &AgentKey, home: &DataDir, context: &Context) -> Result<ExitStatus> {
    let gateway = GatewayEndpoint::find(home);
    let url = home.read_runtime().map(|runtime| runtime.mcp_url);
    let key = context::agent_key(from, home)?;
    let mut email = None;
    let mut trouble = None;
    match (&key, gateway) {
        (None, _) => {
            trouble = Some("no key is stored; store one with `agentport auth login`".to_owned())
        }
        (Some(_), Err(error)) => trouble = Some(format!("{error:#}")),
        (Some(key), Ok(gateway)) => match gateway.with_key(key)?.get(rest::ME).await {
            Ok(answer) => email = Some(answer.read::<Me>()?.email),
            Err(error) => trouble = Some(format!("{error:#}")),
        },
    }
    let auth_mode = if key.is_some() { "api_key" } else { "none" };
    let shown = key.as_ref().map(shown);
    let value = json!({
        "url": url, "auth_mode": auth_mode, "authenticated": email.is_some(), "email": email, "api_key": shown,
    });
    context.output.own(&value, || {
        output::fields(&[
            ("Gateway", url.clone().unwrap_or_default()),
            ("Key", shown.clone().unwrap_or_else(|| "none".into())),
            ("Logged in as", email.clone().unwrap_or_default()),
        ])
    })?;
    if let Some(trouble) = &trouble {
        output::note(&format!("error: {trouble}"));
    }
    Ok(if trouble.is_none() { ExitStatus::Done } else { ExitStatus::Failed })
}

/// The part of a key that may be shown.
fn shown(key: &Secret) -> String {
    Key::parse(key.expose()).map(|key| format!("{}…", key.shown())).unwrap_or_default()
}

fn store(path: &Path, key: &Secret) -> Result<()> {
    let line = format!("{}\n", key.expose());
    atomic_file::write(path, line.as_bytes(), FileAccess::OwnerOnly)
        .with_context(|| format!("cannot store the key in {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_key_is_for_this_account_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent-key");
        let key = Key::from_random([7; 24]).secret().clone();
        store(&path, &key).unwrap();
        store(&path, &key).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().trim(), key.expose());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
