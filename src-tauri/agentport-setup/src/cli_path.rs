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
    let beside = this.filter(|this| !is_temporary(this)).and_then(|this| beside(&this));
    beside.or_else(|| PACKAGED.iter().map(PathBuf::from).find(|path| path.is_file()))
}

/// What to do where there is no program that lasts.
pub(crate) fn advice() -> &'static str {
    let is_temporary = std::env::current_exe().is_ok_and(|this| is_temporary(&this));
    match is_temporary && !cfg!(target_os = "linux") {
        true => "move AgentPort to the Applications folder, and start it from there",
        false => "install AgentPort's command line",
    }
}

/// Does the program run from a place that is gone later: an AppImage's mount, a disk image, macOS' App Translocation?
fn is_temporary(this: &Path) -> bool {
    std::env::var_os("APPIMAGE").is_some() || is_temporary_on_macos(this)
}

/// An app that is started from its disk image runs below `/Volumes`; one that was downloaded and never moved runs from a
/// random read-only folder (App Translocation).
fn is_temporary_on_macos(this: &Path) -> bool {
    cfg!(any(target_os = "macos", test))
        && (this.starts_with("/Volumes")
            || this.components().any(|part| part.as_os_str() == "AppTranslocation"))
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
    fn places_that_vanish_are_known() {
        for (path, want) in [
            ("/Volumes/AgentPort/AgentPort.app/Contents/MacOS/agentport", true),
            ("/private/var/folders/a/T/AppTranslocation/B/d/AgentPort.app/Contents/MacOS/x", true),
            ("/Applications/AgentPort.app/Contents/MacOS/agentport", false),
            ("/home/me/Volumes/agentport", false),
        ] {
            assert_eq!(is_temporary_on_macos(Path::new(path)), want, "{path}");
        }
    }

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
