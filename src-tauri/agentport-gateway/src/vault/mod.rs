//! The vault: encrypts values that must not be stored in plain text.
//!
//! One master key of 32 bytes, random or derived from a passphrase, is the root. From it come the key that seals and
//! the keys others ask for; it never leaves this module. Where it is kept is the owner's choice ([`VaultChoice`]) and
//! is recorded in the home beside a sealed check value, so that a wrong key is told from a damaged row, and nothing
//! ever puts a fresh key over a vault that exists.
//!
//! Sealed: one byte of version, 24 random bytes of nonce, then XChaCha20-Poly1305 over the plain text, with the id of
//! what is sealed as associated data. A value moved to another row does not open there.
//!
//! Deliberately absent: changing the kind of a vault, and changing its key.

mod choice;
mod key_files;
mod keychain;
mod open;
mod record;
mod seal;
mod sent_secrets;

use std::{io, path::PathBuf};

pub(crate) use self::sent_secrets::{ChangingSecrets, SentSecrets};
pub use self::{
    choice::{InvalidVaultChoice, VaultChoice},
    keychain::KeychainError,
    seal::{Unsealable, Vault},
};

/// Why the vault could not be opened. In none of these cases has a key been made or changed.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot write {path}")]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} does not say what kind of vault this is; put it back from a backup")]
    Record { path: PathBuf },
    #[error(
        "the vault of this home was made as {recorded}, and cannot be opened as {asked}; start with --vault \
         {recorded}, or leave --vault away"
    )]
    OtherKind { recorded: &'static str, asked: &'static str },
    #[error("the key found in the {kind} is not the one this vault was made with")]
    WrongKey { kind: &'static str },
    #[error(
        "the {kind} does not hold the key this vault was made with; put it back, or start afresh with another home"
    )]
    KeyMissing { kind: &'static str },
    #[error("{path} holds no key of ours")]
    KeyFile { path: PathBuf },
    #[error("{path} is empty; put the passphrase of the vault into it")]
    NoPassphrase { path: PathBuf },
    #[error("other accounts can read {path}; `chmod 600` it")]
    OpenToOthers { path: PathBuf },
    #[error("the passphrase's salt or cost in vault.json cannot be used")]
    Parameters,
    #[error("the keychain did not give the key of the vault")]
    Keychain(#[source] KeychainError),
    #[error("opening the vault was cut short")]
    CutShort,
}

#[cfg(test)]
mod tests;
