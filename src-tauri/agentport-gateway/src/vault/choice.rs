//! The owner's choice where the vault's master key is stored.

use std::{fmt, path::PathBuf, str::FromStr};

/// Where the master key is kept. In text: `auto`, `keychain`, `key-file`, `passphrase-file:PATH`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum VaultChoice {
    /// As recorded for an existing vault; for a new one the keychain if there is one, else a key file.
    #[default]
    Auto,
    /// The keychain of the platform.
    Keychain,
    /// Derived from what is in this file, which is the owner's.
    PassphraseFile(PathBuf),
    /// A file in the home.
    KeyFile,
}

/// The text names no storage of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of vault; use keychain, key-file or passphrase-file:PATH")]
pub struct InvalidVaultChoice(String);

impl FromStr for VaultChoice {
    type Err = InvalidVaultChoice;

    fn from_str(text: &str) -> Result<Self, InvalidVaultChoice> {
        match text {
            "auto" => Ok(Self::Auto),
            "keychain" => Ok(Self::Keychain),
            "key-file" => Ok(Self::KeyFile),
            _ => text
                .strip_prefix("passphrase-file:")
                .filter(|path| !path.is_empty())
                .map(|path| Self::PassphraseFile(PathBuf::from(path)))
                .ok_or_else(|| InvalidVaultChoice(text.to_owned())),
        }
    }
}

impl fmt::Display for VaultChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Keychain => f.write_str("keychain"),
            Self::PassphraseFile(path) => write!(f, "passphrase-file:{}", path.display()),
            Self::KeyFile => f.write_str("key-file"),
        }
    }
}
