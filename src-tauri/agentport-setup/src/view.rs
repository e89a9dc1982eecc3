//! [`ClientView`]: every known client with its files, their servers and our entry.

use std::{io, path::Path};

use agentport_api::KeyView;
use agentport_clients::{
    atomic_write,
    backups::{Backups, BackupsError},
    client::{Client, ClientSignIn, Place},
    discover::{FoundClient, FoundFile, FoundState, discover},
    entry,
    mcp_server::McpServer,
    plan::BypassCounts,
    types::{ClientView, Connected, FileState, FileView, ServerView},
};

use agentport_core::ErrorChain;

use crate::{
    blocking::run_blocking,
    entries::{EntryInFile, KnownAgents},
    installation::Installation,
    servers, sign_ins,
};

impl Installation {
    /// Every client we know, those found first; with the files of `folder`, if one is given. `agents` are the gateway's.
    pub(crate) async fn list_clients(
        &self,
        folder: Option<&Path>,
        agents: &KnownAgents,
    ) -> Vec<ClientView> {
        let machine = self.machine.clone();
        let home = self.home.clone();
        let folder = folder.map(Path::to_owned);
        let looked = run_blocking(move || {
            let mut found = discover(&machine, folder.as_deref());
            for file in found.iter_mut().flat_map(|client| &mut client.files) {
                if let Err(why) = file.place.may_be_touched(Some(&home)) {
                    file.state = FoundState::Unreadable(io::Error::other(why));
                }
            }
            let servers = servers::views(&found);
            (found, servers)
        });
        let (found, servers) = looked.await;
        let mut servers = servers.into_iter();
        // Unreadable backups are no reason to list no clients.
        let backups = self.backups_if_any().await.inspect_err(warn_unreadable).ok().flatten();
        let mut views = Vec::with_capacity(found.len());
        for client in &found {
            let mut files = Vec::with_capacity(client.files.len());
            for file in &client.files {
                let servers = servers.next().unwrap_or_default();
                files.push(self.file(file, servers, agents, backups).await);
            }
            views.push(ClientView {
                id: client.client.id.clone(),
                name: client.client.name.clone(),
                found: client.found,
                sources: sources(client.client),
                speaks_http: client.client.speaks_http(),
                signs_in: client.client.sign_in().is_some(),
                restart: client.client.restart().map(str::to_owned),
                files,
                bypassing: bypass(client).view(&client.client.name),
            });
        }
        views
    }

    /// The same without a gateway: which agent an entry belongs to is not known then.
    pub async fn clients(&self, folder: Option<&Path>) -> Vec<ClientView> {
        self.list_clients(folder, &self.agents(None)).await
    }

    pub(crate) fn agents(&self, keys: Option<Vec<KeyView>>) -> KnownAgents {
        KnownAgents::new(&self.home, keys, agentport_gateway::clock::now())
    }

    async fn file(
        &self,
        file: &FoundFile,
        views: Vec<ServerView>,
        agents: &KnownAgents,
        backups: Option<&Backups>,
    ) -> FileView {
        let place = &file.place;
        let mut connected = None;
        let (state, content) = match &file.state {
            FoundState::Missing => (FileState::Missing, None),
            FoundState::Readable { content, servers } => {
                connected = self.connected(place, servers, agents);
                (FileState::Readable { servers: views }, Some(content.clone()))
            }
            FoundState::Broken(error) => {
                let state = FileState::Broken {
                    line: error.line,
                    column: error.column,
                    message: error.message.clone(),
                };
                (state, atomic_write::read(&place.path).ok().flatten())
            }
            FoundState::Unreadable(error) => {
                let message = error.to_string();
                let path = place.path.display().to_string();
                let state = FileState::Unreadable { message };
                return FileView {
                    path,
                    scope: place.scope,
                    state,
                    connected: None,
                    can_restore: false,
                };
            }
        };
        let can_restore = match backups {
            Some(backups) => backups
                .can_restore(&place.path, content.as_deref())
                .await
                .inspect_err(warn_unreadable)
                .unwrap_or(false),
            None => false,
        };
        let path = place.path.display().to_string();
        FileView { path, scope: place.scope, state, connected, can_restore }
    }

    fn connected(
        &self,
        place: &Place,
        servers: &[McpServer],
        agents: &KnownAgents,
    ) -> Option<Connected> {
        let entry = EntryInFile::find(self, servers)?;
        let (at, _) = entry::find_own_entry(servers)?;
        let current =
            self.is_current(&entry.ours) && self.is_as_written(place, &servers[at], &entry);
        // An entry that starts another program, or uses another file's key, says nothing about the agent made for this file.
        let agent = agents.of(place, &entry).filter(|_| current || entry.is_http());
        Some(Connected {
            via: entry.ours.via,
            current,
            agent: agent.map(|key| key.id),
            sign_in: sign_ins::status(place, &entry, agents),
            unneeded_key: sign_ins::unneeded_key(place, &entry, agents),
            first_call_at: agent.and_then(|key| key.first_call_at),
            last_used_at: agent.and_then(|key| key.last_used_at),
            tools_listed: agent.and_then(|key| key.tools_listed),
        })
    }
}

/// Of the facts about the client and about how it signs in.
fn sources(client: &Client) -> Vec<String> {
    let mut all = client.sources().to_vec();
    let more = client.sign_in().into_iter().flat_map(ClientSignIn::sources);
    for source in more {
        if !all.contains(source) {
            all.push(source.clone());
        }
    }
    all
}

/// What the client does past AgentPort, over all of its files.
fn bypass(client: &FoundClient) -> BypassCounts {
    let mut all = BypassCounts::default();
    for file in &client.files {
        if let FoundState::Readable { servers, .. } = &file.state {
            all += BypassCounts::in_servers(servers);
        }
    }
    all
}

fn warn_unreadable(error: &BackupsError) {
    tracing::warn!(error = %ErrorChain(error), "the backups of clients' files cannot be read");
}
