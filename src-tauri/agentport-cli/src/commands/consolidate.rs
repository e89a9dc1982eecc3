//! `agentport consolidate`: imports a client's servers as integrations, and replaces them by AgentPort's entry.

use std::collections::BTreeMap;

use agentport_api::paths;
use agentport_clients::types::{Choice, ClientView, FileScope, FileState, PlanAction, PlanRequest};
use agentport_core::IntegrationId;
use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::{
    client_plan::{self, ClientPlanner, PlanFlags, select, select::ClientFileArgs},
    connect::{MethodArg, want},
};
use crate::{context::Context, exit::ExitStatus, output};

#[derive(Debug, Args)]
pub(crate) struct ConsolidateArgs {
    /// The client, as `discover` calls it
    #[arg(required_unless_present = "all")]
    client: Option<String>,
    /// Every client found that has servers of its own, one after the other
    #[arg(long, conflicts_with_all = ["client", "file", "folder"])]
    all: bool,
    #[command(flatten)]
    which: ClientFileArgs,
    /// How it reaches the gateway [default: what suits it best]
    #[arg(long, value_enum)]
    via: Option<MethodArg>,
    /// Leave this server in the client; may be given several times
    #[arg(long, value_name = "NAME")]
    keep: Vec<String>,
    /// Take an mcp-remote entry over as the program it is, not as the server behind it; may be given several times
    #[arg(long, value_name = "NAME")]
    as_program: Vec<String>,
    /// Take a server over under another id; may be given several times
    #[arg(long, value_name = "NAME=ID", value_parser = renamed)]
    rename: Vec<(String, IntegrationId)>,
    /// Where the name is taken, use the integration there is; may be given several times
    #[arg(long, value_name = "NAME")]
    use_existing: Vec<String>,
    #[command(flatten)]
    flags: PlanFlags,
}

fn renamed(text: &str) -> Result<(String, IntegrationId), String> {
    // A name may hold anything, an id no `=`.
    let (name, id) = text.rsplit_once('=').ok_or("write NAME=ID")?;
    let id = id.parse().map_err(|error| format!("{error}"))?;
    Ok((name.to_owned(), id))
}

impl ConsolidateArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        let flags = self.flags;
        let want = PlanRequest {
            via: self.via.map(Into::into),
            choices: self.choices(),
            keep: self.keep.clone(),
            as_program: self.as_program.clone(),
            ..want(PlanAction::Consolidate)
        };
        if let Some(client) = &self.client {
            let client = select::client(client)?;
            let path = self.which.path(client, &client_plan::machine()?)?;
            let want = PlanRequest { path, ..want };
            let by = ClientPlanner::gateway(context, flags).await?;
            return client_plan::carry_out(&by, context, &client.id, &want, flags).await;
        }
        let by = ClientPlanner::gateway(context, flags).await?;
        let mut ending = ExitStatus::Done;
        let files = with_servers(clients(&by).await?);
        if files.is_empty() {
            output::note("No client found has servers of its own.");
        }
        let there = |name: &str| files.iter().any(|file| file.has(name));
        if let Some(unknown) = client_plan::named(&want).find(|name| !there(name)) {
            bail!("no client found has a server called {unknown:?}; nothing was changed");
        }
        for file in &files {
            let mut want = PlanRequest { path: Some(file.path.clone()), ..want.clone() };
            want.keep.retain(|name| file.has(name));
            want.as_program.retain(|name| file.has(name));
            want.choices.retain(|name, _| file.has(name));
            let client = &file.client;
            match client_plan::carry_out(&by, context, client, &want, flags).await {
                Ok(ExitStatus::Done) => {}
                Ok(other) => ending = other,
                Err(error) if error.is::<output::ReaderGone>() => return Err(error),
                // A failure of one client does not stop the others.
                Err(error) => {
                    output::note(&format!("error: {client}: {error:#}"));
                    ending = ExitStatus::Failed;
                }
            }
        }
        Ok(ending)
    }

    fn choices(&self) -> BTreeMap<String, Choice> {
        let renamed = self.rename.iter();
        let renamed = renamed.map(|(name, id)| (name.clone(), Choice::Rename { id: id.clone() }));
        let existing = self.use_existing.iter().map(|name| (name.clone(), Choice::UseExisting));
        renamed.chain(existing).collect()
    }
}

async fn clients(by: &ClientPlanner) -> Result<Vec<ClientView>> {
    match by {
        ClientPlanner::Gateway(owner) => owner.list(paths::CLIENTS).await,
        ClientPlanner::Local(site) => Ok(site.clients(None).await),
    }
    .context("cannot tell which clients there are")
}

/// A client's file that has servers to import.
struct FileWithServers {
    client: String,
    path: String,
    servers: Vec<String>,
}

impl FileWithServers {
    fn has(&self, server: &str) -> bool {
        self.servers.iter().any(|name| name == server)
    }
}

/// The users' files of the clients found.
fn with_servers(clients: Vec<ClientView>) -> Vec<FileWithServers> {
    let files = clients
        .into_iter()
        .filter(|client| client.found)
        .flat_map(|client| client.files.into_iter().map(move |file| (client.id.clone(), file)));
    let files = files.filter_map(|(client, file)| {
        let FileState::Readable { servers } = file.state else { return None };
        let servers: Vec<String> =
            servers.into_iter().filter(|server| !server.ours).map(|server| server.name).collect();
        let wanted = file.scope == FileScope::User && !servers.is_empty();
        wanted.then_some(FileWithServers { client, path: file.path, servers })
    });
    files.collect()
}

#[cfg(test)]
mod tests {
    use super::renamed;

    #[test]
    fn a_name_may_hold_anything() {
        let (name, id) = renamed("my=server=files-2").unwrap();
        assert_eq!((name.as_str(), id.as_str()), ("my=server", "files-2"));
        for bad in ["", "name", "name=", "name=Not An Id", "name=agentport"] {
            assert!(renamed(bad).is_err(), "{bad}");
        }
    }
}
