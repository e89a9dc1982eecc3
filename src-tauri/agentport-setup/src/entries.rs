//! AgentPort's entry in a client's file, and the agent it belongs to.

use std::path::Path;

use agentport_api::KeyView;
use agentport_clients::{
    client::Place,
    document::{Document, EditError, ParseError},
    entry::{self, OwnEntry},
    mcp_server::{Launch, McpServer},
    plan::PlanError,
    types::ConnectionMethod,
};
use agentport_core::{Secret, Timestamp, key::Key};

use crate::{
    agents::{self, AgentsByFile},
    installation::Installation,
};

/// Every server of the file.
pub(crate) fn servers(place: &Place, bytes: Option<&[u8]>) -> Result<Vec<McpServer>, PlanError> {
    let parse = |source: ParseError| PlanError::Parse { path: place.path.clone(), source };
    let edit = |source: EditError| PlanError::Edit { path: place.path.clone(), source };
    let entries = Document::parse(place, bytes).map_err(parse)?.servers().map_err(edit)?;
    Ok(entries.iter().map(|(name, value)| entry::read(place.client, name, value)).collect())
}

/// Our entry in a file, with its key where it can be read.
pub(crate) struct EntryInFile {
    pub(crate) ours: OwnEntry,
    pub(crate) key: Option<Secret>,
}

impl EntryInFile {
    pub(crate) fn find(installation: &Installation, servers: &[McpServer]) -> Option<Self> {
        let (at, ours) = entry::find_own_entry(servers)?;
        let server = &servers[at];
        let key = match &ours.key_name {
            // Another home has keys of the same names.
            Some(_) if !installation.is_current(&ours) => None,
            Some(name) => agents::bridge_key(&installation.home, name),
            None => key_in(server),
        };
        Some(Self { ours, key })
    }

    pub(crate) fn is_http(&self) -> bool {
        self.ours.via != ConnectionMethod::Bridge
    }

    /// The visible prefix of the key.
    pub(crate) fn prefix(&self) -> Option<String> {
        let known = self.key.as_ref().and_then(|key| Key::parse(key.expose()));
        known.map(|key| key.shown().to_owned()).or_else(|| self.ours.key_prefix.clone())
    }
}

/// The key in the headers of an entry.
fn key_in(server: &McpServer) -> Option<Secret> {
    let Launch::Remote { headers, .. } = &server.launch else { return None };
    let words = headers.values().flat_map(|value| value.split(' '));
    words.filter_map(Key::parse).next().map(|key| key.secret().clone())
}

/// The gateway's agents, and which file each was made for.
pub(crate) struct KnownAgents {
    /// `None`: no gateway was asked.
    keys: Option<Vec<KeyView>>,
    made: AgentsByFile,
    now: Timestamp,
}

impl KnownAgents {
    pub(crate) fn new(home: &Path, keys: Option<Vec<KeyView>>, now: Timestamp) -> Self {
        Self { keys, made: AgentsByFile::read(home), now }
    }

    fn valid_keys(&self) -> impl Iterator<Item = &KeyView> {
        let in_force = |key: &&KeyView| {
            key.revoked_at.is_none() && key.expires_at.is_none_or(|end| self.now < end)
        };
        self.keys.iter().flatten().filter(in_force)
    }

    /// The agent of an entry; `None` if it is not known or its key is no longer valid.
    pub(crate) fn of(&self, path: &Path, entry: &EntryInFile) -> Option<&KeyView> {
        match entry.prefix() {
            Some(prefix) => self.valid_keys().find(|key| key.prefix == prefix),
            None => self.recorded_for(path),
        }
    }

    /// The agent that was made for this file, whatever the file holds now.
    pub(crate) fn recorded_for(&self, path: &Path) -> Option<&KeyView> {
        let id = self.made.of(path)?;
        self.valid_keys().find(|key| key.id == id)
    }

    /// As [`Self::of`], without agents that were made for another file: a copied entry holds the key of the other file.
    pub(crate) fn its_own(&self, path: &Path, entry: &EntryInFile) -> Option<&KeyView> {
        self.of(path, entry).filter(|key| !self.made.is_of_another(path, key.id))
    }

    /// Is the entry's key its own and valid? Assumed where no gateway was asked.
    pub(crate) fn admits(&self, path: &Path, entry: &EntryInFile) -> bool {
        self.keys.is_none() || self.its_own(path, entry).is_some()
    }

    /// Is the key valid?
    pub(crate) fn is_in_force(&self, key: &Secret) -> bool {
        let shown = Key::parse(key.expose()).map(|key| key.shown().to_owned());
        shown.is_some_and(|shown| self.valid_keys().any(|view| view.prefix == shown))
    }

    /// `wanted`, or with ` 2`, ` 3` … behind it where another agent has that name.
    pub(crate) fn free_name(&self, wanted: &str) -> String {
        // An expired key keeps its name; only revoking frees it.
        let is_free = |name: &str| {
            !self.keys.iter().flatten().any(|key| key.name == name && key.revoked_at.is_none())
        };
        if is_free(wanted) {
            return wanted.to_owned();
        }
        let numbered = (2..).map(|number| format!("{wanted} {number}"));
        numbered.take(1_000).find(|name| is_free(name)).unwrap_or_else(|| wanted.to_owned())
    }
}
