//! Every client with its files, its servers and our entry in it, as it is shown.

use std::{io, path::Path};

use agentport_api::KeyView;
use agentport_clients::{
    backups::{Backups, BackupsError},
    client::Place,
    discover::{FoundFile, FoundState, discover},
    entry,
    server::Server,
    types::{ClientView, Connected, FileState, FileView, ServerView},
    write,
};

use crate::{
    aside::aside,
    entries::{Agents, Entry},
    problem::chain,
    servers,
    site::Site,
};

impl Site {
    /// Every client we know, those found first; with the files of `folder`, if one is given. `agents` are the gateway's,
    /// where it was asked for them.
    pub(crate) async fn look(&self, folder: Option<&Path>, agents: &Agents) -> Vec<ClientView> {
        let machine = self.machine.clone();
        let home = self.home.clone();
        let folder = folder.map(Path::to_owned);
        let looked = aside(move || {
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
        // What was kept is one thing, what is there another: the one cannot hide the other.
        let backups = self.backups_if_any().await.inspect_err(cannot_tell).ok().flatten();
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
                sources: client.client.sources().to_vec(),
                speaks_http: client.client.speaks_http(),
                restart: client.client.restart().map(str::to_owned),
                files,
            });
        }
        views
    }

    /// The same where no gateway is asked: whose key an entry shows is not known then.
    pub async fn clients(&self, folder: Option<&Path>) -> Vec<ClientView> {
        self.look(folder, &self.agents(None)).await
    }

    pub(crate) fn agents(&self, keys: Option<Vec<KeyView>>) -> Agents {
        Agents::new(&self.home, keys, agentport_gateway::clock::now())
    }

    async fn file(
        &self,
        file: &FoundFile,
        views: Vec<ServerView>,
        agents: &Agents,
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
                (state, write::read(&place.path).ok().flatten())
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
                .inspect_err(cannot_tell)
                .unwrap_or(false),
            None => false,
        };
        let path = place.path.display().to_string();
        FileView { path, scope: place.scope, state, connected, can_restore }
    }

    fn connected(&self, place: &Place, servers: &[Server], agents: &Agents) -> Option<Connected> {
        let entry = Entry::find(self, servers)?;
        let (at, _) = entry::which_is_ours(servers)?;
        let current =
            self.is_current(&entry.ours) && self.is_as_written(place, &servers[at], &entry);
        // Another's program, or one that shows another file's key, says nothing of the agent made for this one.
        let agent = agents.of(&place.path, &entry).filter(|_| current || entry.is_http());
        Some(Connected {
            via: entry.ours.via,
            current,
            agent: agent.map(|key| key.id),
            first_call_at: agent.and_then(|key| key.first_call_at),
            last_used_at: agent.and_then(|key| key.last_used_at),
        })
    }
}

fn cannot_tell(error: &BackupsError) {
    let error = chain(error);
    tracing::warn!(error, "what was kept of clients' files cannot be told");
}
