//! AgentPort's entry in a client's file, and the agent it belongs to.

use std::{collections::HashSet, path::Path};

use agentport_api::{AgentSignIn, KeyView};
use agentport_clients::{
    client::{Client, Place},
    document::{Document, EditError, ParseError},
    entry::{self, OwnEntry},
    mcp_server::{Launch, McpServer},
    plan::PlanError,
    types::ConnectionMethod,
};
use agentport_core::{AgentId, Secret, Timestamp, key::Key};

use crate::{
    agents::{self, AgentsByFile},
    bridge_sign_in::{self, SignInFile},
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
    /// There is a file for the bridge's key, whatever is in it: the bridge uses that, and does not sign in.
    has_key_file: bool,
    /// The agent that the bridge has signed in as.
    bridge_agent: Option<AgentId>,
}

impl EntryInFile {
    pub(crate) fn find(installation: &Installation, servers: &[McpServer]) -> Option<Self> {
        let (at, ours) = entry::find_own_entry(servers)?;
        let home = &installation.home;
        // Another home has keys of the same names.
        let bridge = ours.key_name.as_ref().filter(|_| installation.is_current(&ours));
        let key = match (&ours.key_name, bridge) {
            (None, _) => key_in(&servers[at]),
            (Some(_), bridge) => bridge.and_then(|name| agents::bridge_key(home, name)),
        };
        let has_key_file = bridge
            .and_then(|name| agents::bridge_key_file(home, name))
            .is_some_and(|file| file.exists());
        let sign_in = bridge.and_then(|name| SignInFile::of(home, name)).map(|file| file.read());
        let bridge_agent = sign_in.and_then(|sign_in| sign_in.agent);
        Some(Self { ours, key, has_key_file, bridge_agent })
    }

    pub(crate) fn is_http(&self) -> bool {
        self.ours.via.has_url()
    }

    /// Does it get in by OAuth, without a key?
    pub(crate) fn signs_in(&self) -> bool {
        match self.ours.via {
            ConnectionMethod::OAuth => true,
            ConnectionMethod::Bridge => !self.has_key_file,
            ConnectionMethod::Http | ConnectionMethod::HttpEnvironment => false,
        }
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
    /// Agents that bridges have signed in as.
    of_bridges: HashSet<AgentId>,
    now: Timestamp,
}

impl KnownAgents {
    pub(crate) fn new(home: &Path, keys: Option<Vec<KeyView>>, now: Timestamp) -> Self {
        let of_bridges = bridge_sign_in::signed_in_agents(home);
        Self { keys, made: AgentsByFile::read(home), of_bridges, now }
    }

    /// Was a gateway asked?
    pub(crate) fn were_asked(&self) -> bool {
        self.keys.is_some()
    }

    fn valid_keys(&self) -> impl Iterator<Item = &KeyView> {
        let in_force = |key: &&KeyView| {
            key.revoked_at.is_none() && key.expires_at.is_none_or(|end| self.now < end)
        };
        self.keys.iter().flatten().filter(in_force)
    }

    /// The agents that are signed in by OAuth.
    fn signed_in(&self) -> impl Iterator<Item = (&KeyView, &AgentSignIn)> {
        self.valid_keys()
            .filter_map(|key| Some((key, key.oauth.as_ref().filter(|it| it.valid > 0)?)))
    }

    /// The agent that this client has signed in as by itself; of several, the one that was used last. A client is known
    /// by what it says of itself: see [`agentport_clients::client::ClientSignIn::fits`].
    pub(crate) fn signed_in_as(&self, client: &Client) -> Option<&KeyView> {
        let how = client.sign_in()?;
        let fits = |(key, sign_in): &(&KeyView, &AgentSignIn)| {
            how.fits(sign_in) && !self.of_bridges.contains(&key.id)
        };
        let last =
            |(key, sign_in): &(&KeyView, &AgentSignIn)| (key.last_used_at, sign_in.granted_at);
        self.signed_in().filter(fits).max_by_key(last).map(|(key, _)| key)
    }

    /// The agent of an entry; `None` if it is not known, its key is no longer valid, or it is not signed in.
    pub(crate) fn of(&self, place: &Place, entry: &EntryInFile) -> Option<&KeyView> {
        if let Some(prefix) = entry.prefix() {
            return self.valid_keys().find(|key| key.prefix == prefix);
        }
        match entry.ours.via {
            ConnectionMethod::OAuth => self.signed_in_as(place.client),
            ConnectionMethod::Bridge => {
                let id = entry.bridge_agent?;
                self.signed_in().find(|(key, _)| key.id == id).map(|(key, _)| key)
            }
            ConnectionMethod::Http | ConnectionMethod::HttpEnvironment => {
                self.recorded_for(&place.path)
            }
        }
    }

    /// The agent that was made for this file, whatever the file holds now.
    pub(crate) fn recorded_for(&self, path: &Path) -> Option<&KeyView> {
        let id = self.made.of(path)?;
        self.valid_keys().find(|key| key.id == id)
    }

    /// As [`Self::of`], without agents that were made for another file: a copied entry holds the key of the other file.
    pub(crate) fn its_own(&self, place: &Place, entry: &EntryInFile) -> Option<&KeyView> {
        self.of(place, entry).filter(|key| !self.made.is_of_another(&place.path, key.id))
    }

    /// Is the entry's key its own and valid, or does it need none? Assumed where no gateway was asked.
    pub(crate) fn admits(&self, place: &Place, entry: &EntryInFile) -> bool {
        self.keys.is_none() || entry.signs_in() || self.its_own(place, entry).is_some()
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
