//! Paths in `clients.json`, and how they resolve on this machine.
//!
//! A path has `/` between its parts and starts with `~` (the home directory), with `{NAME|~/else}` (the
//! directory an environment variable names, or else another), or at the root. One part may hold one `*`, which stands
//! for anything within that part: for packages whose directory ends in something we cannot know.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{Machine, Os};

/// Most directories a `*` may match. More than one is rare, more than a few is a mistake in the data.
const MAX_MATCHES: usize = 4;

/// Paths that differ by operating system.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PerOs {
    all: Vec<String>,
    linux: Vec<String>,
    macos: Vec<String>,
    windows: Vec<String>,
}

impl PerOs {
    pub(crate) fn on(&self, os: Os) -> impl Iterator<Item = &str> {
        let own = match os {
            Os::Linux => &self.linux,
            Os::Macos => &self.macos,
            Os::Windows => &self.windows,
        };
        self.all.iter().chain(own).map(String::as_str)
    }

    pub(crate) fn every(&self) -> impl Iterator<Item = &str> {
        [&self.linux, &self.macos, &self.windows, &self.all]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }
}

/// A resolved path, whether or not a file is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathCandidate {
    pub(crate) path: PathBuf,
    /// A `*` in it matched an existing directory.
    matched: bool,
}

impl PathCandidate {
    /// A dangling link counts as existing: a file is expected there.
    pub(crate) fn exists(&self) -> bool {
        self.matched || fs::symlink_metadata(&self.path).is_ok()
    }
}

/// The environment variable a path starts with.
pub(crate) fn variable(path: &str) -> Option<&str> {
    path.strip_prefix('{')?.split_once('|').map(|(name, _)| name)
}

/// Resolves paths of `clients.json` on this machine. One with a `*` gives a candidate for each match.
pub(crate) fn candidates<'a>(
    paths: impl Iterator<Item = &'a str>,
    machine: &Machine,
) -> Vec<PathCandidate> {
    let settled = paths.flat_map(|path| {
        let (start, rest) = start(path, machine);
        match rest.split_once('*') {
            Some((before, after)) => matches(&start, before, after),
            None => vec![under(&start, rest)],
        }
    });
    settled.collect()
}

/// A path of the data that is relative to a folder.
pub(crate) fn under(folder: &Path, path: &str) -> PathCandidate {
    PathCandidate { path: joined(folder, path), matched: false }
}

/// Is one of these programs found along `PATH`?
pub(crate) fn on_path(programs: &[String], machine: &Machine) -> bool {
    let Some(path) = machine.variables.get("PATH").filter(|_| !programs.is_empty()) else {
        return false;
    };
    env::split_paths(path).filter(|directory| directory.is_absolute()).any(|directory| {
        programs.iter().any(|program| match machine.os {
            Os::Windows => ["exe", "cmd"]
                .iter()
                .any(|ending| directory.join(format!("{program}.{ending}")).is_file()),
            Os::Linux | Os::Macos => directory.join(program).is_file(),
        })
    })
}

/// The directory a path of the data starts with, and the rest.
fn start<'a>(path: &'a str, machine: &Machine) -> (PathBuf, &'a str) {
    let Some((choice, rest)) = path.strip_prefix('{').and_then(|path| path.split_once('}')) else {
        return from_home(path, machine);
    };
    let (name, otherwise) = choice.split_once('|').unwrap_or((choice, "~"));
    // A relative value is ignored, as the XDG base directory specification says: it would be relative to the working
    // directory of the client, not ours.
    let directory = match machine.variables.get(name).filter(|value| value.is_absolute()) {
        Some(value) => value.clone(),
        None => {
            let (start, rest) = from_home(otherwise, machine);
            joined(&start, rest)
        }
    };
    (directory, rest)
}

fn from_home<'a>(path: &'a str, machine: &Machine) -> (PathBuf, &'a str) {
    match path.strip_prefix('~') {
        Some(rest) => (machine.home.clone(), rest),
        None => (PathBuf::from("/"), path),
    }
}

/// `path` taken part by part, so that it has the separators of the machine.
fn joined(start: &Path, path: &str) -> PathBuf {
    path.split('/')
        .filter(|part| !part.is_empty())
        .fold(start.to_owned(), |all, part| all.join(part))
}

/// Directory entries within `start` that `before*after` matches.
fn matches(start: &Path, before: &str, after: &str) -> Vec<PathCandidate> {
    let (parent, name_before) = before.rsplit_once('/').unwrap_or(("", before));
    let (name_after, rest) = after.split_once('/').unwrap_or((after, ""));
    let Ok(entries) = fs::read_dir(joined(start, parent)) else { return Vec::new() };
    let mut found: Vec<PathCandidate> = entries
        .flatten()
        .filter(|entry| {
            entry.file_name().to_str().is_some_and(|name| {
                name.len() >= name_before.len() + name_after.len()
                    && name.starts_with(name_before)
                    && name.ends_with(name_after)
            })
        })
        .map(|entry| PathCandidate { path: joined(&entry.path(), rest), matched: true })
        .collect();
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found.truncate(MAX_MATCHES);
    found
}
