//! Checks of the data directory: does it belong to this account, and is it closed to others?

use agentport_gateway::data_dir::DataDir;

use super::finding::DoctorReport;

const ABOUT: &str = "data";

#[cfg(unix)]
pub(super) fn check(home: &DataDir, fix: bool, report: &mut DoctorReport) {
    use std::os::unix::fs::MetadataExt as _;

    use super::finding::typed;

    let root = home.root();
    let found = match std::fs::metadata(root) {
        Ok(found) => found,
        Err(error) => {
            let says = format!("{} cannot be looked at: {error}.", root.display());
            return report.fail(ABOUT, says, "choose another directory with --home");
        }
    };
    if !found.is_dir() {
        let says = format!("{} is not a directory.", root.display());
        return report.fail(ABOUT, says, "choose another one with --home");
    }
    if found.uid() != nix::unistd::geteuid().as_raw() {
        let says = format!("{} belongs to another account.", root.display());
        return report.fail(ABOUT, says, "choose a directory of your own with --home");
    }
    let root_is_open = found.mode() & 0o077 != 0;
    let open = open_to_others(root);
    let ours = open.iter().filter(|path| !has_foreign_modes(root, path)).count();
    if ours == 0 && !root_is_open {
        return report.ok(ABOUT, format!("{} is for this account alone.", root.display()));
    }
    // With a mistyped --home a shared directory must not be closed.
    let is_ours = root.join("lock").is_file();
    if fix && is_ours {
        let failed = open.iter().map(|path| close(path)).chain([close(root)]).find_map(Result::err);
        return match failed {
            None => report.mended(
                ABOUT,
                format!("{} was open to other accounts, and is no longer.", root.display()),
            ),
            Some(error) => report.fail(
                ABOUT,
                format!("{} could not be closed to other accounts: {error}.", root.display()),
                format!("chmod -R go-rwx {}", typed(root)),
            ),
        };
    }
    let mend = match is_ours {
        true => format!("agentport doctor --fix, or: chmod -R go-rwx {}", typed(root)),
        false => "this may be no directory of AgentPort's; look at what --home names".to_owned(),
    };
    if root_is_open {
        let says = format!("Other accounts can look into {}.", root.display());
        report.fail(ABOUT, says, mend);
    } else {
        let says = format!(
            "{} of the files in {} have modes that are open to other accounts; the directory itself is closed.",
            ours,
            root.display()
        );
        report.warn(ABOUT, says, mend);
    }
}

/// On Windows the profile's directories are closed to other accounts by inherited access lists.
#[cfg(not(unix))]
pub(super) fn check(home: &DataDir, _fix: bool, report: &mut DoctorReport) {
    report.ok(ABOUT, format!("{} is there.", home.root().display()));
}

/// Files checked. A data directory has a few hundred at most.
#[cfg(unix)]
const MAX_FILES: usize = 20_000;

/// What the desktop app's web view and tray write there, with modes of their own. The closed data directory protects it.
#[cfg(unix)]
const FOREIGN_MODES: [&str; 3] = ["webview", "tray", "windows.json"];

/// What is below a directory and not for its owner alone. Links are left out: they have no mode of their own.
#[cfg(unix)]
fn open_to_others(root: &std::path::Path) -> Vec<std::path::PathBuf> {
    use std::os::unix::fs::MetadataExt as _;

    let mut open = Vec::new();
    let mut directories = vec![root.to_owned()];
    let mut seen = 0;
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            let Ok(found) = entry.metadata() else { continue };
            seen += 1;
            if found.is_symlink() || seen > MAX_FILES {
                continue;
            }
            if found.mode() & 0o077 != 0 {
                open.push(entry.path());
            }
            if found.is_dir() {
                directories.push(entry.path());
            }
        }
    }
    open
}

#[cfg(unix)]
fn has_foreign_modes(root: &std::path::Path, path: &std::path::Path) -> bool {
    let first = path.strip_prefix(root).ok().and_then(|below| below.components().next());
    first.is_some_and(|first| FOREIGN_MODES.iter().any(|name| first.as_os_str() == *name))
}

#[cfg(unix)]
fn close(path: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let mut permissions = match std::fs::metadata(path) {
        // A companion file of the database, removed with its last connection.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        found => found?.permissions(),
    };
    permissions.set_mode(permissions.mode() & !0o077);
    std::fs::set_permissions(path, permissions)
}
