//! The key this client shows the gateway, read anew whenever it is needed: connecting a client again replaces it.

use std::{fs, io, path::PathBuf};

use agentport_core::Secret;
use agentport_gateway::data_dir::DataDir;

use crate::{args::AgentKey, context};

/// Where the key comes from.
#[derive(Debug)]
pub(super) struct KeySource {
    home: DataDir,
    from: From,
}

#[derive(Debug)]
enum From {
    /// A file of this client's own. Where it is missing no other key will do: it would be another agent's.
    Client {
        name: String,
        file: PathBuf,
    },
    Given(AgentKey),
}

impl KeySource {
    /// `client` is the name of a file of keys; `None` if it is no name of one.
    pub(super) fn new(home: DataDir, client: Option<String>, given: AgentKey) -> Option<Self> {
        let from = match client {
            Some(name) => {
                let file = agentport_setup::bridge_key_file(home.root(), &name)?;
                From::Client { name, file }
            }
            None => From::Given(given),
        };
        Some(Self { home, from })
    }

    /// The key, or a sentence that says why there is none and what to do.
    pub(super) fn read(&self) -> Result<Secret, String> {
        let key = match &self.from {
            From::Client { name, file } => {
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
            From::Given(given) => context::agent_key(given, &self.home)
                .map_err(|error| format!("The key cannot be read: {error:#}.")),
        };
        key?.ok_or_else(|| match &self.from {
            From::Client { name, .. } => format!(
                "AgentPort has no key for {name} any more. Connect it again: in AgentPort under \"Connect an agent\", \
                 or with `agentport connect {name}`."
            ),
            From::Given(_) => "AgentPort needs a key to let this client in. Connect the client in AgentPort under \
                               \"Connect an agent\", or store a key with `agentport auth login`."
                .into(),
        })
    }
}

/// What to say when the gateway does not know the key.
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
        assert!(source.read().unwrap_err().contains("agentport connect cursor-01ab"));
        let keys = home.root().join("clients/keys");
        fs::create_dir_all(&keys).unwrap();
        fs::write(keys.join("cursor-01ab"), format!("{}\n", key.expose())).unwrap();
        assert_eq!(source.read().unwrap().expose(), key.expose());
        fs::write(keys.join("cursor-01ab"), "ap_mistyped").unwrap();
        let told = source.read().unwrap_err();
        assert!(told.contains("damaged") && !told.contains("ap_mistyped"), "{told}");
    }
}
