//! `vault.json` in the data directory: where the master key is stored, and a check value to recognise it.
//!
//! Holds nothing secret. It is written last when a vault is made, and never again but for the passphrase file's path, and
//! when the owner says later that this kind is meant.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    VaultError,
    seal::{MasterKey, Vault},
};
use crate::data_dir::{DataDir, write_private};

/// Id and plain text of the check value.
const CHECK_ID: &str = "vault check";
const CHECK: &[u8] = b"agentport";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum KeyKind {
    Keychain,
    KeyFile,
    PassphraseFile,
}

impl KeyKind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::KeyFile => "key-file",
            Self::PassphraseFile => "passphrase-file",
        }
    }
}

/// Where the key is stored, with the data needed to find it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum KeyLocation {
    /// Under this user of the service `agentport`. Recorded, so that a home that was moved finds its key.
    Keychain {
        user: String,
    },
    KeyFile,
    PassphraseFile {
        path: PathBuf,
        /// Base64.
        salt: String,
        #[serde(flatten)]
        cost: ArgonCost,
    },
}

/// Argon2id's parameters (RFC 9106): KiB of memory, passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ArgonCost {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
}

impl KeyLocation {
    pub(super) fn kind(&self) -> KeyKind {
        match self {
            Self::Keychain { .. } => KeyKind::Keychain,
            Self::KeyFile => KeyKind::KeyFile,
            Self::PassphraseFile { .. } => KeyKind::PassphraseFile,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct VaultRecord {
    version: u32,
    pub(super) place: KeyLocation,
    /// The owner chose this kind, and did not just get it for lack of a keychain.
    #[serde(default)]
    pub(super) chosen: bool,
    /// A known text sealed with the vault's key, in base64.
    check: String,
}

const VERSION: u32 = 1;

fn path(home: &DataDir) -> PathBuf {
    home.root().join("vault.json")
}

impl VaultRecord {
    /// The record of the data directory; `None` if it has no vault.
    pub(super) fn read(home: &DataDir) -> Result<Option<Self>, VaultError> {
        let path = path(home);
        let json = match fs::read(&path) {
            Ok(json) => json,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(VaultError::Read { path, source }),
        };
        match serde_json::from_slice::<Self>(&json) {
            Ok(record) if record.version == VERSION => Ok(Some(record)),
            _ => Err(VaultError::Record { path }),
        }
    }

    pub(super) fn new(place: KeyLocation, chosen: bool, vault: &Vault) -> Self {
        let check = STANDARD.encode(vault.seal(CHECK_ID, CHECK));
        Self { version: VERSION, place, chosen, check }
    }

    pub(super) fn write(&self, home: &DataDir) -> Result<(), VaultError> {
        let path = path(home);
        serde_json::to_vec_pretty(self)
            .map_err(io::Error::from)
            .and_then(|json| write_private(&path, &json))
            .map_err(|source| VaultError::Write { path, source })
    }

    /// The vault with this key, if it is the key the vault was made with.
    pub(super) fn open(&self, master: MasterKey) -> Result<Vault, VaultError> {
        let kind = self.place.kind();
        let vault = Vault::new(master, kind);
        let fits = STANDARD
            .decode(&self.check)
            .is_ok_and(|sealed| vault.open(CHECK_ID, &sealed).is_ok_and(|plain| *plain == CHECK));
        match fits {
            true => Ok(vault),
            false => Err(VaultError::WrongKey { kind: kind.as_str() }),
        }
    }

    /// Records that the owner chose this kind.
    pub(super) fn choose(&mut self) -> bool {
        !std::mem::replace(&mut self.chosen, true)
    }

    /// Records the new path of the passphrase file.
    pub(super) fn move_passphrase(&mut self, to: &Path) -> bool {
        match &mut self.place {
            KeyLocation::PassphraseFile { path, .. } if path != to => {
                to.clone_into(path);
                true
            }
            _ => false,
        }
    }
}
