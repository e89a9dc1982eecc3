use std::{
    fs,
    path::PathBuf,
    sync::{Arc, mpsc},
    time::Duration,
};

use keyring_core::{CredentialStore, mock};
use tempfile::TempDir;

use super::{
    InvalidVaultChoice, KeychainError, Unsealable, Vault, VaultChoice, VaultError, keychain,
    open::open,
};
use crate::data_dir::DataDir;

/// A home, and a keychain that outlives what is opened in it.
struct Place {
    dir: TempDir,
    home: DataDir,
    keychain: Arc<mock::Store>,
}

impl Place {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let home = DataDir::open(Some(dir.path().join("home"))).unwrap();
        Self { dir, home, keychain: mock::Store::new().unwrap() }
    }

    fn open(&self, choice: VaultChoice) -> Result<(Vault, Option<String>), VaultError> {
        let keychain: Arc<CredentialStore> = self.keychain.clone();
        open(choice, &self.home, move || Ok(keychain))
    }

    fn open_without_keychain(
        &self,
        choice: VaultChoice,
    ) -> Result<(Vault, Option<String>), VaultError> {
        open(choice, &self.home, || Err(keyring_core::Error::NoDefaultStore))
    }

    /// A file beside the home, for its owner alone.
    fn passphrase(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        path
    }

    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.home.root()).unwrap();
        let mut names: Vec<_> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn opens_what_it_sealed_and_nothing_else() {
    let (vault, _) = Place::new().open(VaultChoice::KeyFile).unwrap();
    let (other, _) = Place::new().open(VaultChoice::KeyFile).unwrap();
    for plain in [&b""[..], b"obviously-fake", &[0; 5_000]] {
        let sealed = vault.seal("x/token", plain);
        assert_eq!(vault.open("x/token", &sealed).unwrap().as_slice(), plain);
        assert_ne!(vault.seal("x/token", plain), sealed, "never the same nonce");
        assert_eq!(vault.open("y/token", &sealed), Err(Unsealable), "moved");
        assert_eq!(other.open("x/token", &sealed), Err(Unsealable), "another vault");
        for at in 0..sealed.len().min(60) {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(vault.open("x/token", &changed), Err(Unsealable), "changed at {at}");
            assert_eq!(vault.open("x/token", &sealed[..at]), Err(Unsealable), "cut at {at}");
        }
    }
    let sealed = vault.seal("x", b"obviously-fake");
    assert!(!sealed.windows(4).any(|part| part == b"fake"));
}

#[test]
fn derives_one_key_for_each_purpose() {
    let place = Place::new();
    let audit = place.open(VaultChoice::KeyFile).unwrap().0.derive("audit");
    let (vault, _) = place.open(VaultChoice::Auto).unwrap();
    assert_eq!(vault.derive("audit"), audit);
    assert_ne!(vault.derive("other"), audit);
    assert_ne!(Place::new().open(VaultChoice::KeyFile).unwrap().0.derive("audit"), audit);
}

#[test]
fn each_kind_opens_again_by_itself() {
    for kind in ["keychain", "key-file", "passphrase-file"] {
        let place = Place::new();
        let passphrase = place.passphrase("p", "correct horse\n");
        let choices =
            [VaultChoice::Keychain, VaultChoice::KeyFile, VaultChoice::PassphraseFile(passphrase)];
        let (same, others): (Vec<_>, Vec<_>) =
            choices.into_iter().partition(|choice| choice.to_string().starts_with(kind));
        let (vault, told) = place.open(same[0].clone()).unwrap();
        assert_eq!((vault.kind(), told.is_some()), (kind, kind != "keychain"));
        let sealed = vault.seal("x", b"obviously-fake");
        for choice in [same[0].clone(), VaultChoice::Auto] {
            let (again, told_again) = place.open(choice).unwrap();
            assert_eq!((again.kind(), &told_again), (kind, &told), "the choice is on record");
            assert_eq!(again.open("x", &sealed).unwrap().as_slice(), b"obviously-fake");
        }
        for other in others {
            let refused = place.open(other).err().unwrap();
            assert!(matches!(refused, VaultError::OtherKind { recorded, .. } if recorded == kind));
        }
    }
}

#[test]
fn without_a_choice_the_keychain_comes_first() {
    let place = Place::new();
    let (vault, warning) = place.open(VaultChoice::Auto).unwrap();
    assert_eq!((vault.kind(), warning), ("keychain", None));
    assert_eq!(place.files(), ["vault.json"], "no key lies in a file");
}

