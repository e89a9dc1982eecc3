//! `agentport backups`: originals of clients' files. Works without a running gateway.

use std::time::Duration;

use agentport_clients::types::{BackupView, PlanAction};
use agentport_gateway::clock;
use anyhow::Result;
use clap::{Args, Subcommand};

use super::client_plan::{self, select};
use crate::{context::Context, duration, exit::ExitStatus, format, output};

#[derive(Debug, Args)]
pub(crate) struct BackupsArgs {
    #[command(subcommand)]
    what: Option<BackupsCommand>,
}

#[derive(Debug, Subcommand)]
enum BackupsCommand {
    /// List what was kept, newest first
    List {
        /// Only of this client
        #[arg(long)]
        client: Option<String>,
    },
    /// Check that each is there, and is what it was
    Verify {
        /// Only of this client
        #[arg(long)]
        client: Option<String>,
    },
    /// Drop what is old; what can still be restored stays
    Prune {
        /// How old, such as 90d
        #[arg(long, value_name = "SPAN", value_parser = duration::span)]
        older_than: Duration,
    },
}

impl BackupsArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        let site = client_plan::site(context)?;
        let kept = site.backups_if_any().await?;
        match self.what.unwrap_or(BackupsCommand::List { client: None }) {
            BackupsCommand::List { client } => {
                let client = id(client)?;
                let all = match kept {
                    Some(kept) => kept.list(client).await?,
                    None => Vec::new(),
                };
                context.output.own(&all, || list(&all))?;
            }
            BackupsCommand::Verify { client } => {
                let client = id(client)?;
                let all = match kept {
                    Some(kept) => kept.verify(client).await?,
                    None => Vec::new(),
                };
                context.output.own(&all, || list(&all))?;
                let damaged = all.iter().filter(|one| one.intact == Some(false)).count();
                if damaged > 0 {
                    output::note(&format!(
                        "{damaged} of {} kept originals cannot be relied on.",
                        all.len()
                    ));
                    return Ok(ExitStatus::Failed);
                }
            }
            BackupsCommand::Prune { older_than } => {
                let pruned = match kept {
                    Some(kept) => kept.prune(clock::now().minus(older_than)).await?,
                    None => agentport_clients::types::Pruned { dropped: 0, bytes: 0 },
                };
                context.output.own(&pruned, || match pruned.dropped {
                    0 => "Nothing was dropped.".to_owned(),
                    dropped => format!("Dropped {dropped}, {} bytes.", pruned.bytes),
                })?;
            }
        }
        Ok(ExitStatus::Done)
    }
}

fn id(wanted: Option<String>) -> Result<Option<&'static str>> {
    wanted.map(|wanted| select::client(&wanted).map(|client| client.id.as_str())).transpose()
}

fn list(all: &[BackupView]) -> String {
    let rows = all.iter().map(|one| {
        let state = match (one.intact, one.pinned) {
            (Some(false), _) => "damaged",
            (_, true) => "the original",
            (Some(true), false) => "whole",
            (None, false) => "–",
        };
        [
            one.id.to_string(),
            one.client.clone(),
            format::stamp(one.taken_at),
            match one.what {
                PlanAction::Connect => "connect",
                PlanAction::Disconnect => "disconnect",
                PlanAction::Consolidate => "consolidate",
                PlanAction::Restore => "restore",
            }
            .to_owned(),
            state.to_owned(),
            one.digest.as_ref().map_or_else(
                || "no file".to_owned(),
                |digest| format!("{} bytes, {}", one.bytes, output::cut(digest, 13)),
            ),
            one.path.clone(),
        ]
    });
    let headings = ["ID", "CLIENT", "KEPT", "BEFORE", "STATE", "CONTENT", "FILE"];
    output::table(headings, rows.collect(), "Nothing was kept: no client's file was touched yet.")
}
