//! Which agent was made for which client's file, and the keys of bridges: in `<home>/clients`, for this account alone.
//!
//! The note of agents is for entries that do not show their key: what the gateway has is what counts, and an agent that
//! is revoked there is none, whatever stands here.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use agentport_clients::write;
use agentport_core::{AgentId, Secret, key::Key};
use serde::{Deserialize, Serialize};

/// The directory of a home that holds what belongs to clients.
pub(crate) fn directory(home: &Path) -> PathBuf {
    home.join("clients")
}

/// Where `agentport bridge --client <name>` finds its key, below a gateway's home; `None` for what is no such name. What
/// stands in a client's file can be anybody's, and a name names a file of the directory of keys and nothing beside it.
pub fn bridge_key_file(home: &Path, name: &str) -> Option<PathBuf> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_name = !name.is_empty() && name.len() <= 100 && name.chars().all(plain);
    is_name.then(|| directory(home).join("keys").join(name))
}

/// The key of a bridge, if there is one.
pub(crate) fn bridge_key(home: &Path, name: &str) -> Option<Secret> {
    let bytes = write::read(&bridge_key_file(home, name)?).ok()??;
    let text = String::from_utf8(bytes).ok()?;
    Key::parse(text.trim()).map(|key| key.secret().clone())
}

/// Gives a bridge its key; `None` takes it away. What was there comes back, for [`put_bridge_key`] to put back.
pub(crate) fn put_bridge_key(
    home: &Path,
    name: &str,
    key: Option<&Secret>,
) -> io::Result<Option<Secret>> {
    let Some(path) = bridge_key_file(home, name) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not the name of a bridge's key"));
    };
    let before = bridge_key(home, name);
    match key {
        Some(key) => write::replace(&path, Some(format!("{}\n", key.expose()).as_bytes()))?,
        None if path.exists() => write::replace(&path, None)?,
        None => {}
    }
    Ok(before)
}

/// The agent made for each file, by the file's path.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Made(BTreeMap<PathBuf, AgentId>);

impl Made {
    fn file(home: &Path) -> PathBuf {
        directory(home).join("agents.json")
    }

    /// What is noted. A note that cannot be read is none: every key can still be revoked where all of them are listed.
    pub(crate) fn read(home: &Path) -> Self {
        let bytes = write::read(&Self::file(home)).ok().flatten().unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    pub(crate) fn of(&self, path: &Path) -> Option<AgentId> {
        self.0.get(path).copied()
    }

    /// Was this agent made for another file?
    pub(crate) fn is_of_another(&self, path: &Path, agent: AgentId) -> bool {
        self.of(path) != Some(agent) && self.0.values().any(|made| *made == agent)
    }

    /// Notes which agent a file's entry is now; `None` for no entry.
    pub(crate) fn note(home: &Path, path: &Path, agent: Option<AgentId>) -> io::Result<()> {
        let mut made = Self::read(home);
        let before = made.of(path);
        match agent {
            Some(agent) => made.0.insert(path.to_owned(), agent),
            None => made.0.remove(path),
        };
        if before == agent {
            return Ok(());
        }
        write::replace(&Self::file(home), Some(&serde_json::to_vec_pretty(&made)?))
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
        assert!(put_bridge_key(home, "cursor", Some(&key(1))).unwrap().is_none());
        let before = put_bridge_key(home, "cursor", Some(&key(2))).unwrap().unwrap();
        assert_eq!(before.expose(), key(1).expose());
        assert_eq!(bridge_key(home, "cursor").unwrap().expose(), key(2).expose());
        put_bridge_key(home, "cursor", None).unwrap();
        assert!(bridge_key(home, "cursor").is_none());
        assert!(bridge_key_file(home, "cursor").is_some_and(|file| !file.exists()));
        std::fs::write(directory(home).join("secret"), key(3).expose()).unwrap();
        for name in ["../secret", "", ".", "..", ".hidden", "a/b", "a\\b", "a b"] {
            assert!(bridge_key(home, name).is_none(), "{name}");
            assert!(put_bridge_key(home, name, None).is_err(), "{name}");
        }
        assert!(directory(home).join("secret").exists());
    }

    #[test]
    fn an_agent_is_of_the_file_it_was_made_for() {
        let home = tempfile::tempdir().unwrap();
        let agent = |id| AgentId(uuid::Uuid::from_u128(id));
        let (a, b) = (Path::new("/a"), Path::new("/b"));
        Made::note(home.path(), a, Some(agent(1))).unwrap();
        let made = Made::read(home.path());
        assert_eq!((made.of(a), made.of(b)), (Some(agent(1)), None));
        assert!(made.is_of_another(b, agent(1)) && !made.is_of_another(a, agent(1)));
        assert!(!made.is_of_another(b, agent(2)), "nothing is known of it");
        Made::note(home.path(), a, None).unwrap();
        assert_eq!(Made::read(home.path()).of(a), None);
        std::fs::write(Made::file(home.path()), "damaged").unwrap();
        assert_eq!(Made::read(home.path()).of(a), None);
    }
}
