//! The file a plan is made for: parsed, with its servers, and edited step by step.

use std::collections::BTreeSet;

use agentport_core::sanitize;

use super::{BypassCounts, FileChange, Plan, PlanError, WantsKey, folder, placeholder};
use crate::{
    client::{Ineligible, Place},
    document::{Document, EditError},
    entry::{self, ENTRY_NAME, EntryTarget, OwnEntry},
    mcp_server::McpServer,
    types::{ConnectionMethod, FileScope, PlanAction},
};

pub(super) struct ClientFile<'a> {
    pub(super) place: &'a Place,
    before: Option<&'a [u8]>,
    document: Document,
    /// In the order of the file.
    servers: Vec<McpServer>,
    /// Our own entry, by its place in `servers`.
    ours: Option<(usize, OwnEntry)>,
    /// Our entry was inserted with the key's placeholder.
    takes_key: bool,
}

/// What happened to our entry in the plan.
pub(super) enum EntryChange {
    /// It is there already and points to this gateway.
    Already,
    Made {
        via: ConnectionMethod,
        note: Option<String>,
    },
}

impl<'a> ClientFile<'a> {
    pub(super) fn new(place: &'a Place, before: Option<&'a [u8]>) -> Result<Self, PlanError> {
        let document = Document::parse(place, before)
            .map_err(|source| PlanError::Parse { path: place.path.clone(), source })?;
        let entries = document.servers().map_err(|source| edit(place, source))?;
        Ineligible::if_too_many(entries.len())
            .map_err(|source| PlanError::Ineligible { path: place.path.clone(), source })?;
        let servers: Vec<McpServer> =
            entries.iter().map(|(name, value)| entry::read(place.client, name, value)).collect();
        let ours = entry::find_own_entry(&servers);
        Ok(Self { place, before, document, servers, ours, takes_key: false })
    }

    /// Servers that are not ours.
    pub(super) fn foreign(&self) -> impl Iterator<Item = &McpServer> {
        let ours = self.ours.as_ref().map(|(at, _)| *at);
        let all = self.servers.iter().enumerate();
        all.filter(move |(at, _)| ours != Some(*at)).map(|(_, server)| server)
    }

    /// Our own entry.
    pub(super) fn ours(&self) -> Option<(&McpServer, &OwnEntry)> {
        let (at, ours) = self.ours.as_ref()?;
        Some((&self.servers[*at], ours))
    }

    /// Does the name stand more than once in the file?
    pub(super) fn is_twice(&self, name: &str) -> bool {
        self.servers.iter().filter(|server| server.name == name).count() > 1
    }

    /// `false`: it cannot be taken out without touching something else.
    pub(super) fn remove(&mut self, name: &str) -> Result<bool, PlanError> {
        self.remove_all(&BTreeSet::from([name]))
    }

    /// All of them, or, `false`, none.
    pub(super) fn remove_all(&mut self, names: &BTreeSet<&str>) -> Result<bool, PlanError> {
        match self.document.remove_all(names) {
            Ok(_) => {
                self.servers.retain(|server| !names.contains(server.name.as_str()));
                self.ours = entry::find_own_entry(&self.servers);
                Ok(true)
            }
            Err(EditError::WouldTouchMore) => Ok(false),
            Err(source) => Err(edit(self.place, source)),
        }
    }

    /// Makes one entry point to this gateway. `anew` replaces even one that does, because its key is no longer valid.
    pub(super) fn put_ours(
        &mut self,
        via: Option<ConnectionMethod>,
        target: &EntryTarget,
        anew: bool,
    ) -> Result<EntryChange, PlanError> {
        let client = self.place.client;
        let there = self.ours();
        let is_current = there.is_some_and(|(server, ours)| {
            via.is_none_or(|via| via == ours.via) && self.leads_here(server, ours, target)
        });
        if is_current && !anew {
            return Ok(EntryChange::Already);
        }
        let via_of_theirs = there.map(|(_, ours)| ours.via);
        let via_there =
            via_of_theirs.filter(|via| entry::own_entry(client, *via, target).is_some());
        let via = via.or(via_there).unwrap_or_else(|| entry::best_via(client, self.place.scope));
        let Some(value) = entry::own_entry(client, via, target) else {
            return Err(PlanError::NoSuchWay { client: client.name.clone() });
        };
        if via == ConnectionMethod::Http && self.before.is_some_and(placeholder::is_in) {
            return Err(PlanError::HoldsPlaceholder { path: self.place.path.clone() });
        }
        let name = match there {
            Some((server, _)) => server.name.clone(),
            None if self.foreign().any(|server| server.name == ENTRY_NAME) => {
                return Err(PlanError::NameTaken { client: client.name.clone() });
            }
            None => ENTRY_NAME.to_owned(),
        };
        let note = there.map(|(server, ours)| replaced(server, ours, target));
        self.document.set(&name, &value).map_err(|source| edit(self.place, source))?;
        self.takes_key = via == ConnectionMethod::Http;
        Ok(EntryChange::Made { via, note })
    }

