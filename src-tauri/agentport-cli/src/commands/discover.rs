//! `agentport discover`: lists MCP clients, the servers in their files, connections to AgentPort, and servers that several
//! files define. Works without a running gateway; with the owner's password it also says which entries are used.

use std::{collections::BTreeSet, path::PathBuf};

use agentport_api::paths;
use agentport_clients::types::{ClientView, Connected, FileScope, FileState, FileView, ServerView};
use anyhow::Result;
use clap::Args;

use super::client_plan::{self, select};
use crate::{client::with_query_if, context::Context, exit::ExitStatus, format, output};

/// Listed servers that several files define.
const MAX_SHARED_SERVERS: usize = 40;

#[derive(Debug, Args)]
pub(crate) struct DiscoverArgs {
    /// Also look at the files of the project in this folder
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Also those of which there is no sign here
    #[arg(long)]
    all: bool,
}

impl DiscoverArgs {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitStatus> {
        let folder = self.folder.as_deref().map(select::folder).transpose()?;
        let owner = client_plan::owner_if_given(context).await?;
        let asked = owner.is_some();
        let clients: Vec<ClientView> = match owner {
            Some(owner) => {
                let folder = folder.as_ref().map(|folder| folder.display());
                owner.list(&with_query_if(paths::CLIENTS.into(), "folder", folder)).await?
            }
            None => {
                let site = client_plan::site(context)?;
                site.clients(folder.as_deref()).await
            }
        };
        context.output.own(&clients, || self.table(&clients, asked))?;
        Ok(ExitStatus::Done)
    }

    fn table(&self, clients: &[ClientView], asked: bool) -> String {
        let home = client_plan::machine().ok().map(|machine| machine.home);
        let short = |path: &str| match &home {
            Some(home) => match std::path::Path::new(path).strip_prefix(home) {
                Ok(rest) => format!("~/{}", rest.display()),
                Err(_) => path.to_owned(),
            },
            None => path.to_owned(),
        };
        let shown = |client: &&ClientView| client.found || self.all || has_project(client);
        let rows = clients.iter().filter(shown).flat_map(|client| {
            client.files.iter().map(|file| {
                [client.id.clone(), short(&file.path), servers(file), connected(file, asked)]
            })
        });
        let mut text = output::table(
            ["CLIENT", "FILE", "SERVERS", "CONNECTED"],
            rows.collect(),
            "No client was found.",
        );
        let missing: Vec<&str> = clients
            .iter()
            .filter(|client| !shown(client))
            .map(|client| client.id.as_str())
            .collect();
        if !missing.is_empty() {
            text += &format!("\n\nNot found: {}", missing.join(", "));
        }
        let bypassing: Vec<String> = clients.iter().filter(shown).filter_map(bypassing).collect();
        if !bypassing.is_empty() {
            text += &format!("\n\n{}", bypassing.join("\n"));
        }
        let next: Vec<String> = clients.iter().filter(shown).flat_map(next_steps).collect();
        if !next.is_empty() {
            text += &format!("\n\n{}", next.join("\n"));
        }
        let several = several(clients);
        if !several.is_empty() {
            text += "\n\nThe same in several places:";
            for line in several.iter().take(MAX_SHARED_SERVERS) {
                text += &format!("\n  {}", output::one_line(line));
            }
            if let Some(more) =
                several.len().checked_sub(MAX_SHARED_SERVERS).filter(|more| *more > 0)
            {
                text += &format!("\n  … and {more} more");
            }
        }
        text
    }
}

/// What a connected client still reaches without AgentPort, in the window's words, and what to do about it.
fn bypassing(client: &ClientView) -> Option<String> {
    client.files.iter().find(|file| file.connected.is_some())?;
    let sentence = output::one_line(&client.bypassing.as_ref()?.sentence);
    Some(format!(
        "{sentence} `agentport consolidate {}` puts its servers behind AgentPort.",
        client.id
    ))
}

/// What a connected client still needs to sign in, or could do without, in the window's words.
fn next_steps(client: &ClientView) -> Vec<String> {
    let mut steps = Vec::new();
    for connected in client.files.iter().filter_map(|file| file.connected.as_ref()) {
        if let Some(sign_in) = connected.sign_in.as_ref().filter(|it| !it.signed_in) {
            steps.push(output::one_line(&sign_in.sentence));
        }
        if let Some(key) = &connected.unneeded_key {
            let sentence = output::one_line(&key.sentence);
            steps
                .push(format!("{sentence} `agentport connect {} --via oauth` does it.", client.id));
        }
    }
    steps
}

fn has_project(client: &ClientView) -> bool {
    let there = |file: &FileView| {
        file.scope == FileScope::Project && !matches!(file.state, FileState::Missing)
    };
    client.files.iter().any(there)
}

fn servers(file: &FileView) -> String {
    match &file.state {
        FileState::Missing => "no file yet".to_owned(),
        FileState::Broken { line, column, message } => {
            format!("does not parse: line {line}, column {column}: {message}")
        }
        FileState::Unreadable { message } => format!("cannot be read: {message}"),
        FileState::Readable { servers } => {
            let named = |server: &ServerView| match server.disabled {
                true => format!("{} (off)", server.name),
                false => server.name.clone(),
            };
            let names: Vec<String> = servers.iter().filter(|one| !one.ours).map(named).collect();
            if names.is_empty() { "–".to_owned() } else { names.join(", ") }
        }
    }
}

/// `asked`: the gateway was asked, so that it is known which agent the entry's key belongs to.
fn connected(file: &FileView, asked: bool) -> String {
    match &file.connected {
        None => "no".to_owned(),
        Some(Connected { current: false, .. }) => "to another gateway".to_owned(),
        Some(Connected { sign_in: Some(sign_in), .. }) if asked && !sign_in.signed_in => {
            "yes, not signed in yet".to_owned()
        }
        Some(Connected { agent: None, sign_in: None, .. }) if asked => {
            "with a key that is not valid".to_owned()
        }
        Some(Connected { last_used_at: Some(at), .. }) => {
            format!("yes, used {}", format::when(*at))
        }
        Some(_) if asked => "yes, not used yet".to_owned(),
        Some(_) => "yes".to_owned(),
    }
}

/// One line for each server that more than one file defines.
fn several(clients: &[ClientView]) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for client in clients {
        for file in &client.files {
            let FileState::Readable { servers } = &file.state else { continue };
            for server in servers.iter().filter(|server| !server.same_as.is_empty()) {
                let own = match (file.scope, std::path::Path::new(&file.path).parent()) {
                    (FileScope::Project, Some(folder)) => {
                        format!("{} ({}): {}", client.name, folder.display(), server.name)
                    }
                    _ => format!("{}: {}", client.name, server.name),
                };
                let mut places: BTreeSet<&str> =
                    server.same_as.iter().map(String::as_str).collect();
                places.insert(&own);
                let places: Vec<&str> = places.into_iter().collect();
                lines.insert(format!("{} ({})", places.join(" = "), server.summary));
            }
        }
    }
    lines
}
