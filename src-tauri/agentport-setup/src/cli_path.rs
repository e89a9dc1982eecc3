//! Path of the `agentport` program that clients start as their bridge. It is written into the client's file, so only a
//! path that lasts will do.

use std::path::{Path, PathBuf};

const NAME: &str = "agentport";

/// Where packages install it.
#[cfg(unix)]
const PACKAGED: &[&str] = &["/usr/bin/agentport", "/usr/local/bin/agentport"];
#[cfg(not(unix))]
const PACKAGED: &[&str] = &[];

/// The `agentport` program, by absolute path: this very program, the one beside it, or the one a package installed.
/// `None` if there is none; then clients that can only start programs cannot be connected.
pub fn cli_path() -> Option<PathBuf> {
    let this = std::env::current_exe().ok();
    // What an AppImage is mounted at is gone when the app ends.
    let is_mounted = std::env::var_os("APPIMAGE").is_some();
    let beside = this.filter(|_| !is_mounted).and_then(|this| beside(&this));
    beside.or_else(|| PACKAGED.iter().map(PathBuf::from).find(|path| path.is_file()))
}

fn beside(this: &Path) -> Option<PathBuf> {
    let directory = this.parent()?;
    // A test binary of Cargo's: its name changes with each build.
    if directory.ends_with("deps") {
        return None;
    }
    let path = directory.join(format!("{NAME}{}", std::env::consts::EXE_SUFFIX));
    path.is_file().then_some(path)
}

#[cfg(test)]
mod tests {
    use crate::cli_path::*;

    #[test]
    fn is_beside_the_running_program() {
        let directory = tempfile::tempdir().unwrap();
        let at = |path: &str| directory.path().join(path);
        let name = format!("{NAME}{}", std::env::consts::EXE_SUFFIX);
        std::fs::create_dir(at("deps")).unwrap();
        std::fs::write(at("deps").join(&name), "").unwrap();
        assert_eq!(beside(&at("agentport-desktop")), None, "it is not there");
        std::fs::write(at(&name), "").unwrap();
        for this in ["agentport", "ap", "agentport-desktop", "agentport (deleted)"] {
            assert_eq!(beside(&at(this)), Some(at(&name)), "{this}");
        }
        assert_eq!(beside(&at("deps/it-0123456789abcdef")), None);
        // These tests run from there.
        assert!(cli_path().is_none_or(|path| path.starts_with("/usr")));
    }
}
