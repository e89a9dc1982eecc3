//! What can be done about an agent however it was let in: the same under `agentport agents` and `agentport keys`.

use agentport_api::{ChangeKey, Trust, paths};
use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::json;

use super::{find, list};
use crate::{client::OwnerClient, context::Context, duration, format};

#[derive(Debug, Subcommand)]
pub(crate) enum AgentChange {
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

impl AgentChange {
    pub(crate) async fn run(self, owner: &OwnerClient, context: &Context) -> Result<()> {
        match self {
            Self::List => {
                let answer = owner.get(paths::KEYS).await?;
                context.output.list(&answer, list::all)
            }
            Self::Revoke { id } => revoke(owner, context, &id).await,
            Self::Set { id, profile, no_profile: _ } => {
                let agent = find(owner, &id).await?;
                let body = ChangeKey { profile: Some(profile.clone()), ..ChangeKey::default() };
                owner.patch(&paths::fill(paths::KEY, agent.id), &body).await?;
                let seen = profile.as_deref().unwrap_or("everything");
                context
                    .output
                    .own(&json!({ "id": agent.id, "name": agent.name, "profile": profile }), || {
                        format!("{} now sees {seen}.", agent.name)
                    })
            }
            Self::Trust { id, minutes, end: _ } => {
                trust(owner, context, &id, minutes.unwrap_or(0)).await
            }
        }
    }
}

async fn revoke(owner: &OwnerClient, context: &Context, id: &str) -> Result<()> {
    let agent = find(owner, id).await?;
    if let Some(at) = agent.revoked_at {
        bail!("{} was shut out already, {}", agent.name, format::when(at));
    }
    owner.delete(&paths::fill(paths::KEY, agent.id)).await?;
    context.output.own(&json!({ "id": agent.id, "name": agent.name, "revoked": true }), || {
        format!("{} is shut out.", agent.name)
    })
}

async fn trust(owner: &OwnerClient, context: &Context, id: &str, minutes: u32) -> Result<()> {
    let agent = find(owner, id).await?;
    owner.post(&paths::fill(paths::KEY_TRUST, agent.id), &Trust { minutes }).await?;
    context.output.own(&json!({ "id": agent.id, "name": agent.name, "minutes": minutes }), || {
        match minutes {
            0 => format!("{} is asked about again as your rules say.", agent.name),
            _ => {
                format!("{} may do everything but destructive tools for {minutes} min.", agent.name)
            }
        }
    })
}
