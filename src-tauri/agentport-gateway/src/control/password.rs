//! The owner's password, stored as an Argon2id hash. While none is set, no password is accepted.

use agentport_core::Secret;
use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};

use crate::store::{self, Store};

/// Key of the hash in the settings table.
const PASSWORD: &str = "owner_password";
const MIN_PASSWORD_CHARS: usize = 10;
const MAX_PASSWORD_CHARS: usize = 1_000;

/// Why a password can't be taken.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("the owner password needs at least 10 characters")]
    TooShort,
    #[error("the owner password may have at most 1000 characters")]
    TooLong,
    #[error("the owner password could not be hashed: {0}")]
    Hash(String),
    #[error("the owner password could not be stored")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Has an owner password been chosen?
pub(crate) async fn has_password(store: &Store) -> store::Result<bool> {
    Ok(store.value(PASSWORD).await?.is_some())
}

/// Checks the length of a new password.
pub(super) fn check_length(password: &Secret) -> Result<(), PasswordError> {
    match password.expose().chars().count() {
        ..MIN_PASSWORD_CHARS => Err(PasswordError::TooShort),
        MIN_PASSWORD_CHARS..=MAX_PASSWORD_CHARS => Ok(()),
        _ => Err(PasswordError::TooLong),
    }
}

/// Hashes and stores the owner's password.
pub(crate) async fn set_password(store: &Store, password: &Secret) -> Result<(), PasswordError> {
    check_length(password)?;
    let password = password.clone();
    let hash = tokio::task::spawn_blocking(move || {
        Argon2::default()
            .hash_password(password.expose().as_bytes())
            .map(|hash| hash.to_string())
            .map_err(|error| PasswordError::Hash(error.to_string()))
    })
    .await
    .map_err(|error| PasswordError::Hash(error.to_string()))??;
    store.put_value(PASSWORD, &hash).await.map_err(|error| PasswordError::Store(Box::new(error)))
}

/// `false`: there was none.
pub(super) async fn remove_password(store: &Store) -> store::Result<bool> {
    store.delete_value(PASSWORD).await
}

pub(super) async fn is_password(store: &Store, password: &Secret) -> store::Result<bool> {
    let Some(hash) = store.value(PASSWORD).await? else { return Ok(false) };
    let password = password.clone();
    let verified = tokio::task::spawn_blocking(move || {
        PasswordHash::new(&hash).is_ok_and(|hash| {
            Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok()
        })
    });
    Ok(verified.await.unwrap_or(false))
}
