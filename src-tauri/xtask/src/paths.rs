//! Where things are in the repository.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use crate::process;

/// The repository's root. Cargo names this package's folder when it runs it; the folder it was built in may have moved.
pub(crate) fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let package = package.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    package.ancestors().nth(2).unwrap_or(Path::new(".")).to_owned()
}

/// Cargo's output, which `CARGO_TARGET_DIR` may put elsewhere.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(elsewhere) => root().join(elsewhere),
        None => root().join("target"),
    }
}

/// What these tasks fetch for themselves.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}

/// A program of ours in the output folder of a cargo profile: `debug` or `release`.
pub(crate) fn program(profile: &str, name: &str) -> PathBuf {
    target().join(profile).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// Source files that match one of git's `patterns`, relative to the root. New ones count too, so that a check says the
/// same before and after a commit; deleted ones do not.
pub(crate) fn source_files(patterns: &[&str]) -> Result<Vec<String>> {
    let root = root();
    let mut git = Command::new("git");
    git.current_dir(&root)
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z", "--"])
        .args(patterns);
    let list = process::output(&mut git)?;
    let names = list.split('\0').filter(|name| !name.is_empty() && root.join(name).exists());
    Ok(names.map(str::to_owned).collect())
}