#[test]
fn without_a_keychain_there_is_a_key_file_and_a_warning() {
    let place = Place::new();
    let (vault, warning) = place.open_without_keychain(VaultChoice::Auto).unwrap();
    assert_eq!(vault.kind(), "key-file");
    let warning = warning.unwrap();
    assert!(warning.contains("master.key") && warning.contains("--vault keychain"), "{warning}");
    // A keychain that turns up later changes nothing, and nobody has chosen yet.
    let (vault, warning) = place.open(VaultChoice::Auto).unwrap();
    assert_eq!(vault.kind(), "key-file");
    assert!(warning.unwrap().contains("nobody has chosen it"));
    // Once it is chosen, it stays chosen.
    for choice in [VaultChoice::KeyFile, VaultChoice::Auto] {
        let told = place.open(choice).unwrap().1.unwrap();
        assert!(told.contains("master.key") && !told.contains("chosen"), "{told}");
    }
}

#[test]
fn each_start_says_in_one_line_which_file_makes_an_owner() {
    let place = Place::new();
    let path = place.passphrase("p", "correct horse");
    for choice in [VaultChoice::PassphraseFile(path.clone()), VaultChoice::Auto] {
        let told = place.open(choice).unwrap().1.unwrap();
        assert!(
            told.contains(path.to_str().unwrap()) && told.contains("is then the owner"),
            "{told}"
        );
        assert_eq!(told.lines().count(), 1);
    }
    // Records of before the choice was kept are read.
    let place = Place::new();
    place.open(VaultChoice::KeyFile).unwrap();
    let path = place.home.root().join("vault.json");
    let record = fs::read_to_string(&path).unwrap();
    fs::write(&path, record.replace("\"chosen\": true,", "")).unwrap();
    assert!(place.open(VaultChoice::Auto).unwrap().1.unwrap().contains("nobody has chosen it"));
}

#[test]
fn who_asks_for_the_keychain_gets_no_file_instead() {
    let place = Place::new();
    let error = place.open_without_keychain(VaultChoice::Keychain).err().unwrap();
    assert!(matches!(error, VaultError::Keychain(KeychainError::Refused(_))), "{error:?}");
    assert_eq!(place.files(), [""; 0]);
}

#[test]
fn a_wrong_passphrase_is_told_and_changes_nothing() {
    let place = Place::new();
    let right = place.passphrase("right", "correct horse");
    place.open(VaultChoice::PassphraseFile(right.clone())).unwrap();
    let record = fs::read(place.home.root().join("vault.json")).unwrap();

    let wrong = place.passphrase("wrong", "battery staple");
    let error = place.open(VaultChoice::PassphraseFile(wrong)).err().unwrap();
    assert!(matches!(error, VaultError::WrongKey { kind: "passphrase-file" }), "{error:?}");
    let empty = place.passphrase("empty", "\n");
    let error = place.open(VaultChoice::PassphraseFile(empty)).err().unwrap();
    assert!(matches!(error, VaultError::NoPassphrase { .. }), "{error:?}");
    assert_eq!(fs::read(place.home.root().join("vault.json")).unwrap(), record);

    // The same passphrase in another place, with another line end.
    fs::remove_file(right).unwrap();
    let moved = place.passphrase("moved", "correct horse\r\n");
    place.open(VaultChoice::PassphraseFile(moved)).unwrap();
    place.open(VaultChoice::Auto).unwrap();
}

#[test]
fn a_key_that_is_gone_is_never_made_anew() {
    let place = Place::new();
    place.open(VaultChoice::KeyFile).unwrap();
    let key_file = place.home.root().join("master.key");
    fs::remove_file(&key_file).unwrap();
    for choice in [VaultChoice::Auto, VaultChoice::KeyFile] {
        let error = place.open(choice).err().unwrap();
        assert!(matches!(error, VaultError::KeyMissing { kind: "key-file" }), "{error:?}");
    }
    assert!(!key_file.exists());

    let mut place = Place::new();
    place.open(VaultChoice::Keychain).unwrap();
    place.keychain = mock::Store::new().unwrap();
    let error = place.open(VaultChoice::Auto).err().unwrap();
    assert!(matches!(error, VaultError::KeyMissing { kind: "keychain" }), "{error:?}");
    let error = place.open(VaultChoice::Keychain).err().unwrap();
    assert!(matches!(error, VaultError::KeyMissing { kind: "keychain" }), "{error:?}");
}

