//! The merge server by server.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Sides;
use crate::{client::Place, document::Document, entry::ENTRY_NAME, types::OnConflict};

type Servers = Vec<(String, Value)>;

/// The three contents, read.
pub(super) struct MergeInputs {
    ours: Servers,
    now: Document,
    servers_now: Servers,
    before: Servers,
}

/// What becomes of a server.
enum EntryFate<'a> {
    /// As it is now.
    Stays,
    /// As it was before us: `None` takes it out.
    GoesBack(Option<&'a Value>),
    /// Both changed it.
    Disputed(Option<&'a Value>),
}

pub(super) fn parses(place: &Place, text: &str) -> bool {
    servers(place, text).is_some()
}

fn servers(place: &Place, text: &str) -> Option<Servers> {
    Document::parse(place, Some(text.as_bytes())).ok()?.servers().ok()
}

fn find<'a>(servers: &'a Servers, name: &str) -> Option<&'a Value> {
    servers.iter().find(|(known, _)| known == name).map(|(_, entry)| entry)
}

impl MergeInputs {
    /// `None` if one of them does not parse.
    pub(super) fn parse(place: &Place, sides: &Sides<'_>) -> Option<Self> {
        let now = Document::parse(place, Some(sides.now.as_bytes())).ok()?;
        Some(Self {
            ours: servers(place, sides.ours)?,
            servers_now: now.servers().ok()?,
            now,
            before: servers(place, sides.before)?,
        })
    }

    /// Does a merge by lines have the servers that it should?
    pub(super) fn agrees_with(&self, place: &Place, merged: &str) -> bool {
        let Some(merged) = servers(place, merged) else { return false };
        // The same name twice is not wanted.
        let names: BTreeSet<&str> = merged.iter().map(|(name, _)| name.as_str()).collect();
        names.len() == merged.len()
            && names.iter().all(|name| self.names().contains(name))
            && self.names().into_iter().all(|name| match self.fate(name) {
                EntryFate::Stays => find(&merged, name) == find(&self.servers_now, name),
                EntryFate::GoesBack(entry) => find(&merged, name) == entry,
                EntryFate::Disputed(_) => false,
            })
    }

    /// The file as it is now, edited. `None` if something is disputed and not chosen, or if it cannot be edited.
    pub(super) fn edit(&self, on_conflict: Option<OnConflict>) -> Option<Vec<u8>> {
        let mut document = self.now.clone();
        for name in self.names() {
            let entry = match (self.fate(name), on_conflict) {
                (EntryFate::Stays, _) | (EntryFate::Disputed(_), Some(OnConflict::KeepCurrent)) => {
                    continue;
                }
                (EntryFate::GoesBack(entry), _)
                | (EntryFate::Disputed(entry), Some(OnConflict::TakeOriginal)) => entry,
                (EntryFate::Disputed(_), None) => return None,
            };
            match entry {
                Some(entry) => document.set(name, entry).ok()?,
                None => document.remove(name).map(drop).ok()?,
            }
        }
        Some(document.bytes().to_vec())
    }

    /// Each once: those from before in their order, then ours, then the others.
    fn names(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        [&self.before, &self.ours, &self.servers_now]
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .filter(|name| seen.insert(*name))
            .collect()
    }

    fn fate(&self, name: &str) -> EntryFate<'_> {
        let [ours, now, before] =
            [&self.ours, &self.servers_now, &self.before].map(|servers| find(servers, name));
        // Our own entry is gone: an earlier one of ours is not missed, which goes in the end as well.
        let is_ours_gone = name == ENTRY_NAME && now.is_none();
        if ours == before || now == before || is_ours_gone {
            EntryFate::Stays
        } else if now == ours {
            EntryFate::GoesBack(before)
        } else {
            EntryFate::Disputed(before)
        }
    }
}
