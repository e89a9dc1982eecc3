//! Master keys in files: derived from a passphrase file, or stored in a key file.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{
    VaultError,
    record::{ArgonCost, KeyLocation},
    seal::MasterKey,
};
use crate::data_dir::{DataDir, private};

/// RFC 9106 §4, second recommended option, on one lane: it runs once per start.
const COST: ArgonCost = ArgonCost { memory_kib: 64 * 1024, passes: 3 };

/// The place of a new vault whose passphrase is in this file, with a salt of its own.
pub(super) fn new_place(path: PathBuf) -> KeyLocation {
    let salt: [u8; 16] = rand::random();
    KeyLocation::PassphraseFile { path, salt: STANDARD.encode(salt), cost: COST }
}

/// Derives the master key from what is in the file, without the line end it may finish with.
pub(super) fn derive(path: &Path, salt: &str, cost: ArgonCost) -> Result<MasterKey, VaultError> {
    refuse_open_to_others(path)?;
    let content = fs::read(path)
        .map(Zeroizing::new)
        .map_err(|source| VaultError::Read { path: path.to_owned(), source })?;
    let passphrase = content.strip_suffix(b"\n").unwrap_or(&content);
    let passphrase = passphrase.strip_suffix(b"\r").unwrap_or(passphrase);
    if passphrase.is_empty() {
        return Err(VaultError::NoPassphrase { path: path.to_owned() });
    }
    let unusable = |_| VaultError::Parameters;
    let salt = STANDARD.decode(salt).map_err(|_| VaultError::Parameters)?;
    let params = Params::new(cost.memory_kib, cost.passes, 1, Some(32)).map_err(unusable)?;
    let mut key = MasterKey::default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase, &salt, key.as_mut_slice())
        .map_err(unusable)?;
    Ok(key)
}

/// The key file's place in the home.
pub(super) fn key_file(home: &DataDir) -> PathBuf {
    home.root().join("master.key")
}

/// The key in the key file; `None` if there is no such file.
pub(super) fn read_key(path: &Path) -> Result<Option<MasterKey>, VaultError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(VaultError::Read { path: path.to_owned(), source }),
    };
    refuse_open_to_others(path)?;
    decode(&text).map(Some).ok_or_else(|| VaultError::KeyFile { path: path.to_owned() })
}

/// Writes a fresh key into a file that must not exist yet.
pub(super) fn create_key(path: &Path) -> Result<MasterKey, VaultError> {
    let key = MasterKey::new(rand::random());
    let text = encode(&key);
    private(OpenOptions::new().write(true).create_new(true))
        .open(path)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .map_err(|source| VaultError::Write { path: path.to_owned(), source })?;
    Ok(key)
}

/// A key as text: base64, as keychains of the KDE take only UTF-8.
pub(super) fn encode(key: &MasterKey) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(key.as_slice()))
}

pub(super) fn decode(text: &str) -> Option<MasterKey> {
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
    bytes.as_slice().try_into().ok().map(MasterKey::new)
}

#[cfg(unix)]
fn refuse_open_to_others(path: &Path) -> Result<(), VaultError> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata =
        fs::metadata(path).map_err(|source| VaultError::Read { path: path.to_owned(), source })?;
    match metadata.mode() & 0o077 {
        0 => Ok(()),
        _ => Err(VaultError::OpenToOthers { path: path.to_owned() }),
    }
}

/// On Windows access lists are not checked.
#[cfg(not(unix))]
fn refuse_open_to_others(_: &Path) -> Result<(), VaultError> {
    Ok(())
}
