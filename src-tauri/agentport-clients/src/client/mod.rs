//! The supported MCP clients as data: `clients.json`, which cites the client's documentation for every fact.
//!
//! A client is one entry of that file and no code. Differences in how an entry is written are fields of
//! [`entry_schema::EntrySchema`]; differences in where a file lies use the path syntax of [`paths`].

mod eligibility;
pub(crate) mod entry_schema;
pub(crate) mod paths;
mod sign_in;

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
pub use sign_in::ClientSignIn;

/// The parts of the environment that decide where clients' files lie. Nothing else in this crate reads the environment.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The operating system.
    pub os: Os,
    /// The home directory.
    pub home: PathBuf,
    /// Environment variables that move files (`CODEX_HOME`, `XDG_CONFIG_HOME`, `APPDATA` …), and `PATH`.
    pub variables: BTreeMap<String, PathBuf>,
}

/// Operating systems for which file locations are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    /// Linux, also inside WSL.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
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

/// Format of a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// JSON with comments and trailing commas, whether or not the client itself takes them.
    Json,
    /// TOML.
    Toml,
    /// YAML 1.2.
    Yaml,
}

/// One supported client: facts that are the same on every machine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Stable id, such as `claude-desktop`.
    pub id: String,
    /// Display name.
    pub name: String,
    /// URLs of the documentation these facts come from.
    sources: Vec<String>,
    format: FileFormat,
    container: Vec<String>,
    /// If the container holds a container of this name, that one counts (opencode's second configuration format).
    #[serde(default)]
    inner_container: Option<String>,
    /// Files of the user's, the preferred first.
    user: PerOs,
    /// Files of a folder's, relative to it, the preferred first.
    #[serde(default)]
    project: Vec<String>,
    /// Directories and files whose presence shows that it is installed, besides its configuration files.
    #[serde(default)]
    signs: PerOs,
    /// Programs whose presence in `PATH` shows that it is installed.
    #[serde(default)]
    programs: Vec<String>,
    #[serde(default)]
    restart: Option<String>,
    /// It speaks Streamable HTTP with headers of ours.
    http: bool,
    /// How it signs in by OAuth, if it does so by itself.
    #[serde(default)]
    oauth: Option<ClientSignIn>,
    entry: EntrySchema,
}

/// One file of a client's, on one machine.
#[derive(Debug, Clone)]
pub struct Place {
    /// The client.
    pub client: &'static Client,
    /// What the file applies to.
    pub scope: FileScope,
    /// Absolute, as the client names it.
    pub path: PathBuf,
    /// The file behind the symbolic links of `path` when the place was looked up, which is read and written; equal to
    /// `path` without links.
    pub target: PathBuf,
    /// Its format.
    pub format: FileFormat,
    /// Keys from the root of the document to its servers (a dot within a key is part of it).
    pub container: Vec<String>,
}

static CLIENTS: LazyLock<Vec<Client>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../clients.json")).expect("a test reads the embedded file")
});

impl Client {
    /// Every supported client, in the order of display.
    pub fn all() -> &'static [Self] {
        &CLIENTS
    }

    /// The client of this id.
    pub fn by_id(id: &str) -> Option<&'static Self> {
        Self::all().iter().find(|client| client.id == id)
    }

    /// It speaks Streamable HTTP with a header of ours.
    pub fn speaks_http(&self) -> bool {
        self.http
    }

    /// How it signs in by OAuth over Streamable HTTP, if it does so by itself.
    pub fn sign_in(&self) -> Option<&ClientSignIn> {
        self.oauth.as_ref()
    }

    /// What the person has to do before the client uses a changed file, as a sentence.
    pub fn restart(&self) -> Option<&str> {
        self.restart.as_deref()
    }

    /// URLs of the documentation its facts come from.
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

    /// Its existing files, or those to be created, the preferred first; with those of the project `folder`, if given.
    ///
    /// Of several candidates for the same purpose: those that exist; else the one whose directory exists; else the
    /// preferred one.
    pub fn places(&'static self, machine: &Machine, folder: Option<&Path>) -> Vec<Place> {
        let user = paths::candidates(self.user.on(machine.os), machine);
        let project = folder
            .map(|folder| self.project.iter().map(|path| paths::under(folder, path)).collect())
            .unwrap_or_default();
        let user = those_that_count(user).into_iter().map(|path| (FileScope::User, path));
        let project = those_that_count(project).into_iter().map(|path| (FileScope::Project, path));
        let mut places: Vec<Place> = Vec::new();
        for (scope, path) in user.chain(project) {
            // The home directory as a project folder would be the user's own files again.
            if places.iter().all(|place| place.path != path) {
                let container = self.container_in(&path);
                // Links that cannot be followed are reported when the file is read.
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

    /// Is one of its files, directories or programs there?
    pub fn is_found(&self, machine: &Machine) -> bool {
        let files = paths::candidates(self.user.on(machine.os), machine);
        let signs = paths::candidates(self.signs.on(machine.os), machine);
        files.iter().chain(&signs).any(|candidate| candidate.exists())
            || paths::on_path(&self.programs, machine)
    }
}

/// Of candidates for the same purpose, those that exist; else the one the client would look at.
fn those_that_count(candidates: Vec<paths::PathCandidate>) -> Vec<PathBuf> {
    let preferred = candidates
        .iter()
        .find(|candidate| candidate.path.parent().is_some_and(Path::is_dir))
        .or(candidates.first())
        .map(|candidate| candidate.path.clone());
    let there: Vec<PathBuf> = candidates
        .into_iter()
        .filter(paths::PathCandidate::exists)
        .map(|candidate| candidate.path)
        .collect();
    if there.is_empty() { preferred.into_iter().collect() } else { there }
}

#[cfg(test)]
mod tests;
