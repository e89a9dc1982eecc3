//! The API key of our entry in a client's file, before and after a plan.
//!
//! A file keeps its agent as long as the key can be read, because rules may be bound to it. A key that is lost or no
//! longer valid is replaced, and the former agent's key is revoked. A client that signs in by OAuth, and a bridge, get no
//! new key.

use std::path::Path;

use agentport_api::KeyView;
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
    sign_ins,
};

/// The key of the entry after the plan.
pub(crate) enum EntryKey {
    /// No entry with a key is written.
    None,
    /// The file's agent keeps its key.
    Kept { key: Secret, agent: Option<AgentId>, wants: WantsKey },
    /// A new agent gets a new key.
    New(WantsKey),
    /// There is none: the client or its bridge signs in by OAuth.
    SignIn(WantsKey),
}

/// An agent that loses its entry and is shut out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RevokedAgent {
    pub(crate) id: AgentId,
    pub(crate) name: String,
    /// It signed in by OAuth, and has no key.
    pub(crate) signed_in: bool,
}

impl From<&KeyView> for RevokedAgent {
    fn from(agent: &KeyView) -> Self {
        Self { id: agent.id, name: agent.name.clone(), signed_in: agent.oauth.is_some() }
    }
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
        if plan.key.is_some() || agents.admits(&plan.place, &entry) {
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
        let servers = entries::servers(&prepared.plan.place, before).unwrap_or_default();
        let entry = EntryInFile::find(self, &servers);
        let Some(wants) = prepared.plan.key.take() else {
            self.plan_loss(prepared, entry, agents);
            return Ok(());
        };
        if wants.via == ConnectionMethod::Bridge && !self.has_bridge() {
            return Err(SetupError::NoProgram { client: prepared.client.name.clone() });
        }
        let plan = &mut prepared.plan;
        if wants.via == ConnectionMethod::Http {
            close_to_others(&plan.place.path, &mut plan.files, &mut plan.notes);
        }
        // The file keeps its agent: rules may be bound to it.
        let kept = entry.as_ref().filter(|entry| agents.admits(&plan.place, entry));
        if let Some(entry) = kept
            && wants.via != ConnectionMethod::OAuth
            && keep_key(prepared, entry, &wants, agents)
        {
            return Ok(());
        }
        self.plan_agent(prepared, entry.as_ref(), wants, agents);
        Ok(())
    }

    /// A plan that writes no entry: the agent of the entry that goes is shut out.
    fn plan_loss(
        &self,
        prepared: &mut PreparedPlan,
        entry: Option<EntryInFile>,
        agents: &KnownAgents,
    ) {
        let place = &prepared.plan.place;
        let change = prepared.plan.files.iter().find(|change| change.path == place.path);
        if let (Some(entry), Some(change)) = (entry, change)
            && !keeps_key(place, change.after.as_deref(), &entry.ours)
        {
            prepared.revokes = agents.its_own(place, &entry).map(RevokedAgent::from);
            let own = self.target(place).key_name;
            prepared.drops_bridge = entry.ours.key_name.filter(|name| *name == own);
        }
    }

    /// A plan whose entry gets a new agent, or one that signs in: the former agent, whose key cannot be kept, is shut out.
    fn plan_agent(
        &self,
        prepared: &mut PreparedPlan,
        entry: Option<&EntryInFile>,
        mut wants: WantsKey,
        agents: &KnownAgents,
    ) {
        let place = &prepared.plan.place;
        // It signs in as before, at another address or with another program.
        let same = entry.filter(|entry| entry.signs_in() && entry.ours.via == wants.via);
        if same.is_none() {
            let admitted = entry.filter(|entry| agents.admits(place, entry));
            let gone = admitted
                .and_then(|entry| agents.its_own(place, entry))
                .or_else(|| agents.recorded_for(&place.path));
            prepared.revokes = gone.map(RevokedAgent::from);
            let bridge = entry.and_then(|entry| entry.ours.key_name.clone());
            prepared.drops_bridge = bridge.filter(|name| *name == wants.key_name);
        }
        if wants.via.has_key() {
            wants.agent = agents.free_name(&wants.agent);
            prepared.key = EntryKey::New(wants);
            return;
        }
        if prepared.revokes.as_ref().is_some_and(|agent| !agent.signed_in) {
            prepared.plan.notes.push(NEW_AGENT_NOTE.to_owned());
        }
        prepared.plan.notes.push(sign_ins::plan_note(prepared.client, wants.via));
        prepared.key = EntryKey::SignIn(wants);
    }
}

/// Note on a plan that replaces a key by a sign-in.
const NEW_AGENT_NOTE: &str =
    "Signed in, it is a new agent: rules and a profile that name the former one do not go over.";

/// Keeps the key of the entry and its agent, where the key can be read or need not be.
fn keep_key(
    prepared: &mut PreparedPlan,
    entry: &EntryInFile,
    wants: &WantsKey,
    agents: &KnownAgents,
) -> bool {
    let plan = &mut prepared.plan;
    let lost = entry.ours.key_name.clone();
    let lost = lost.filter(|name| wants.via != ConnectionMethod::Bridge && *name == wants.key_name);
    if let Some(key) = entry.key.clone() {
        if plan.takes_key {
            let path = &plan.place.path;
            let its_own = plan.files.iter_mut().filter(|change| change.path == *path);
            its_own.for_each(|change| unchanged_with(&key, change));
        }
        let agent = agents.its_own(&plan.place, entry).map(|key| key.id);
        prepared.drops_bridge = lost;
        prepared.key = EntryKey::Kept { key, agent, wants: wants.clone() };
        return true;
    }
    // The key is in the variable, and only there.
    entry.ours.via == ConnectionMethod::HttpEnvironment
        && wants.via == ConnectionMethod::HttpEnvironment
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
