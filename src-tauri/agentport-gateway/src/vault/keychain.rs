//! The platform's keychain: Secret Service, macOS Keychain, Windows Credential Manager.
//!
//! Every access blocks, and may wait until the keychain is unlocked. So each runs on a thread of its own that is
//! left behind when its time is over; unlike one of tokio's it does not hold up the end of the process. The store is
//! used directly and let go at once: no process-wide default, no connection kept open for one read per start.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use keyring_core::{CredentialStore, Entry};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{
    key_files::{decode, encode},
    seal::MasterKey,
};
use crate::{data_dir::DataDir, store::hex};

const SERVICE: &str = "agentport";

/// Time a keychain has to answer when it is not known whether there is one.
pub(super) const PROBE: Duration = Duration::from_secs(3);
/// Time a keychain that holds our key has to answer: its owner may have to type a password.
pub(super) const UNLOCK: Duration = Duration::from_secs(60);

/// Why the keychain did not return the key.
#[derive(Debug, thiserror::Error)]
pub enum KeychainError {
    /// Not a `#[source]`: errors of `keyring_core` print their causes themselves.
    #[error("the keychain cannot be used ({0})")]
    Refused(keyring_core::Error),
    #[error("the keychain did not answer within {} seconds", .0.as_secs())]
    Silent(Duration),
    #[error("what the keychain holds under agentport/{user} is no key of ours")]
    Foreign { user: String },
    #[error("the keychain does not give back what was put into it")]
    Forgetful,
    #[error("no thread to ask the keychain with")]
    NoThread(#[source] std::io::Error),
}

/// The user a new vault's key is kept under: one per home.
pub(super) fn user_of(home: &DataDir) -> String {
    let digest = Sha256::digest(home.root().as_os_str().as_encoded_bytes());
    hex(&digest[..16])
}

/// The key kept under `user`; `None` if there is none.
pub(super) fn find(
    store: impl FnOnce() -> keyring_core::Result<Arc<CredentialStore>> + Send + 'static,
    user: &str,
    limit: Duration,
) -> Result<Option<MasterKey>, KeychainError> {
    within(limit, user, store, read)
}

/// The key kept under `user`; a new one is created and stored if there is none.
pub(super) fn find_or_create(
    store: impl FnOnce() -> keyring_core::Result<Arc<CredentialStore>> + Send + 'static,
    user: &str,
    limit: Duration,
) -> Result<MasterKey, KeychainError> {
    within(limit, user, store, |entry, user| {
        if let Some(key) = read(entry, user)? {
            return Ok(key);
        }
        let key = MasterKey::new(rand::random());
        entry.set_password(&encode(&key)).map_err(KeychainError::Refused)?;
        match read(entry, user)? {
            Some(kept) if kept == key => Ok(key),
            _ => Err(KeychainError::Forgetful),
        }
    })
}

fn read(entry: &Entry, user: &str) -> Result<Option<MasterKey>, KeychainError> {
    match entry.get_password().map(Zeroizing::new) {
        Ok(text) => {
            decode(&text).map(Some).ok_or_else(|| KeychainError::Foreign { user: user.to_owned() })
        }
        Err(keyring_core::Error::NoEntry) => Ok(None),
        Err(error) => Err(KeychainError::Refused(error)),
    }
}

fn within<T: Send + 'static>(
    limit: Duration,
    user: &str,
    store: impl FnOnce() -> keyring_core::Result<Arc<CredentialStore>> + Send + 'static,
    access: impl FnOnce(&Entry, &str) -> Result<T, KeychainError> + Send + 'static,
) -> Result<T, KeychainError> {
    let (answer, answered) = mpsc::sync_channel(1);
    let user = user.to_owned();
    let work = move || {
        let found = store()
            .and_then(|store| store.build(SERVICE, &user, None))
            .map_err(KeychainError::Refused)
            .and_then(|entry| access(&entry, &user));
        // The receiver is dropped after the timeout.
        let _ = answer.send(found);
    };
    thread::Builder::new()
        .name("keychain".to_owned())
        .spawn(work)
        .map_err(KeychainError::NoThread)?;
    // A thread that panicked will not answer either.
    answered.recv_timeout(limit).unwrap_or(Err(KeychainError::Silent(limit)))
}

#[cfg(target_os = "linux")]
pub(super) fn platform() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
pub(super) fn platform() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
pub(super) fn platform() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
pub(super) fn platform() -> keyring_core::Result<Arc<CredentialStore>> {
    Err(keyring_core::Error::NotSupportedByStore("this platform has no keychain".to_owned()))
}
