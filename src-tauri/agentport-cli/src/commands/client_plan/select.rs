//! Selects a client and one of its files from the command line.

use std::path::{Component, Path, PathBuf};

use agentport_clients::{
    client::{Client, Machine},
    types::FileScope,
};
use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;

/// Edit distance up to which another id is suggested.
const MAX_TYPOS: usize = 3;

#[derive(Debug, Clone, Args)]
pub(crate) struct ClientFileArgs {
    /// One of its files [default: the user's own]
    #[arg(long, value_name = "PATH", conflicts_with = "folder")]
    file: Option<PathBuf>,
    /// The file of a project, by the project's folder
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl ClientFileArgs {
    /// Absolute; `None` for the user's own.
    pub(crate) fn path(
        &self,
        client: &'static Client,
        machine: &Machine,
    ) -> Result<Option<String>> {
        let path = match (&self.file, &self.folder) {
            (Some(path), _) => file(path)?,
            (None, Some(path)) => {
                let places = client.places(machine, Some(&folder(path)?));
                let project = places.into_iter().find(|place| place.scope == FileScope::Project);
                let Some(place) = project else {
                    bail!("{} has no file of its own in a project's folder", client.name);
                };
                place.path
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(path.to_str().context("the path is not in Unicode")?.to_owned()))
    }
}

/// A folder's canonical path.
pub(crate) fn folder(path: &Path) -> Result<PathBuf> {
    path.canonicalize().with_context(|| format!("cannot use the folder {}", path.display()))
}

/// A file's absolute path. The file need not exist; `..` is resolved by the file system.
fn file(path: &Path) -> Result<PathBuf> {
    let whole = std::path::absolute(path)
        .with_context(|| format!("cannot tell where {} is", path.display()))?;
    if !whole.components().any(|part| part == Component::ParentDir) {
        return Ok(whole);
    }
    match (whole.parent(), whole.file_name()) {
        (Some(parent), Some(name)) => Ok(folder(parent)?.join(name)),
        _ => bail!("{} is not a file", path.display()),
    }
}

/// The client with this id or name.
pub(crate) fn client(wanted: &str) -> Result<&'static Client> {
    let all = Client::all();
    let known = all.iter().find(|client| client.id == wanted);
    let named = || all.iter().find(|client| client.name.to_lowercase() == wanted.to_lowercase());
    known.or_else(named).ok_or_else(|| {
        match nearest(wanted, all.iter().map(|client| client.id.as_str())) {
            Some(near) => anyhow!("there is no client {wanted:?}; did you mean {near}?"),
            None => anyhow!("there is no client {wanted:?}; `agentport discover --all` lists them"),
        }
    })
}

/// The id that was probably meant.
fn nearest<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase().replace([' ', '_'], "-");
    let far = |id: &str| match id.starts_with(&wanted) && wanted.len() >= 3 {
        true => 0,
        false => distance(&wanted, id),
    };
    let near = known.map(|id| (far(id), id)).min()?;
    // In a short word, fewer letters may differ.
    (near.0 <= MAX_TYPOS.min(wanted.len() / 2)).then_some(near.1)
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_understood() {
        let known = ["claude-desktop", "claude-code", "cursor", "vscode", "zed"];
        for (wanted, want) in [
            ("curser", Some("cursor")),
            ("Cursor", Some("cursor")),
            ("claude_desktop", Some("claude-desktop")),
            ("claude desktp", Some("claude-desktop")),
            ("vs-code", Some("vscode")),
            ("claude", Some("claude-code")),
            ("emacs", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(wanted, known.into_iter()), want, "{wanted:?}");
        }
    }

    #[test]
    fn counts_letters() {
        for (a, b, want) in [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(distance(a, b), want, "{a} {b}");
        }
    }
}
