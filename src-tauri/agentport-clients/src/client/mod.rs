//! The clients we know, as data: `clients.json`, which names for every fact the client's own page that states it.
//!
//! What holds: a client is one entry there and no code. Where clients differ in how an entry is written, the difference
//! is a field of [`shape::Shape`]; where they differ in where a file lies, it is a line of [`paths`]' small language.
//! What cannot be said in either is not known to us.

mod eligibility;
pub(crate) mod entry_schema;
pub(crate) mod paths;

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use serde::Deserialize;
use serde_json::Value;

use crate::{atomic_write, document::Document, types::FileScope};
pub use eligibility::{Ineligible, MAX_SERVERS};
use entry_schema::EntrySchema;
use paths::PerOs;

/// The machine as far as clients' files go. Nothing else here looks at the environment.
#[derive(Debug, Clone)]
pub struct Machine {
    pub os: Os,
    pub home: PathBuf,
    /// Environment variables that move files (`CODEX_HOME`, `XDG_CONFIG_HOME`, `APPDATA` …), and `PATH`, by which
    /// programs are found.
    pub variables: BTreeMap<String, PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    Linux,
    Macos,
    Windows,
}

impl Machine {
    /// This one; `None` without a home directory.
    pub fn this() -> Option<Self> {
        let os = if cfg!(target_os = "windows") {
            Os::Windows
        } else if cfg!(target_os = "macos") {
            Os::Macos
        } else {
            Os::Linux
        };
        let home = env::home_dir().filter(|home| home.is_absolute())?;
        let variables = known_variables()
            .chain(["PATH"])
            .filter_map(|name| Some((name.to_owned(), PathBuf::from(env::var_os(name)?))))
            .collect();
        Some(Self { os, home, variables })
    }
}

/// Every variable that a path in the data starts with.
fn known_variables() -> impl Iterator<Item = &'static str> {
    Client::all()
        .iter()
        .flat_map(|client| client.user.every().chain(client.signs.every()))
        .filter_map(|path| paths::variable(path))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON with comments and trailing commas, whether or not the client itself takes them.
    Json,
    Toml,
    Yaml,
}

/// One client: data, and nothing that differs by machine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    pub id: String,
    pub name: String,
    /// Pages that say what stands here, the client's own wherever it has one.
    sources: Vec<String>,
    format: Format,
    container: Vec<String>,
    /// Where such a container lies within the container, it is that one (opencode's second version).
    #[serde(default)]
    inner_container: Option<String>,
    /// Files of the user's, the preferred first.
    user: PerOs,
    /// Files of a folder's, relative to it, the preferred first.
    #[serde(default)]
    project: Vec<String>,
    /// Directories and files that say it is installed, beside its own config files.
    #[serde(default)]
    signs: PerOs,
    /// Programs that say so, when they are found along `PATH`.
    #[serde(default)]
    programs: Vec<String>,
    #[serde(default)]
    restart: Option<String>,
    /// It speaks Streamable HTTP with headers of ours.
    http: bool,
    entry: EntrySchema,
}

/// One file of a client's, on one machine.
#[derive(Debug, Clone)]
pub struct Place {
    pub client: &'static Client,
    pub scope: FileScope,
    pub path: PathBuf,
    /// Where `path` led through links when the place was looked up: the file that is read and written. `path` itself
    /// where there are none.
    pub target: PathBuf,
    pub format: Format,
    /// Where in the file the servers stand: keys from the root (a dot within one belongs to the key).
    pub container: Vec<String>,
}

static CLIENTS: LazyLock<Vec<Client>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../clients.json")).expect("a test reads the embedded file")
});

impl Client {
    /// All of them, in the order they are shown.
    pub fn all() -> &'static [Self] {
        &CLIENTS
    }

    pub fn by_id(id: &str) -> Option<&'static Self> {
        Self::all().iter().find(|client| client.id == id)
    }

    /// It speaks Streamable HTTP with a header of ours.
    pub fn speaks_http(&self) -> bool {
        self.http
    }

    /// What makes a change count, as a sentence.
    pub fn restart(&self) -> Option<&str> {
        self.restart.as_deref()
    }

    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    pub(crate) fn shape(&self) -> &EntrySchema {
        &self.entry
    }

    /// Its files within a folder, relative to it.
    pub(crate) fn project_files(&self) -> &[String] {
        &self.project
    }

    /// Where its files are or would be, the preferred first; those of `folder` as well, where one is given.
    ///
    /// Of several files that serve the same end, those that exist; if none does, the one whose directory is there, or
    /// else the preferred one.
    pub fn places(&'static self, machine: &Machine, folder: Option<&Path>) -> Vec<Place> {
        let user = paths::candidates(self.user.on(machine.os), machine);
        let project = folder
            .map(|folder| self.project.iter().map(|path| paths::under(folder, path)).collect())
            .unwrap_or_default();
        let user = those_that_count(user).into_iter().map(|path| (FileScope::User, path));
        let project = those_that_count(project).into_iter().map(|path| (FileScope::Project, path));
        let mut places: Vec<Place> = Vec::new();
        for (scope, path) in user.chain(project) {
            // The home directory as a folder has the user's own files.
            if places.iter().all(|place| place.path != path) {
                let container = self.container_in(&path);
                // One whose links cannot be followed cannot be read either, and says so then.
                let target = atomic_write::target(&path).unwrap_or_else(|_| path.clone());
                let format = self.format;
                places.push(Place { client: self, scope, path, target, format, container });
            }
        }
        places
    }

    fn container_in(&self, path: &Path) -> Vec<String> {
        let mut container = self.container.clone();
        if let Some(name) = &self.inner_container
            && let Ok(content) = atomic_write::read(path)
            && let Ok(document) = Document::parse_as(self.format, &container, content.as_deref())
            // A server may be called like that as well, but a container has nothing but sets of fields in it.
            && document.servers().unwrap_or_default().iter().any(|(there, entry)| {
                let fields = entry.as_object();
                there == name && fields.is_some_and(|fields| fields.values().all(Value::is_object))
            })
        {
            container.push(name.clone());
        }
        container
    }

    /// Are there signs of it: its file, its directory, its program?
    pub fn is_found(&self, machine: &Machine) -> bool {
        let files = paths::candidates(self.user.on(machine.os), machine);
        let signs = paths::candidates(self.signs.on(machine.os), machine);
        files.iter().chain(&signs).any(|candidate| candidate.exists())
            || paths::on_path(&self.programs, machine)
    }
}

/// Of files that serve the same end, those that are there. If none is, where the client would look for one.
fn those_that_count(candidates: Vec<paths::Candidate>) -> Vec<PathBuf> {
    let preferred = candidates
        .iter()
        .find(|candidate| candidate.path.parent().is_some_and(Path::is_dir))
        .or(candidates.first())
        .map(|candidate| candidate.path.clone());
    let there: Vec<PathBuf> = candidates
        .into_iter()
        .filter(paths::Candidate::exists)
        .map(|candidate| candidate.path)
        .collect();
    if there.is_empty() { preferred.into_iter().collect() } else { there }
}

#[cfg(test)]
mod tests;
