//! Where the `agentport` program is that clients are told to start. A client keeps the path for as long as it likes, so
//! only one that stays will do.

use std::path::{Path, PathBuf};

const NAME: &str = "agentport";

/// Where packages put it.
#[cfg(unix)]
const PACKAGED: &[&str] = &["/usr/bin/agentport", "/usr/local/bin/agentport"];
#[cfg(not(unix))]
const PACKAGED: &[&str] = &[];

/// The `agentport` program, by absolute path: this very program, the one beside it, or where packages put it. `None` if
/// it is nowhere there; then no client can be told to start it.
pub fn program() -> Option<PathBuf> {
    let this = std::env::current_exe().ok();
    // What an AppImage is mounted at is gone when the app ends.
    let passing = std::env::var_os("APPIMAGE").is_some();
    let beside = this.filter(|_| !passing).and_then(|this| beside(&this));
    beside.or_else(|| PACKAGED.iter().map(PathBuf::from).find(|path| path.is_file()))
}

fn beside(this: &Path) -> Option<PathBuf> {
    let directory = this.parent()?;
    // Cargo's: built for one test, with a name that changes.
    if directory.ends_with("deps") {
        return None;
    }
    let path = directory.join(format!("{NAME}{}", std::env::consts::EXE_SUFFIX));
    path.is_file().then_some(path)
}

#[cfg(test)]
mod tests {
    use crate::program::*;

    #[test]
    fn is_beside_whoever_asks_and_stays() {
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
        assert!(program().is_none_or(|path| path.starts_with("/usr")));
    }
}
