//! The API key of our entry in a client's file, before and after a plan.
//!
//! A file keeps its agent as long as the key can be read, because rules may be bound to it. A key that is lost or no
//! longer valid is replaced, and the former agent's key is revoked.

use std::path::Path;

use agentport_clients::{
    atomic_write,
    client::Place,
    entry::{self, OwnEntry},
    plan::{self, FileChange, ModeChange, Plan, WantsKey},
    types::{ConnectionMethod, PlanAction},
};
use agentport_core::{AgentId, Secret};

use crate::{
    entries::{self, EntryInFile, KnownAgents},
    error::SetupError,
    installation::Installation,
    prepare::PreparedPlan,
};

/// The key of the entry after the plan.
pub(crate) enum EntryKey {
    /// No entry with a key is written.
    None,
    /// The file's agent keeps its key.
    Kept { key: Secret, agent: Option<AgentId>, wants: WantsKey },
    /// A new agent gets a new key.
    New(WantsKey),
}

impl Installation {
    /// Adds a new key to a plan that would keep an entry whose key is no longer valid.
    pub(crate) fn renew_key(
        &self,
        plan: &mut Plan,
        before: Option<&[u8]>,
        via: Option<ConnectionMethod>,
        agents: &KnownAgents,
    ) -> Result<(), SetupError> {
        let servers = entries::servers(&plan.place, before)?;
        let Some(entry) = EntryInFile::find(self, &servers) else { return Ok(()) };
        if plan.key.is_some() || agents.admits(&plan.place.path, &entry) {
            return Ok(());
        }
        let is_it = |change: &plan::FileChange| change.path == plan.place.path;
        let at = plan.files.iter().position(is_it);
        let after = at.map_or(before, |at| plan.files[at].after.as_deref());
        let mut anew = plan::reconnect(&plan.place, after, via, &self.target(&plan.place))?;
        match (at, anew.files.pop()) {
            (Some(at), Some(change)) => plan.files[at].after = change.after,
            (None, Some(change)) => plan.files.push(change),
            // A bridge: its key alone is replaced.
            (_, None) => {}
        }
        plan.key = anew.key;
        plan.takes_key = anew.takes_key;
        if plan.what == PlanAction::Connect {
            // That it is connected already.
            plan.notes.clear();
        }
        plan.notes.push("The key it has is not let in any more, or is another's.".to_owned());
        Ok(())
    }

    /// Works out which agent the entry belongs to before and after, and so which key is made, kept or revoked.
    pub(crate) fn plan_key(
        &self,
        prepared: &mut PreparedPlan,
        before: Option<&[u8]>,
        agents: &KnownAgents,
    ) -> Result<(), SetupError> {
        let plan = &mut prepared.plan;
        let path = &plan.place.path;
        let servers = entries::servers(&plan.place, before).unwrap_or_default();
        let entry = EntryInFile::find(self, &servers);
        let Some(mut wants) = plan.key.take() else {
            let change = plan.files.iter().find(|change| change.path == *path);
            if let (Some(entry), Some(change)) = (entry, change)
                && !keeps_key(&plan.place, change.after.as_deref(), &entry.ours)
            {
                let agent = agents.its_own(path, &entry);
                prepared.revokes = agent.map(|key| (key.id, key.name.clone()));
                let own = self.target(&plan.place).key_name;
                prepared.drops_bridge_key = entry.ours.key_name.filter(|name| *name == own);
            }
            return Ok(());
        };
        if wants.via == ConnectionMethod::Bridge && !self.has_bridge() {
            return Err(SetupError::NoProgram { client: prepared.client.name.clone() });
        }
        if wants.via == ConnectionMethod::Http {
            close_to_others(path, &mut plan.files, &mut plan.notes);
        }
        // The file keeps its agent: rules may be bound to it.
        let kept = entry.as_ref().filter(|entry| agents.admits(path, entry));
        let agent = kept.and_then(|entry| agents.its_own(path, entry));
        if let Some(entry) = kept {
            let lost = entry.ours.key_name.clone();
            let lost = lost
                .filter(|name| wants.via != ConnectionMethod::Bridge && *name == wants.key_name);
            if let Some(key) = entry.key.clone() {
                if plan.takes_key {
                    let its_own = plan.files.iter_mut().filter(|change| change.path == *path);
                    its_own.for_each(|change| unchanged_with(&key, change));
                }
                prepared.drops_bridge_key = lost;
                let agent = agent.map(|key| key.id);
                prepared.key = EntryKey::Kept { key, agent, wants };
                return Ok(());
            }
            if entry.ours.via == ConnectionMethod::HttpEnvironment
                && wants.via == ConnectionMethod::HttpEnvironment
            {
                // The key is in the variable, and only there.
                return Ok(());
            }
        }
        // The former agent, whose key cannot be kept, is replaced.
        let gone = agent.or_else(|| agents.recorded_for(path));
        prepared.revokes = gone.map(|key| (key.id, key.name.clone()));
        wants.agent = agents.free_name(&wants.agent);
        prepared.key = EntryKey::New(wants);
        Ok(())
    }
}

/// A file that other accounts can read is closed to them when it gets a key.
fn close_to_others(path: &Path, files: &mut [FileChange], notes: &mut Vec<String>) {
    let Some(change) = files.iter_mut().find(|change| change.path == *path) else { return };
    let mode = atomic_write::mode(path);
    let Some(mode @ ModeChange { from, to }) = mode.and_then(ModeChange::closing) else { return };
    change.mode = Some(mode);
    let words = match is_open_to_others(path) {
        true => {
            "Other accounts of this machine can read the file. It gets a key, so it is closed to them"
        }
        false => "The file gets a key, so it is closed to other accounts",
    };
    notes.push(format!("{words}: mode {from:04o} becomes {to:04o}."));
}

/// Can other accounts read the file, by its mode and that of the folders above it?
#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let allows = |path: &Path, bit: u32| {
        std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & bit != 0)
    };
    allows(path, 0o004) && path.ancestors().skip(1).all(|folder| allows(folder, 0o001))
}

#[cfg(not(unix))]
fn is_open_to_others(_path: &Path) -> bool {
    false
}

/// Does the file hold the same key afterwards?
fn keeps_key(place: &Place, after: Option<&[u8]>, ours: &OwnEntry) -> bool {
    let servers = entries::servers(place, after).unwrap_or_default();
    let entries = servers.iter().filter_map(entry::as_own_entry);
    entries.into_iter().any(|other| {
        other.via == ours.via
            && other.key_prefix == ours.key_prefix
            && other.key_name == ours.key_name
    })
}

/// Drops a change that would only write the same key again.
fn unchanged_with(key: &Secret, change: &mut FileChange) {
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return };
    if plan::with_key(after, key).as_ref() == Some(before) {
        change.after = change.before.clone();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use crate::keys::*;

    #[test]
    fn a_file_is_open_if_the_way_to_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("mcp.json");
        fs::write(&file, "{}").unwrap();
        let check = |of_file: u32, of_directory: u32| {
            fs::set_permissions(&file, fs::Permissions::from_mode(of_file)).unwrap();
            fs::set_permissions(directory.path(), fs::Permissions::from_mode(of_directory))
                .unwrap();
            is_open_to_others(&file)
        };
        assert!(!check(0o600, 0o755));
        assert!(!check(0o644, 0o700));
        assert!(check(0o644, 0o755), "the directory for temporary files is everybody's");
        assert!(!is_open_to_others(&directory.path().join("missing")));
    }
}
