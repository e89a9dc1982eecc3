//! Our own entries in clients' files, and whose they are.

use std::path::Path;

use agentport_api::KeyView;
use agentport_clients::{
    client::Place,
    document::{Document, EditError, ParseError},
    entry::{self, Ours},
    plan::PlanError,
    server::{Launch, Server},
    types::Via,
};
use agentport_core::{Secret, Timestamp, key::Key};

use crate::{
    agents::{self, Made},
    site::Site,
};

/// Every server that stands in the file.
pub(crate) fn servers(place: &Place, bytes: Option<&[u8]>) -> Result<Vec<Server>, PlanError> {
    let parse = |source: ParseError| PlanError::Parse { path: place.path.clone(), source };
    let edit = |source: EditError| PlanError::Edit { path: place.path.clone(), source };
    let entries = Document::parse(place, bytes).map_err(parse)?.servers().map_err(edit)?;
    Ok(entries.iter().map(|(name, value)| entry::read(place.client, name, value)).collect())
}

/// Our entry in a file, with its key where one can be had.
pub(crate) struct Entry {
    pub(crate) ours: Ours,
    pub(crate) key: Option<Secret>,
}

impl Entry {
    pub(crate) fn find(site: &Site, servers: &[Server]) -> Option<Self> {
        let (at, ours) = entry::which_is_ours(servers)?;
        let server = &servers[at];
        let key = match &ours.key_name {
            // Another home has keys of the same names.
            Some(_) if !site.is_current(&ours) => None,
            Some(name) => agents::bridge_key(&site.home, name),
            None => key_in(server),
        };
        Some(Self { ours, key })
    }

    pub(crate) fn is_http(&self) -> bool {
        self.ours.via != Via::Bridge
    }

    /// What the key is known by.
    pub(crate) fn prefix(&self) -> Option<String> {
        let known = self.key.as_ref().and_then(|key| Key::parse(key.expose()));
        known.map(|key| key.shown().to_owned()).or_else(|| self.ours.key_prefix.clone())
    }
}

/// The key in the headers of an entry.
fn key_in(server: &Server) -> Option<Secret> {
    let Launch::Remote { headers, .. } = &server.launch else { return None };
    let words = headers.values().flat_map(|value| value.split(' '));
    words.filter_map(Key::parse).next().map(|key| key.secret().clone())
}

/// The gateway's agents, or that none was asked for them.
pub(crate) struct Agents {
    keys: Option<Vec<KeyView>>,
    made: Made,
    now: Timestamp,
}

impl Agents {
    pub(crate) fn new(home: &Path, keys: Option<Vec<KeyView>>, now: Timestamp) -> Self {
        Self { keys, made: Made::read(home), now }
    }

    fn in_force(&self) -> impl Iterator<Item = &KeyView> {
        let in_force = |key: &&KeyView| {
            key.revoked_at.is_none() && key.expires_at.is_none_or(|end| self.now < end)
        };
        self.keys.iter().flatten().filter(in_force)
    }

    /// Whose entry it is; `None` if that is not known, or its key is no longer in force.
    pub(crate) fn of(&self, path: &Path, entry: &Entry) -> Option<&KeyView> {
        match entry.prefix() {
            Some(prefix) => self.in_force().find(|key| key.prefix == prefix),
            None => self.noted(path),
        }
    }

    /// Who was made for this file, whatever stands there now.
    pub(crate) fn noted(&self, path: &Path) -> Option<&KeyView> {
        let id = self.made.of(path)?;
        self.in_force().find(|key| key.id == id)
    }

    /// The same, unless that agent was made for another file: an entry that was copied has another's key.
    pub(crate) fn its_own(&self, path: &Path, entry: &Entry) -> Option<&KeyView> {
        self.of(path, entry).filter(|key| !self.made.is_of_another(path, key.id))
    }

    /// Does this entry let its own agent in? Where no gateway was asked it is believed to.
    pub(crate) fn let_in(&self, path: &Path, entry: &Entry) -> bool {
        self.keys.is_none() || self.its_own(path, entry).is_some()
    }

    /// Is this the key of an agent that is in force?
    pub(crate) fn lets_in(&self, key: &Secret) -> bool {
        let shown = Key::parse(key.expose()).map(|key| key.shown().to_owned());
        shown.is_some_and(|shown| self.in_force().any(|view| view.prefix == shown))
    }

    /// `wanted`, or with ` 2`, ` 3` … behind it where that is somebody else already.
    pub(crate) fn free_name(&self, wanted: &str) -> String {
        // A name is kept for as long as its key is not revoked, expired or not.
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