#[test]
fn a_key_of_another_vault_is_told() {
    let (place, other) = (Place::new(), Place::new());
    place.open(VaultChoice::KeyFile).unwrap();
    other.open(VaultChoice::KeyFile).unwrap();
    let key = |place: &Place| place.home.root().join("master.key");
    fs::copy(key(&other), key(&place)).unwrap();
    let error = place.open(VaultChoice::Auto).err().unwrap();
    assert!(matches!(error, VaultError::WrongKey { kind: "key-file" }), "{error:?}");
    fs::write(key(&place), "not a key").unwrap();
    let error = place.open(VaultChoice::Auto).err().unwrap();
    assert!(matches!(error, VaultError::KeyFile { .. }), "{error:?}");
}

#[test]
fn a_record_that_makes_no_sense_is_no_reason_to_begin_anew() {
    let place = Place::new();
    place.open(VaultChoice::KeyFile).unwrap();
    let path = place.home.root().join("vault.json");
    let record = fs::read_to_string(&path).unwrap();
    for bad in ["", "{}", &record.replace("\"version\": 1", "\"version\": 2")] {
        fs::write(&path, bad).unwrap();
        let error = place.open(VaultChoice::Auto).err().unwrap();
        assert!(matches!(error, VaultError::Record { .. }), "{bad}: {error:?}");
    }
}

#[test]
fn what_an_interrupted_first_start_left_is_taken_up() {
    let place = Place::new();
    let (vault, _) = place.open(VaultChoice::KeyFile).unwrap();
    let sealed = vault.seal("x", b"plain");
    fs::remove_file(place.home.root().join("vault.json")).unwrap();
    let (again, _) = place.open(VaultChoice::Auto).unwrap();
    assert_eq!(again.kind(), "key-file");
    assert_eq!(again.open("x", &sealed).unwrap().as_slice(), b"plain");
}

#[test]
fn a_home_that_moved_finds_its_key_in_the_keychain() {
    let mut place = Place::new();
    let (vault, _) = place.open(VaultChoice::Keychain).unwrap();
    let sealed = vault.seal("x", b"plain");
    let to = place.dir.path().join("moved");
    fs::rename(place.home.root(), &to).unwrap();
    place.home = DataDir::open(Some(to)).unwrap();
    let (again, _) = place.open(VaultChoice::Auto).unwrap();
    assert_eq!(again.open("x", &sealed).unwrap().as_slice(), b"plain");
}

#[test]
fn a_keychain_that_says_nothing_is_not_waited_for() {
    let (never, silent) = mpsc::channel::<()>();
    let store = move || {
        // Answers when the test is over.
        let _ = silent.recv();
        Err(keyring_core::Error::NoDefaultStore)
    };
    let limit = Duration::from_millis(1);
    let found = keychain::find(store, "user", limit);
    assert!(matches!(found, Err(KeychainError::Silent(time)) if time == limit));
    drop(never);
}

#[test]
fn what_is_not_ours_in_the_keychain_is_left_alone() {
    let place = Place::new();
    place.open(VaultChoice::Keychain).unwrap();
    let user = keychain::user_of(&place.home);
    let keychain: Arc<CredentialStore> = place.keychain.clone();
    let entry = keychain.build("agentport", &user, None).unwrap();
    entry.set_password("somebody else's").unwrap();
    let error = place.open(VaultChoice::Auto).err().unwrap();
    assert!(matches!(error, VaultError::Keychain(KeychainError::Foreign { .. })), "{error:?}");
    assert_eq!(entry.get_password().unwrap(), "somebody else's");
}

#[cfg(unix)]
#[test]
fn key_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    place.open(VaultChoice::KeyFile).unwrap();
    for name in ["master.key", "vault.json"] {
        let path = place.home.root().join(name);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    let open_to_all = |path: &PathBuf| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    };
    open_to_all(&place.home.root().join("master.key"));
    let error = place.open(VaultChoice::Auto).err().unwrap();
    assert!(matches!(error, VaultError::OpenToOthers { .. }), "{error:?}");

    let place = Place::new();
    let passphrase = place.passphrase("p", "correct horse");
    open_to_all(&passphrase);
    let error = place.open(VaultChoice::PassphraseFile(passphrase)).err().unwrap();
    assert!(matches!(error, VaultError::OpenToOthers { .. }), "{error:?}");
    assert_eq!(place.files(), [""; 0], "no vault was made");
}

#[test]
fn choices_are_written_as_they_are_read() {
    for text in ["auto", "keychain", "key-file", "passphrase-file:/run/secrets/vault"] {
        assert_eq!(text.parse::<VaultChoice>().unwrap().to_string(), text);
    }
    for bad in ["", "keyfile", "passphrase-file", "passphrase-file:"] {
        let error: InvalidVaultChoice = bad.parse::<VaultChoice>().unwrap_err();
        assert!(error.to_string().contains("passphrase-file:PATH"), "{error}");
    }
}