    /// Is this entry of ours equivalent to a new one?
    fn leads_here(&self, server: &McpServer, ours: &OwnEntry, target: &EntryTarget) -> bool {
        let wanted = entry::own_entry(self.place.client, ours.via, target)
            .map(|value| entry::read(self.place.client, &server.name, &value));
        !server.disabled
            && wanted.is_some_and(|wanted| match ours.via {
                // Whether its key is valid is not known here.
                ConnectionMethod::Http => {
                    ours.mcp_url.as_ref() == Some(&target.mcp_url) && ours.key_prefix.is_some()
                }
                ConnectionMethod::OAuth
                | ConnectionMethod::HttpEnvironment
                | ConnectionMethod::Bridge => server.launch == wanted.launch,
            })
    }

    /// The servers of the file as it was edited so far.
    fn left(&self) -> Vec<McpServer> {
        let entries = self.document.servers().unwrap_or_default();
        entries.iter().map(|(name, value)| entry::read(self.place.client, name, value)).collect()
    }

    /// The plan for what was done to it so far.
    pub(super) fn plan(self, what: PlanAction, notes: Vec<String>) -> Plan {
        let after = self.document.bytes();
        let changed = self.before.unwrap_or_default() != after;
        let file = FileChange {
            path: self.place.path.clone(),
            target: self.place.target.clone(),
            before: self.before.map(<[u8]>::to_vec),
            after: Some(after.to_vec()),
            mode: None,
        };
        let bypass =
            (what != PlanAction::Disconnect).then(|| BypassCounts::in_servers(&self.left()));
        Plan {
            what,
            place: self.place.clone(),
            files: if changed { vec![file] } else { Vec::new() },
            imports: Vec::new(),
            left: Vec::new(),
            conflicts: Vec::new(),
            key: None,
            takes_key: self.takes_key,
            notes,
            bypass,
        }
    }
}

fn replaced(server: &McpServer, ours: &OwnEntry, target: &EntryTarget) -> String {
    let led_to = match ours.via {
        ConnectionMethod::OAuth | ConnectionMethod::Http | ConnectionMethod::HttpEnvironment => {
            ours.mcp_url.clone().filter(|url| *url != target.mcp_url)
        }
        ConnectionMethod::Bridge if ours.home != target.home => {
            ours.home.as_ref().map(|home| home.to_string_lossy().into_owned())
        }
        ConnectionMethod::Bridge => None,
    };
    let name = sanitize::sanitize_line(&server.name, 80);
    match led_to {
        Some(place) => {
            format!(
                "The entry \"{name}\" leads to {}, and is replaced.",
                sanitize::sanitize_line(&place, 200)
            )
        }
        None if server.disabled => {
            format!("The entry \"{name}\" is switched off, and is replaced.")
        }
        None => format!("The entry \"{name}\" is replaced."),
    }
}

pub(super) fn edit(place: &Place, source: EditError) -> PlanError {
    PlanError::Edit { path: place.path.clone(), source }
}

/// Which agent the new entry is for.
pub(super) fn wants_key(place: &Place, via: ConnectionMethod, target: &EntryTarget) -> WantsKey {
    let agent = match place.folder() {
        Some(folder) => format!("{} ({})", place.client.name, folder::name(&folder)),
        None => place.client.name.clone(),
    };
    WantsKey { agent, via, key_name: target.key_name.clone() }
}

/// Warning for a key that will be written where other accounts or a repository may read it.
pub(super) fn shared_key(place: &Place, via: ConnectionMethod) -> Option<String> {
    (place.scope == FileScope::Project && via == ConnectionMethod::Http).then(|| {
        "The key will stand in a file of the project; whoever gets the file gets the key."
            .to_owned()
    })
}
