//! `<home>/clients/sign-ins/<name>.json`: how `agentport bridge --client <name>` signs in by OAuth, shared by all bridges
//! of that name. For this account alone (0600).
//!
//! Bridges write it; connecting a client notes its name in it, and disconnecting deletes it. The gateway decides what a
//! token lets in, whatever this file says.

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use agentport_clients::atomic_write;
use agentport_core::{AgentId, Secret, Timestamp};
use serde::{Deserialize, Serialize, Serializer};

use crate::agents::{self, bridge_key_file};

/// Files of the directory that are read to learn which agents are bridges.
const MAX_FILES: usize = 1_000;

/// What is kept of a bridge's sign-in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BridgeSignIn {
    /// What the bridge calls itself when it asks to be let in; absent: see the bridge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The client id it was given (RFC 7591).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The agent it is signed in as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// What lets it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<BridgeTokens>,
    /// The request that waits for the owner. A bridge that was ended goes on with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<PendingRequest>,
}

/// Tokens (RFC 6749, section 5.1). `Debug` shows neither.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BridgeTokens {
    /// The access token.
    #[serde(serialize_with = "exposed")]
    pub access: Secret,
    /// The refresh token.
    #[serde(serialize_with = "exposed")]
    pub refresh: Secret,
    /// When the access token has to be replaced.
    pub expires_at: Timestamp,
}

/// A request for the owner's consent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PendingRequest {
    /// The PKCE verifier (RFC 7636).
    #[serde(serialize_with = "exposed")]
    pub verifier: Secret,
    /// The `state` of the request.
    pub state: String,
    /// The digits that AgentPort shows with it; absent before they are known.
    #[serde(default)]
    pub code: Option<String>,
}

fn exposed<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// The file of one bridge.
#[derive(Debug, Clone)]
pub struct SignInFile {
    path: PathBuf,
}

/// Held by the one bridge that signs in or refreshes; the system takes it back when the process ends.
#[derive(Debug)]
pub struct SignInLock {
    _file: File,
}

impl SignInFile {
    /// `None` for a name that cannot be a file's (see [`bridge_key_file`]).
    pub fn of(home: &Path, name: &str) -> Option<Self> {
        bridge_key_file(home, name)?;
        Some(Self { path: directory(home).join(format!("{name}.json")) })
    }

    /// What is kept; nothing where the file is missing or damaged, so that the bridge asks again.
    pub fn read(&self) -> BridgeSignIn {
        let bytes = atomic_write::read(&self.path).ok().flatten().unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Changes what is kept. Tokens and the request are changed under the lock alone.
    pub fn update(&self, change: impl FnOnce(&mut BridgeSignIn)) -> io::Result<()> {
        let mut kept = self.read();
        change(&mut kept);
        atomic_write::replace(&self.path, Some(&serde_json::to_vec_pretty(&kept)?))
    }

    /// Deletes it.
    pub fn delete(&self) -> io::Result<()> {
        match self.path.exists() {
            true => atomic_write::replace(&self.path, None),
            false => Ok(()),
        }
    }

    /// The lock, unless another bridge of this name holds it.
    pub fn try_lock(&self) -> io::Result<Option<SignInLock>> {
        let path = self.path.with_extension("lock");
        if let Some(directory) = path.parent() {
            create_private(directory)?;
        }
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(SignInLock { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

fn directory(home: &Path) -> PathBuf {
    agents::directory(home).join("sign-ins")
}

fn create_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// The agents that bridges of this home have signed in as.
pub(crate) fn signed_in_agents(home: &Path) -> HashSet<AgentId> {
    let Ok(files) = fs::read_dir(directory(home)) else { return HashSet::new() };
    let paths = files.filter_map(Result::ok).map(|file| file.path());
    let ours = paths.filter(|path| path.extension().is_some_and(|ending| ending == "json"));
    ours.take(MAX_FILES).filter_map(|path| SignInFile { path }.read().agent).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> BridgeTokens {
        BridgeTokens {
            access: Secret::new(format!("a-{text}")),
            refresh: Secret::new(format!("r-{text}")),
            expires_at: Timestamp(7),
        }
    }

    #[test]
    fn what_is_kept_comes_back_and_is_private() {
        let home = tempfile::tempdir().unwrap();
        let file = SignInFile::of(home.path(), "cursor-0123abcd").unwrap();
        assert!(file.read().tokens.is_none());
        let agent = AgentId(uuid::Uuid::from_u128(1));
        file.update(|kept| kept.name = Some("Cursor (shop)".to_owned())).unwrap();
        file.update(|kept| {
            kept.tokens = Some(tokens("1"));
            kept.agent = Some(agent);
        })
        .unwrap();
        let kept = file.read();
        assert_eq!(kept.name.as_deref(), Some("Cursor (shop)"));
        assert_eq!(kept.tokens.unwrap().refresh.expose(), "r-1");
        assert_eq!(signed_in_agents(home.path()), HashSet::from([agent]));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&file.path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600);
        }
        fs::write(&file.path, "damaged").unwrap();
        assert!(file.read().tokens.is_none());
        file.delete().unwrap();
        file.delete().unwrap();
        assert!(signed_in_agents(home.path()).is_empty());
    }

    #[test]
    fn one_bridge_at_a_time_signs_in() {
        let home = tempfile::tempdir().unwrap();
        let file = SignInFile::of(home.path(), "cursor").unwrap();
        let other = SignInFile::of(home.path(), "zed").unwrap();
        let lock = file.try_lock().unwrap().expect("it is free");
        assert!(file.try_lock().unwrap().is_none());
        assert!(other.try_lock().unwrap().is_some(), "another bridge's");
        drop(lock);
        assert!(file.try_lock().unwrap().is_some());
    }

    #[test]
    fn a_name_leads_to_no_other_directory() {
        let home = tempfile::tempdir().unwrap();
        for name in ["", "..", "../keys/cursor", "a/b", ".hidden", "a b"] {
            assert!(SignInFile::of(home.path(), name).is_none(), "{name}");
        }
    }
}
