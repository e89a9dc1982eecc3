//! Facts about this machine that plans need: its clients' places, our program, the gateway's data directory and URL.

use std::{
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use agentport_clients::{
    atomic_write,
    backups::{Backups, BackupsError},
    client::{Client, Machine, Place},
    entry::{EntryTarget, OwnEntry},
    mcp_server::{Launch, McpServer},
    types::{ConnectionMethod, FileScope, PlanAction},
};
use agentport_gateway::data_dir::DataDir;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;
use url::{Host, Url};

use crate::{
    agents,
    entries::{self, EntryInFile},
    error::SetupError,
};

/// Hexadecimal digits of the path's hash in the key name of a project's file.
const PATH_HASH_DIGITS: usize = 8;

/// This machine with its gateway, as the setup use cases see it.
#[derive(Clone)]
pub struct Installation {
    pub(crate) machine: Machine,
    /// The program that clients start as their bridge; see [`crate::cli_path`].
    program: Option<PathBuf>,
    pub(crate) home: PathBuf,
    /// Where agents reach the gateway.
    mcp_url: String,
    backups: Arc<OnceCell<Backups>>,
}

impl Installation {
    /// `home` is the gateway's data directory, `mcp_url` where it is reached, or would be.
    pub fn new(machine: Machine, program: Option<PathBuf>, home: PathBuf, mcp_url: String) -> Self {
        Self { machine, program, home, mcp_url, backups: Arc::default() }
    }

    /// The kept originals of this home; made where there are none yet.
    pub async fn backups(&self) -> Result<&Backups, BackupsError> {
        let open = async || Backups::open(&agents::directory(&self.home)).await;
        self.backups.get_or_try_init(open).await
    }

    /// The kept originals, if there are any: reading creates nothing.
    pub async fn backups_if_any(&self) -> Result<Option<&Backups>, BackupsError> {
        match self.backups.initialized() || agents::directory(&self.home).is_dir() {
            true => self.backups().await.map(Some),
            false => Ok(None),
        }
    }

    /// Which of a client's files is meant: the one at `path`, of the user's or of a project's; otherwise the user's,
    /// where there are several the one that is there, and for taking back the one that there is something to take back
    /// in.
    pub(crate) async fn place(
        &self,
        client: &'static Client,
        what: PlanAction,
        path: Option<&Path>,
    ) -> Result<Place, SetupError> {
        if let Some(path) = path {
            let path = plain(path, "path")?;
            let of = |folder: Option<&Path>| {
                client.places(&self.machine, folder).into_iter().find(|place| place.path == path)
            };
            let folders = path.ancestors().skip(1);
            return of(None).or_else(|| folders.map(Some).find_map(of)).ok_or_else(|| {
                SetupError::NotItsFile { client: client.name.clone(), path: path.clone() }
            });
        }
        let mut places = client.places(&self.machine, None);
        places.retain(|place| place.scope == FileScope::User);
        for place in &places {
            let fits = match what {
                PlanAction::Connect | PlanAction::Consolidate => place.path.exists(),
                PlanAction::Disconnect => self.has_ours(place),
                PlanAction::Restore => self.can_restore(place).await,
            };
            if fits {
                return Ok(place.clone());
            }
        }
        let first = places.into_iter().next();
        first.ok_or_else(|| SetupError::NoFile { client: client.name.clone() })
    }

    fn has_ours(&self, place: &Place) -> bool {
        let bytes = atomic_write::read(&place.path).ok().flatten();
        let servers = entries::servers(place, bytes.as_deref()).unwrap_or_default();
        EntryInFile::find(self, &servers).is_some()
    }

    async fn can_restore(&self, place: &Place) -> bool {
        let Ok(Some(backups)) = self.backups_if_any().await else { return false };
        let bytes = atomic_write::read(&place.path).ok().flatten();
        backups.can_restore(&place.path, bytes.as_deref()).await.unwrap_or(false)
    }

    /// What our entry in this file leads to.
    pub(crate) fn target(&self, place: &Place) -> EntryTarget {
        let key_name = key_name(place);
        let variable = key_name.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        EntryTarget {
            mcp_url: self.mcp_url.clone(),
            // A plan with a bridge and no program is refused.
            program: self.program.clone().unwrap_or_default(),
            home: (!is_usual(&self.home)).then(|| self.home.clone()),
            key_name,
            variable: format!("AGENTPORT_KEY_{variable}"),
        }
    }

    /// Can a client be told to start our bridge?
    pub(crate) fn has_bridge(&self) -> bool {
        self.program.is_some()
    }

    /// Does the entry lead to this gateway?
    pub(crate) fn is_current(&self, ours: &OwnEntry) -> bool {
        match ours.via {
            ConnectionMethod::OAuth
            | ConnectionMethod::Http
            | ConnectionMethod::HttpEnvironment => ours
                .mcp_url
                .as_deref()
                .and_then(loopback_port)
                .is_some_and(|port| loopback_port(&self.mcp_url) == Some(port)),
            ConnectionMethod::Bridge => match &ours.home {
                Some(home) => is_same_folder(home, &self.home),
                None => is_usual(&self.home),
            },
        }
    }
}

impl Installation {
    /// Does a bridge's entry start our program as we would have written it for this file? Any program can write an entry
    /// that starts another `agentport`, or sets other variables for it.
    pub(crate) fn is_as_written(
        &self,
        place: &Place,
        server: &McpServer,
        entry: &EntryInFile,
    ) -> bool {
        let Launch::Local { command, env, cwd, .. } = &server.launch else { return true };
        let is_bare = matches!(command.as_str(), "agentport" | "ap");
        let is_ours = self.program.as_deref().is_some_and(|program| program == Path::new(command));
        (is_bare || is_ours)
            && env.is_empty()
            && cwd.is_none()
            && entry.ours.key_name == Some(self.target(place).key_name)
    }
}

/// A path of the `field` of a request as it is compared and remembered, so that one file has one name: absolute, and
/// without the `//` and `/./` that lead nowhere else. A path with `..` is refused: only the file system could say where it leads.
pub(crate) fn plain(path: &Path, field: &'static str) -> Result<PathBuf, SetupError> {
    match path.is_absolute() && !path.components().any(|part| part == Component::ParentDir) {
        true => Ok(path.components().collect()),
        false => Err(SetupError::NotAbsolute { path: path.to_owned(), field }),
    }
}

/// Is it the data directory that `agentport` uses without `--home`?
fn is_usual(home: &Path) -> bool {
    DataDir::usual().is_some_and(|usual| is_same_folder(&usual, home))
}

/// Both are resolved: on Windows one of them may be written with `\\?\` in front.
fn is_same_folder(one: &Path, other: &Path) -> bool {
    one == other
        || one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|it| it == one))
}

