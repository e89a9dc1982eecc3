//! `<home>/clients`: which agent was made for which client's file, and the keys of bridges. For this account alone.
//!
//! `agents.json` serves entries that do not hold their key. The gateway decides which agents exist: one that is revoked
//! there is none, whatever this file says.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use agentport_clients::atomic_write;
use agentport_core::{AgentId, Secret, key::Key};
use serde::{Deserialize, Serialize};

/// The directory with everything about clients in a gateway's data directory.
pub(crate) fn directory(home: &Path) -> PathBuf {
    home.join("clients")
}

/// Where `agentport bridge --client <name>` finds its key, below a gateway's home; `None` for an invalid
/// name: the name comes from a client's file, which other programs write, and must not lead out of the directory of keys.
pub fn bridge_key_file(home: &Path, name: &str) -> Option<PathBuf> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_name = !name.is_empty() && name.len() <= 100 && name.chars().all(plain);
    is_name.then(|| directory(home).join("keys").join(name))
}

/// The key of a bridge, if there is one.
pub(crate) fn bridge_key(home: &Path, name: &str) -> Option<Secret> {
    let bytes = atomic_write::read(&bridge_key_file(home, name)?).ok()??;
    let text = String::from_utf8(bytes).ok()?;
    Key::parse(text.trim()).map(|key| key.secret().clone())
}

/// Writes the key of a bridge; `None` removes it. Returns the former key, so that it can be restored.
pub(crate) fn write_bridge_key(
    home: &Path,
    name: &str,
    key: Option<&Secret>,
) -> io::Result<Option<Secret>> {
    let Some(path) = bridge_key_file(home, name) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not the name of a bridge's key"));
    };
    let before = bridge_key(home, name);
    match key {
        Some(key) => atomic_write::replace(&path, Some(format!("{}\n", key.expose()).as_bytes()))?,
        None if path.exists() => atomic_write::replace(&path, None)?,
        None => {}
    }
    Ok(before)
}

/// The agent made for each file, by the file's path.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct AgentsByFile(BTreeMap<PathBuf, AgentId>);

impl AgentsByFile {
    fn file(home: &Path) -> PathBuf {
        directory(home).join("agents.json")
    }

    /// An unreadable file counts as empty: every key can still be revoked in the list of agents.
    pub(crate) fn read(home: &Path) -> Self {
        let bytes = atomic_write::read(&Self::file(home)).ok().flatten().unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    pub(crate) fn of(&self, path: &Path) -> Option<AgentId> {
        self.0.get(path).copied()
    }

    /// Was this agent made for another file?
    pub(crate) fn is_of_another(&self, path: &Path, agent: AgentId) -> bool {
        self.of(path) != Some(agent) && self.0.values().any(|made| *made == agent)
    }

    /// Records which agent a file's entry belongs to; `None` for no entry.
    pub(crate) fn record(home: &Path, path: &Path, agent: Option<AgentId>) -> io::Result<()> {
        let mut made = Self::read(home);
        let before = made.of(path);
        match agent {
            Some(agent) => made.0.insert(path.to_owned(), agent),
            None => made.0.remove(path),
        };
        if before == agent {
            return Ok(());
        }
        atomic_write::replace(&Self::file(home), Some(&serde_json::to_vec_pretty(&made)?))
    }
}

#[cfg(test)]
mod tests {
    use crate::agents::*;

    #[test]
    fn a_bridges_key_is_put_and_taken() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let key = |byte| Key::from_random([byte; 24]).secret().clone();
        assert!(bridge_key(home, "cursor").is_none());
        assert!(write_bridge_key(home, "cursor", Some(&key(1))).unwrap().is_none());
        let before = write_bridge_key(home, "cursor", Some(&key(2))).unwrap().unwrap();
        assert_eq!(before.expose(), key(1).expose());
        assert_eq!(bridge_key(home, "cursor").unwrap().expose(), key(2).expose());
        write_bridge_key(home, "cursor", None).unwrap();
        assert!(bridge_key(home, "cursor").is_none());
        assert!(bridge_key_file(home, "cursor").is_some_and(|file| !file.exists()));
        std::fs::write(directory(home).join("secret"), key(3).expose()).unwrap();
        for name in ["../secret", "", ".", "..", ".hidden", "a/b", "a\\b", "a b"] {
            assert!(bridge_key(home, name).is_none(), "{name}");
            assert!(write_bridge_key(home, name, None).is_err(), "{name}");
        }
        assert!(directory(home).join("secret").exists());
    }

    #[test]
    fn an_agent_is_of_the_file_it_was_made_for() {
        let home = tempfile::tempdir().unwrap();
        let agent = |id| AgentId(uuid::Uuid::from_u128(id));
        let (a, b) = (Path::new("/a"), Path::new("/b"));
        AgentsByFile::record(home.path(), a, Some(agent(1))).unwrap();
        let made = AgentsByFile::read(home.path());
        assert_eq!((made.of(a), made.of(b)), (Some(agent(1)), None));
        assert!(made.is_of_another(b, agent(1)) && !made.is_of_another(a, agent(1)));
        assert!(!made.is_of_another(b, agent(2)), "it was made for no file");
        AgentsByFile::record(home.path(), a, None).unwrap();
        assert_eq!(AgentsByFile::read(home.path()).of(a), None);
        std::fs::write(AgentsByFile::file(home.path()), "damaged").unwrap();
        assert_eq!(AgentsByFile::read(home.path()).of(a), None);
    }
}
