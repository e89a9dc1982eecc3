//! Source of the agent's key, for bridges that have one. It is read again when the gateway refuses it: connecting a client
//! again replaces the key, or takes it away so that the bridge signs in.

use std::{fs, io, path::PathBuf};

use agentport_core::Secret;
use agentport_gateway::data_dir::DataDir;

use crate::{args::AgentKey, context};

/// Reads the key of this bridge.
#[derive(Debug)]
pub(super) struct KeySource {
    home: DataDir,
    from: KeyLocation,
}

#[derive(Debug)]
enum KeyLocation {
    /// The client's own file. No other key is used, which would be another agent's.
    Client {
        name: String,
        file: PathBuf,
    },
    Given(AgentKey),
}

impl KeySource {
    /// `client` names a key file in the data directory. `None`: the name cannot be a file's.
    pub(super) fn new(home: DataDir, client: Option<String>, given: AgentKey) -> Option<Self> {
        let from = match client {
            Some(name) => {
                let file = agentport_setup::bridge_key_file(home.root(), &name)?;
                KeyLocation::Client { name, file }
            }
            None => KeyLocation::Given(given),
        };
        Some(Self { home, from })
    }

    /// The key, if there is one; or a sentence for the agent: why it cannot be read, and what to do.
    pub(super) fn read(&self) -> Result<Option<Secret>, String> {
        match &self.from {
            KeyLocation::Client { name, file } => {
                let read = match fs::read_to_string(file) {
                    Ok(text) => Some(text),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                    Err(error) => {
                        return Err(format!("The key of {name} cannot be read: {error}."));
                    }
                };
                let key = read.map(|text| context::parse_key(&text)).transpose();
                key.map_err(|error| format!("The file with the key of {name} is damaged: {error}."))
            }
            KeyLocation::Given(given) => context::agent_key(given, &self.home)
                .map_err(|error| format!("The key cannot be read: {error:#}.")),
        }
    }
}

/// The sentence for the agent when the gateway refuses the key.
pub(super) const REFUSED: &str = "AgentPort does not let this client in: its key is unknown, revoked or expired. \
                                  Connect the client again: in AgentPort under \"Connect an agent\", or with \
                                  `agentport connect`.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_key_is_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let home = DataDir::open(Some(dir.path().join("home"))).unwrap();
        for bad in ["", "..", "a/b", ".hidden", "a\\b", "a b"] {
            let source = KeySource::new(home.clone(), Some(bad.into()), AgentKey::default());
            assert!(source.is_none(), "{bad}");
        }
        let key = agentport_core::key::Key::from_random([7; 24]).secret().clone();
        let source = KeySource::new(home.clone(), Some("cursor-01ab".into()), AgentKey::default());
        let source = source.unwrap();
        assert!(source.read().unwrap().is_none());
        let keys = home.root().join("clients/keys");
        fs::create_dir_all(&keys).unwrap();
        fs::write(keys.join("cursor-01ab"), format!("{}\n", key.expose())).unwrap();
        assert_eq!(source.read().unwrap().unwrap().expose(), key.expose());
        fs::write(keys.join("cursor-01ab"), "ap_mistyped").unwrap();
        let told = source.read().unwrap_err();
        assert!(told.contains("damaged") && !told.contains("ap_mistyped"), "{told}");
    }
}
