//! `agentport keys`: makes keys for agents that don't sign in by themselves. A key is shown once, when it is made. What
//! else can be done about an agent is the same as under `agentport agents`.

use std::time::Duration;

use agentport_api::{CreateKey, NewKey, paths};
use agentport_gateway::clock;
use anyhow::Result;
use clap::Subcommand;

use super::agents::AgentChange;
use crate::{context::Context, duration, exit::ExitStatus, output};

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
    #[command(flatten)]
    Change(AgentChange),
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
            Self::Change(change) => change.run(&owner, context).await?,
        }
        Ok(ExitStatus::Done)
    }
}
