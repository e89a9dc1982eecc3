//! `agentport keys`: agents and their keys. A key is shown once, when it is made.

use std::time::Duration;

use agentport_api::{ChangeKey, CreateKey, KeyView, NewKey, Trust, paths};
use agentport_gateway::clock;
use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::json;

use crate::{
    client::OwnerClient,
    context::Context,
    duration,
    exit::ExitStatus,
    format,
    lookup::{self, LookupKind},
    output,
};

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key for an agent, and show it once
    Create {
        /// What to call the agent
        name: String,
        /// How long the key lets in, such as 30d [default: until revoked]
        #[arg(long, value_name = "SPAN", value_parser = duration::span)]
        expires: Option<Duration>,
        /// What the agent sees [default: everything]
        #[arg(long)]
        profile: Option<String>,
    },
    /// List agents
    List,
    /// Shut an agent out, at once and for good
    Revoke {
        /// Id, beginning of an id, or name
        id: String,
    },
    /// Change what an agent sees
    Set {
        /// Id, beginning of an id, or name
        id: String,
        #[arg(long, required_unless_present = "no_profile")]
        profile: Option<String>,
        /// Let it see everything
        #[arg(long, conflicts_with = "profile")]
        no_profile: bool,
    },
    /// Let an agent do everything but destructive tools for a while
    Trust {
        /// Id, beginning of an id, or name
        id: String,
        /// How long
        #[arg(long = "for", value_name = "SPAN", value_parser = duration::minutes, required_unless_present = "end")]
        minutes: Option<u32>,
        /// Take it back
        #[arg(long, conflicts_with = "minutes")]
        end: bool,
    },
}

impl KeysCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        let owner = context.owner().await?;
        match self {
            Self::Create { name, expires, profile } => {
                let expires_at = expires.map(|span| clock::now().plus(span));
                let body = CreateKey { name, expires_at, profile };
                let answer = owner.post(paths::KEYS, &body).await?;
                if !context.output.is_json() {
                    output::note(
                        "The key is shown this once. Give it to the agent and to nobody else.",
                    );
                }
                context.output.answer(&answer, |new: NewKey| new.key)?;
            }
            Self::List => {
                let answer = owner.get(paths::KEYS).await?;
                context.output.list(&answer, list)?;
            }
            Self::Revoke { id } => {
                let key = find(&owner, &id).await?;
                if let Some(at) = key.revoked_at {
                    bail!("{} was shut out already, {}", key.name, format::when(at));
                }
                owner.delete(&paths::fill(paths::KEY, key.id)).await?;
                context
                    .output
                    .own(&json!({ "id": key.id, "name": key.name, "revoked": true }), || {
                        format!("{} is shut out.", key.name)
                    })?;
            }
            Self::Set { id, profile, no_profile: _ } => {
                let key = find(&owner, &id).await?;
                let body = ChangeKey { profile: Some(profile.clone()), ..ChangeKey::default() };
                owner.patch(&paths::fill(paths::KEY, key.id), &body).await?;
                let seen = profile.as_deref().unwrap_or("everything");
                context
                    .output
                    .own(&json!({ "id": key.id, "name": key.name, "profile": profile }), || {
                        format!("{} now sees {seen}.", key.name)
                    })?;
            }
            Self::Trust { id, minutes, end: _ } => {
                let key = find(&owner, &id).await?;
                let minutes = minutes.unwrap_or(0);
                owner.post(&paths::fill(paths::KEY_TRUST, key.id), &Trust { minutes }).await?;
                context.output.own(
                    &json!({ "id": key.id, "name": key.name, "minutes": minutes }),
                    || match minutes {
                        0 => format!("{} is asked about again as your rules say.", key.name),
                        _ => format!(
                            "{} may do everything but destructive tools for {minutes} min.",
                            key.name
                        ),
                    },
                )?;
            }
        }
        Ok(ExitStatus::Done)
    }
}

/// The agent with this id or name. Agents with a valid key win over revoked ones of the same name.
pub(crate) async fn find(owner: &OwnerClient, wanted: &str) -> Result<KeyView> {
    let kind = LookupKind {
        noun: "agent",
        list: "agentport keys list",
        id: |key: &KeyView| key.id.to_string(),
        names: |key: &KeyView| vec![&key.name, &key.prefix],
    };
    let keys: Vec<KeyView> = owner.list(paths::KEYS).await?;
    let (current, revoked): (Vec<_>, Vec<_>) =
        keys.into_iter().partition(|key| key.revoked_at.is_none());
    let current_one = lookup::find(&kind, &current, wanted);
    current_one.or_else(|why| lookup::find(&kind, &revoked, wanted).map_err(|_| why)).cloned()
}

fn list(keys: Vec<KeyView>) -> String {
    let rows = keys.into_iter().map(|key| {
        let state = match (key.revoked_at, key.expires_at) {
            (Some(at), _) => format!("revoked {}", format::when(at)),
            (None, Some(at)) if at <= clock::now() => format!("expired {}", format::when(at)),
            (None, Some(at)) => format!("expires {}", format::when(at)),
            (None, None) => "active".into(),
        };
        let trusted = key.trusted_until.filter(|&until| until > clock::now());
        [
            key.id.to_string(),
            key.name,
            format!("{}…", key.prefix),
            trusted.map_or(state.clone(), |until| {
                format!("{state}, trusted: ends {}", format::when(until))
            }),
            key.profile.unwrap_or_else(|| "–".into()),
            format::maybe_when(key.last_used_at),
            output::cut(&key.client.unwrap_or_else(|| "–".into()), 30),
        ]
    });
    let headings = ["ID", "NAME", "KEY", "STATE", "PROFILE", "LAST USED", "CALLS ITSELF"];
    output::table(
        headings,
        rows.collect(),
        "There are no agents; let one in with `agentport keys create NAME`.",
    )
}
