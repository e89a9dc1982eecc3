//! Checks of the vault: where its key is, and whether it opens.

use std::{path::PathBuf, time::Duration};

use agentport_gateway::{
    data_dir::DataDir,
    vault::{Vault, VaultChoice},
};
use serde::Deserialize;

use super::finding::DoctorReport;

const ABOUT: &str = "keychain";
/// A locked keychain waits for its owner to unlock it; the check does not.
const KEYCHAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// The content of `vault.json`.
#[derive(Deserialize)]
struct VaultFile {
    place: KeyPlace,
    #[serde(default)]
    chosen: bool,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum KeyPlace {
    Keychain,
    KeyFile,
    PassphraseFile { path: PathBuf },
}

pub(super) async fn check(home: &DataDir, report: &mut DoctorReport) {
    let file = home.root().join("vault.json");
    let json = match std::fs::read(&file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return report.info(ABOUT, "There is no vault yet; the first start makes it.", None);
        }
        Err(error) => {
            let says = format!("{} cannot be read: {error}.", file.display());
            return report.fail(ABOUT, says, "make it readable to this account");
        }
        Ok(json) => json,
    };
    let Ok(record) = serde_json::from_slice::<VaultFile>(&json) else {
        let says = format!("{} does not say where the vault's key is.", file.display());
        return report.fail(ABOUT, says, "put it back from a backup");
    };
    // The record exists, so this opens the vault and does not create one.
    let opened =
        tokio::time::timeout(KEYCHAIN_TIMEOUT, Vault::unlock(VaultChoice::Auto, home)).await;
    match opened {
        Err(_) => report.warn(
            ABOUT,
            format!("The keychain did not answer within {} seconds.", KEYCHAIN_TIMEOUT.as_secs()),
            "unlock the login keychain: AgentPort waits for it when it starts",
        ),
        Ok(Err(error)) => {
            let says = format!("The vault does not open: {:#}.", anyhow::Error::from(error));
            report.fail(ABOUT, says, mend(&record.place));
        }
        Ok(Ok(_)) => opens(&record, home, report),
    }
}

fn opens(record: &VaultFile, home: &DataDir, report: &mut DoctorReport) {
    match &record.place {
        KeyPlace::Keychain => report.ok(ABOUT, "The vault's key is in the keychain."),
        KeyPlace::PassphraseFile { path } => {
            let says = format!("The vault's passphrase is in {}, as chosen.", path.display());
            report.ok(ABOUT, says);
        }
        KeyPlace::KeyFile if record.chosen => {
            let file = home.root().join("master.key");
            report.ok(ABOUT, format!("The vault's key is in {}, as chosen.", file.display()));
        }
        KeyPlace::KeyFile => report.warn(
            ABOUT,
            "The vault's key is in a file, because no keychain answered at the first start: every program that can read \
             that file can read your accounts' secrets.",
            "run `agentport serve --vault key-file` once to say that this is meant, or start with another home where \
             there is a keychain",
        ),
    }
}

fn mend(place: &KeyPlace) -> String {
    match place {
        KeyPlace::Keychain => {
            "unlock the login keychain, or install a keychain such as gnome-keyring".to_owned()
        }
        KeyPlace::KeyFile => "put master.key back from a backup, for this account alone".to_owned(),
        KeyPlace::PassphraseFile { path } => {
            format!("put the vault's passphrase into {}, for this account alone", path.display())
        }
    }
}
