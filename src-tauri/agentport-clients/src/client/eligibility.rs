//! Checks whether a client's file may be read and changed: where its links lead, and how many servers it has.
//!
//! A file of a project must not link out of the project: a person who reviews the plan expects changes inside it. The
//! user's own files may link anywhere, as with dotfiles kept in a repository, but not into AgentPort's data directory.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::Place;
use crate::{atomic_write, document::Document, types::FileScope};

/// Most servers in a file AgentPort works with. Usual are a dozen; each is compared with every other, and becomes a
/// process once it is moved to the gateway.
pub const MAX_SERVERS: usize = 200;

/// Why AgentPort does not change a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ineligible {
    /// A project's file links out of its project.
    #[error("it is a link that leads out of the project, to {target}")]
    OutOfProject {
        /// Where the link leads.
        target: PathBuf,
    },
    /// It lies in AgentPort's data directory.
    #[error("it leads into AgentPort's own folder")]
    OwnEntry,
    /// It has more than [`MAX_SERVERS`] servers.
    #[error("it has too many servers ({count}); AgentPort works with up to {MAX_SERVERS}")]
    TooManyServers {
        /// Servers in the file.
        count: usize,
    },
}

impl Ineligible {
    pub(crate) fn if_too_many(count: usize) -> Result<(), Self> {
        match count > MAX_SERVERS {
            true => Err(Self::TooManyServers { count }),
            false => Ok(()),
        }
    }
}

impl Place {
    /// The project's folder; `None` for a file of the user's.
    pub fn folder(&self) -> Option<PathBuf> {
        if self.scope != FileScope::Project {
            return None;
        }
        let file = self.client.project_files().iter().find(|file| self.path.ends_with(file))?;
        let folder = self.path.ancestors().nth(Path::new(file).components().count())?;
        Some(folder.to_owned())
    }

    /// Checks where the path leads. `home` is the gateway's data directory, if known.
    pub fn may_be_touched(&self, home: Option<&Path>) -> Result<(), Ineligible> {
        if let Some(folder) = self.folder() {
            let folder = atomic_write::target(&folder).unwrap_or(folder);
            if !self.target.starts_with(folder) {
                return Err(Ineligible::OutOfProject { target: self.target.clone() });
            }
        }
        match home.is_some_and(|home| is_within(&self.target, home)) {
            true => Err(Ineligible::OwnEntry),
            false => Ok(()),
        }
    }

    /// Also checks the number of servers in `content`, unless it does not parse.
    pub fn may_be_worked_on(&self, content: Option<&[u8]>) -> Result<(), Ineligible> {
        let servers = Document::parse(self, content).ok().and_then(|file| file.servers().ok());
        Ineligible::if_too_many(servers.map_or(0, |servers| servers.len()))
    }
}

/// Compares by file identity where possible: a case-insensitive file system takes `Home` and `home` for the same.
fn is_within(target: &Path, home: &Path) -> bool {
    let Ok(home) = fs::canonicalize(home) else { return false };
    target.ancestors().any(|above| fs::canonicalize(above).is_ok_and(|above| above == home))
}

#[cfg(all(test, unix))]
mod tests {
    use std::{collections::BTreeMap, fs, os::unix::fs::symlink};

    use tempfile::TempDir;

    use crate::client::eligibility::*;
    use crate::client::{Client, Machine, Os};

    struct Disk {
        _dir: TempDir,
        root: PathBuf,
    }

    impl Disk {
        fn new() -> Self {
            let dir = TempDir::new().unwrap();
            let root = fs::canonicalize(dir.path()).unwrap();
            let disk = Self { _dir: dir, root };
            for dir in ["user/.cursor", "repo/.cursor", "repo/config", "home/clients"] {
                fs::create_dir_all(disk.at(dir)).unwrap();
            }
            fs::write(disk.at("user/.claude.json"), "{}").unwrap();
            fs::write(disk.at("repo/config/mcp.json"), "{}").unwrap();
            disk
        }

        fn at(&self, path: &str) -> PathBuf {
            self.root.join(path)
        }

        fn link(&self, to: &str, path: &str) {
            symlink(to, self.at(path)).unwrap();
        }

        fn of(&self, scope: FileScope, folder: &str) -> Result<(), Ineligible> {
            let home = self.at("user");
            let machine = Machine { os: Os::Linux, home, variables: BTreeMap::new() };
            let client = Client::by_id("cursor").unwrap();
            let places = client.places(&machine, Some(&self.at(folder)));
            let place = places.into_iter().find(|place| place.scope == scope).unwrap();
            place.may_be_touched(Some(&self.at("home")))
        }

        fn project(&self, link: &str) -> Result<(), Ineligible> {
            let _ = fs::remove_file(self.at("repo/.cursor/mcp.json"));
            self.link(link, "repo/.cursor/mcp.json");
            self.of(FileScope::Project, "repo")
        }
    }

    #[test]
    fn a_projects_file_stays_in_the_project() {
        let disk = Disk::new();
        let out = |path: &str| Err(Ineligible::OutOfProject { target: disk.at(path) });
        assert_eq!(disk.of(FileScope::Project, "repo"), Ok(()), "there is none yet");
        assert_eq!(disk.project("../config/mcp.json"), Ok(()));
        assert_eq!(disk.project("../config/missing.json"), Ok(()));
        assert_eq!(disk.project("../../user/.claude.json"), out("user/.claude.json"));
        assert_eq!(disk.project("../../user/.config/autostart/x"), out("user/.config/autostart/x"));
        let missing = disk.at("repo-too/mcp.json");
        assert_eq!(disk.project(missing.to_str().unwrap()), out("repo-too/mcp.json"));
        let clients = disk.at("home/clients/agents.json");
        assert_eq!(disk.project(clients.to_str().unwrap()), out("home/clients/agents.json"));
        // A directory on the way counts as much, also one that leads nowhere yet.
        fs::remove_dir_all(disk.at("repo/.cursor")).unwrap();
        for (to, target) in
            [("../user/.cursor", "user/.cursor/mcp.json"), ("../none", "none/mcp.json")]
        {
            disk.link(to, "repo/.cursor");
            assert_eq!(disk.of(FileScope::Project, "repo"), out(target));
            fs::remove_file(disk.at("repo/.cursor")).unwrap();
        }
        // The project itself may be reached by one.
        disk.link("repo", "same");
        assert_eq!(disk.of(FileScope::Project, "same"), Ok(()));
    }

    #[test]
    fn the_users_own_lead_anywhere_but_here() {
        let disk = Disk::new();
        let file = disk.at("user/.cursor/mcp.json");
        for (to, want) in [
            ("../../repo/config/mcp.json", Ok(())),
            ("../../nowhere/mcp.json", Ok(())),
            ("../../home/clients/agents.json", Err(Ineligible::OwnEntry)),
            ("../../home/new.json", Err(Ineligible::OwnEntry)),
        ] {
            let _ = fs::remove_file(&file);
            symlink(to, &file).unwrap();
            assert_eq!(disk.of(FileScope::User, "repo"), want, "{to}");
        }
    }
}