/// The port, if it is one of this machine's own.
fn loopback_port(url: &str) -> Option<u16> {
    let url = Url::parse(url).ok()?;
    let is_here = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    url.port_or_known_default().filter(|_| is_here)
}

fn key_name(place: &Place) -> String {
    let id = &place.client.id;
    match place.scope {
        FileScope::User => id.clone(),
        FileScope::Project => {
            let digest = Sha256::digest(place.path.as_os_str().as_encoded_bytes());
            let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{id}-{}", &digits[..PATH_HASH_DIGITS])
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::installation::*;

    #[test]
    #[cfg(unix)]
    fn one_file_has_one_name() {
        for (path, want) in [
            ("/a/b.json", Some("/a/b.json")),
            ("//a//b.json", Some("/a/b.json")),
            ("/./a/./b.json", Some("/a/b.json")),
            ("/a/b/", Some("/a/b")),
            ("/a/../b.json", None),
            ("b.json", None),
            ("./b.json", None),
            ("", None),
        ] {
            let path = plain(Path::new(path), "path").ok();
            assert_eq!(path.as_ref().and_then(|path| path.to_str()), want);
        }
    }

    #[test]
    fn only_this_machines_ports_lead_here() {
        for (url, port) in [
            ("http://127.0.0.1:4747/mcp", Some(4747)),
            ("http://localhost:4747/mcp", Some(4747)),
            ("http://[::1]:4747/mcp/", Some(4747)),
            ("http://127.0.0.1/mcp", Some(80)),
            ("http://example.com:4747/mcp", None),
            ("http://127.0.0.1.example.com:4747/mcp", None),
            ("nonsense", None),
        ] {
            assert_eq!(loopback_port(url), port, "{url}");
        }
    }
}
