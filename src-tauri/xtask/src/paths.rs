//! Where things are in the repository.

use std::path::{Path, PathBuf};

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
