//! Opens the vault with the key its record names, or creates a vault.

use std::sync::Arc;

use keyring_core::CredentialStore;

use super::{
    Vault, VaultChoice, VaultError,
    key_files::{create_key, derive, key_file, new_place, read_key},
    keychain::{self, KeychainError},
    record::{KeyKind, KeyLocation, VaultRecord},
    seal::MasterKey,
};
use crate::data_dir::DataDir;

impl Vault {
    /// Opens the home's vault, or makes one. The text is for the owner to read at every start: the key, or what it is
    /// derived from, lies in a file, and a program that reads that file is then the owner.
    ///
    /// Takes up to a minute where the keychain waits for its owner to unlock it.
    pub async fn unlock(
        choice: VaultChoice,
        home: &DataDir,
    ) -> Result<(Self, Option<String>), VaultError> {
        let home = home.clone();
        tokio::task::spawn_blocking(move || open(choice, &home, keychain::platform))
            .await
            .unwrap_or(Err(VaultError::CutShort))
    }
}

/// Opens the vault; blocks the thread.
pub(super) fn open(
    choice: VaultChoice,
    home: &DataDir,
    store: impl FnOnce() -> keyring_core::Result<Arc<CredentialStore>> + Send + 'static,
) -> Result<(Vault, Option<String>), VaultError> {
    match VaultRecord::read(home)? {
        Some(record) => reopen(choice, home, record, store),
        None => make(choice, home, store),
    }
}

/// Opens the vault that is on record.
fn reopen(
    choice: VaultChoice,
    home: &DataDir,
    mut record: VaultRecord,
    store: impl FnOnce() -> keyring_core::Result<Arc<CredentialStore>> + Send + 'static,
) -> Result<(Vault, Option<String>), VaultError> {
    let kind = record.place.kind();
    let asked_for = choice != VaultChoice::Auto;
    let other =
        |asked: KeyKind| VaultError::OtherKind { recorded: kind.as_str(), asked: asked.as_str() };
    let moved = match choice {
        VaultChoice::Auto => None,
        VaultChoice::Keychain if kind != KeyKind::Keychain => return Err(other(KeyKind::Keychain)),
        VaultChoice::KeyFile if kind != KeyKind::KeyFile => return Err(other(KeyKind::KeyFile)),
        VaultChoice::PassphraseFile(_) if kind != KeyKind::PassphraseFile => {
            return Err(other(KeyKind::PassphraseFile));
        }
        VaultChoice::Keychain | VaultChoice::KeyFile => None,
        VaultChoice::PassphraseFile(path) => {
            Some(std::path::absolute(&path).map_err(|source| VaultError::Read { path, source })?)
        }
    };
    let moved = moved.is_some_and(|path| record.move_passphrase(&path));
    let master: Option<MasterKey> = match &record.place {
        KeyLocation::Keychain { user } => {
            keychain::find(store, user, keychain::UNLOCK).map_err(VaultError::Keychain)?
        }
        KeyLocation::KeyFile => read_key(&key_file(home))?,
        KeyLocation::PassphraseFile { path, salt, cost } => Some(derive(path, salt, *cost)?),
    };
    let vault = record.open(master.ok_or(VaultError::KeyMissing { kind: kind.as_str() })?)?;
    let chosen_now = asked_for && record.choose();
    if moved || chosen_now {
        record.write(home)?;
    }
    let unchosen = (!record.chosen).then_some("nobody has chosen it");
    Ok((vault, in_a_file(&record.place, home, unchosen)))
}

/// Makes a vault. The record is written last: until then there is none, and a key that is there already (from an
/// attempt that was cut short) is taken up, not overwritten.
fn make(
    choice: VaultChoice,
    home: &DataDir,
    store: impl FnOnce() -> keyring_core::Result<Arc<CredentialStore>> + Send + 'static,
) -> Result<(Vault, Option<String>), VaultError> {
    let chosen = choice != VaultChoice::Auto;
    let mut unchosen = None;
    let (place, master) = match choice {
        VaultChoice::Keychain => {
            in_keychain(home, store, keychain::UNLOCK).map_err(VaultError::Keychain)?
        }
        VaultChoice::KeyFile => in_key_file(home)?,
        VaultChoice::PassphraseFile(path) => {
            let path =
                std::path::absolute(&path).map_err(|source| VaultError::Read { path, source })?;
            let place = new_place(path);
            let KeyLocation::PassphraseFile { path, salt, cost } = &place else {
                return Err(VaultError::Parameters);
            };
            let master = derive(path, salt, *cost)?;
            (place, master)
        }
        VaultChoice::Auto if key_file(home).exists() => {
            unchosen = Some("it was there already".to_owned());
            in_key_file(home)?
        }
        VaultChoice::Auto => match in_keychain(home, store, keychain::PROBE) {
            Ok(found) => found,
            Err(why) => {
                unchosen = Some(format!("there is no keychain to keep it in: {why}"));
                in_key_file(home)?
            }
        },
    };
    let vault = Vault::new(master, place.kind());
    let told = in_a_file(&place, home, unchosen.as_deref());
    VaultRecord::new(place, chosen, &vault).write(home)?;
    Ok((vault, told))
}

fn in_keychain(
    home: &DataDir,
    store: impl FnOnce() -> keyring_core::Result<Arc<CredentialStore>> + Send + 'static,
    limit: std::time::Duration,
) -> Result<(KeyLocation, MasterKey), KeychainError> {
    let user = keychain::user_of(home);
    let master = keychain::find_or_create(store, &user, limit)?;
    Ok((KeyLocation::Keychain { user }, master))
}

fn in_key_file(home: &DataDir) -> Result<(KeyLocation, MasterKey), VaultError> {
    let path = key_file(home);
    let master = match read_key(&path)? {
        Some(left) => left,
        None => create_key(&path)?,
    };
    Ok((KeyLocation::KeyFile, master))
}

/// Warning for a key in a file. `unchosen`: why it is there although the owner did not choose that.
fn in_a_file(place: &KeyLocation, home: &DataDir, unchosen: Option<&str>) -> Option<String> {
    match place {
        KeyLocation::Keychain { .. } => None,
        KeyLocation::PassphraseFile { path, .. } => Some(format!(
            "the vault's passphrase lies in {}: a program that reads that file is then the owner",
            path.display()
        )),
        KeyLocation::KeyFile => {
            let path = key_file(home);
            let mut line = format!(
                "the vault's key lies in {}: a program that reads that file is then the owner",
                path.display()
            );
            if let Some(why) = unchosen {
                line += &format!(
                    " ({why}; --vault key-file says that this is meant, a new home can be started with --vault \
                     keychain or --vault passphrase-file:PATH instead)"
                );
            }
            Some(line)
        }
    }
}
