//! `agentport agents`: agents that are let in, by a key or by OAuth, and those that want to be (consents).

mod change;
mod list;
mod requests;

use agentport_api::{ChangeKey, KeyView, paths};
use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

pub(crate) use self::change::AgentChange;
use self::requests::ApproveArgs;
use crate::{
    client::OwnerClient,
    context::Context,
    exit::ExitStatus,
    lookup::{self, LookupKind},
};

#[derive(Debug, Subcommand)]
pub(crate) enum AgentsCommand {
    #[command(flatten)]
    Change(AgentChange),
    /// Show one agent in full
    Show {
        /// Id, beginning of an id, or name
        id: String,
    },
    /// Give an agent another name
    Rename {
        /// Id, beginning of an id, or name
        id: String,
        /// What to call it
        name: String,
    },
    /// List agents that want to be let in
    Requests,
    /// Let an agent in
    Approve(ApproveArgs),
    /// Refuse to let an agent in
    Refuse {
        /// Id, beginning of an id, or the code that the page in your browser shows
        id: String,
    },
}

impl AgentsCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        let owner = context.owner().await?;
        match self {
            Self::Change(change) => change.run(&owner, context).await?,
            Self::Show { id } => {
                let agent = find(&owner, &id).await?;
                context.output.own(&agent, || list::one(&agent))?;
            }
            Self::Rename { id, name } => {
                let agent = find(&owner, &id).await?;
                let body = ChangeKey { name: Some(name.clone()), ..ChangeKey::default() };
                owner.patch(&paths::fill(paths::KEY, agent.id), &body).await?;
                context.output.own(&json!({ "id": agent.id, "name": name }), || {
                    format!("{} is now called {name}.", agent.name)
                })?;
            }
            Self::Requests => requests::list(&owner, context).await?,
            Self::Approve(approve) => approve.run(&owner, context).await?,
            Self::Refuse { id } => requests::refuse(&owner, context, &id).await?,
        }
        Ok(ExitStatus::Done)
    }
}

/// The agent with this id or name. Agents that are let in win over revoked ones of the same name.
pub(crate) async fn find(owner: &OwnerClient, wanted: &str) -> Result<KeyView> {
    let kind = LookupKind {
        noun: "agent",
        list: "agentport agents list",
        id: |agent: &KeyView| agent.id.to_string(),
        names: |agent: &KeyView| {
            // An agent that signs in by OAuth has no key.
            let key = Some(&*agent.prefix).filter(|prefix| !prefix.is_empty());
            [Some(&*agent.name), key].into_iter().flatten().collect()
        },
    };
    let agents: Vec<KeyView> = owner.list(paths::KEYS).await?;
    let (current, revoked): (Vec<_>, Vec<_>) =
        agents.into_iter().partition(|agent| agent.revoked_at.is_none());
    let current_one = lookup::find(&kind, &current, wanted);
    current_one.or_else(|why| lookup::find(&kind, &revoked, wanted).map_err(|_| why)).cloned()
}
