//! Where programs are looked for: the PATH of the owner's terminal.
//!
//! A program started by the desktop (Finder, a panel, at login) has the system's PATH only, without what the owner's
//! shell adds for Homebrew, nvm or uv. The login shell is asked for its PATH once; where that fails, the known places
//! are added.

use std::{
    collections::HashSet,
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::sync::Mutex;

/// Time the login shell has to print its PATH. Some owners' start-up files are slow.
const SHELL_TIMEOUT: Duration = Duration::from_secs(3);
/// Printed around the PATH, since start-up files may print other things.
const MARKER: &str = "__agentport_path__";

/// Directories that every PATH of a system service has.
const SYSTEM_DIRECTORIES: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Directories below the home directory in which installers put programs.
const HOME_DIRECTORIES: [&str; 10] = [
    ".local/bin",
    ".cargo/bin",
    ".bun/bin",
    ".deno/bin",
    ".volta/bin",
    ".asdf/shims",
    ".local/share/mise/shims",
    ".nodenv/shims",
    ".pyenv/shims",
    "Library/pnpm",
];

/// The PATH for local servers. The login shell is asked at most once until [`SearchPath::refresh`].
#[derive(Debug, Default)]
pub(in crate::upstream) struct SearchPath {
    shell_path: Mutex<Option<Option<OsString>>>,
}

/// A program that no directory holds.
#[derive(Debug)]
pub(super) struct ProgramNotFound {
    pub(super) searched: Vec<PathBuf>,
}

impl SearchPath {
    /// The PATH a local server gets. `ours` is the gateway's own.
    ///
    /// A PATH with more than the system's directories was set by a shell or by the owner: it stays first, and the
    /// login shell is not asked.
    pub(super) async fn directories(&self, ours: Option<&OsStr>) -> OsString {
        let ours = ours.map(OsStr::to_owned).unwrap_or_default();
        match is_system_path(&ours) {
            true => self.with_shell(&ours, true).await,
            false => joined([ours], known_places()),
        }
    }

    /// The same with the login shell asked anew, for a program that was not found.
    pub(super) async fn refresh(&self, ours: Option<&OsStr>) -> OsString {
        *self.shell_path.lock().await = None;
        let ours = ours.map(OsStr::to_owned).unwrap_or_default();
        let shell_first = is_system_path(&ours);
        self.with_shell(&ours, shell_first).await
    }

    async fn with_shell(&self, ours: &OsStr, shell_first: bool) -> OsString {
        let mut shell_path = self.shell_path.lock().await;
        if shell_path.is_none() {
            *shell_path = Some(ask_login_shell(env::var_os("SHELL").as_deref()).await);
        }
        let shell = shell_path.clone().flatten().unwrap_or_default();
        match shell_first {
            true => joined([shell, ours.to_owned()], known_places()),
            false => joined([ours.to_owned(), shell], known_places()),
        }
    }
}

/// Looks for `command` in `path`. A command with a directory in it is not looked for.
pub(super) fn find_program(
    command: &str,
    path: &OsStr,
    cwd: Option<&Path>,
) -> Result<PathBuf, ProgramNotFound> {
    let named = Path::new(command);
    if named.components().count() > 1 || named.is_absolute() {
        // Relative to the working directory of the child, as a shell there would.
        return Ok(match cwd {
            Some(cwd) if named.is_relative() => cwd.join(named),
            _ => named.to_owned(),
        });
    }
    let searched: Vec<PathBuf> =
        env::split_paths(path).filter(|directory| !directory.as_os_str().is_empty()).collect();
    let found = searched.iter().find_map(|directory| executable(&directory.join(command)));
    found.ok_or(ProgramNotFound { searched })
}

#[cfg(unix)]
fn executable(candidate: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = candidate.metadata().ok()?;
    let runs = metadata.is_file() && metadata.permissions().mode() & 0o111 != 0;
    runs.then(|| candidate.to_owned())
}

/// `npx` is `npx.cmd` on Windows: every ending of PATHEXT is tried.
#[cfg(not(unix))]
fn executable(candidate: &Path) -> Option<PathBuf> {
    if candidate.extension().is_some() && candidate.is_file() {
        return Some(candidate.to_owned());
    }
    let endings = env::var("PATHEXT").unwrap_or_else(|_| ".COM;.EXE;.BAT;.CMD".to_owned());
    endings.split(';').filter(|ending| !ending.is_empty()).find_map(|ending| {
        let mut named = candidate.as_os_str().to_owned();
        named.push(ending);
        let named = PathBuf::from(named);
        named.is_file().then_some(named)
    })
}

fn is_system_path(path: &OsStr) -> bool {
    cfg!(unix)
        && env::split_paths(path).all(|directory| {
            SYSTEM_DIRECTORIES.iter().any(|known| directory == Path::new(known))
                || directory.as_os_str().is_empty()
        })
}

/// The directories of all `paths` and then `more`, each once.
fn joined(paths: impl IntoIterator<Item = OsString>, more: Vec<PathBuf>) -> OsString {
    let mut seen = HashSet::new();
    let all = paths
        .into_iter()
        .flat_map(|path| env::split_paths(&path).collect::<Vec<_>>())
        .chain(more)
        .filter(|directory| !directory.as_os_str().is_empty() && seen.insert(directory.clone()));
    env::join_paths(all).unwrap_or_default()
}

/// Directories that exist here and hold what owners install.
fn known_places() -> Vec<PathBuf> {
    if cfg!(windows) {
        return Vec::new();
    }
    let mut places = vec![PathBuf::from("/opt/homebrew/bin"), PathBuf::from("/usr/local/bin")];
    if let Some(home) = env::var_os("HOME").map(PathBuf::from) {
        places.extend(HOME_DIRECTORIES.iter().map(|place| home.join(place)));
        places.extend(newest_nvm_node(&home));
    }
    places.retain(|place| place.is_dir());
    places
}

/// `~/.nvm/versions/node/v…/bin` of the newest version.
fn newest_nvm_node(home: &Path) -> Option<PathBuf> {
    let version = |name: &OsStr| -> Option<Vec<u64>> {
        let name = name.to_str()?.strip_prefix('v')?;
        name.split('.').map(|part| part.parse().ok()).collect()
    };
    let versions = std::fs::read_dir(home.join(".nvm/versions/node")).ok()?;
    let (_, newest) = versions
        .flatten()
        .filter_map(|entry| Some((version(&entry.file_name())?, entry.path())))
        .max()?;
    Some(newest.join("bin"))
}

/// The PATH that the login shell prints. `None` if there is no shell, or it does not answer in time.
#[cfg(unix)]
async fn ask_login_shell(shell: Option<&OsStr>) -> Option<OsString> {
    use std::{os::unix::ffi::OsStringExt as _, process::Stdio};
    let print = format!("printf '%s%s%s' {MARKER} \"$PATH\" {MARKER}");
    let mut command = tokio::process::Command::new(shell?);
    command
        .args(["-ilc", &print])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    // SAFETY: setsid is one system call. Without a terminal of its own an interactive shell cannot stop itself for
    // want of one.
    unsafe { command.pre_exec(|| nix::unistd::setsid().map(|_| ()).map_err(Into::into)) };
    let answered = tokio::time::timeout(SHELL_TIMEOUT, command.output()).await;
    let Ok(Ok(output)) = answered else {
        tracing::warn!("the login shell did not print its PATH in time; known places are used");
        return None;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let path = text.split(MARKER).nth(1).filter(|path| !path.is_empty())?;
    Some(OsString::from_vec(path.as_bytes().to_vec()))
}

#[cfg(not(unix))]
async fn ask_login_shell(_: Option<&OsStr>) -> Option<OsString> {
    None
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn script(directory: &Path, name: &str, text: &str) -> PathBuf {
        let path = directory.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[tokio::test]
    async fn other_output_of_the_login_shell_is_ignored() {
        let directory = tempfile::tempdir().unwrap();
        let shell = script(
            directory.path(),
            "shell",
            "echo Welcome; PATH=/from/shell:/bin; test \"$1\" = -ilc && eval \"$2\"; echo bye",
        );
        assert_eq!(ask_login_shell(Some(shell.as_os_str())).await.unwrap(), "/from/shell:/bin");
        let silent = script(directory.path(), "silent", "exit 1");
        assert_eq!(ask_login_shell(Some(silent.as_os_str())).await, None);
        assert_eq!(ask_login_shell(None).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_shell_that_hangs_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let shell = script(directory.path(), "shell", "exec sleep 1000");
        assert_eq!(ask_login_shell(Some(shell.as_os_str())).await, None);
    }

    #[test]
    fn a_shells_path_is_distinguished_from_the_systems() {
        for (path, system) in [
            ("/usr/bin:/bin:/usr/sbin:/sbin", true),
            ("", true),
            ("/home/o/.local/bin:/usr/bin", false),
            ("/opt/tools", false),
        ] {
            assert_eq!(is_system_path(OsStr::new(path)), system, "{path}");
        }
    }

    #[test]
    fn directories_come_once_and_in_order() {
        let paths = ["/a:/b", "/b::/c"].map(OsString::from);
        assert_eq!(joined(paths, vec!["/c".into(), "/d".into()]), "/a:/b:/c:/d");
    }

    #[test]
    fn programs_are_found_or_it_is_known_where_they_were_sought() {
        let directory = tempfile::tempdir().unwrap();
        let program = script(directory.path(), "tool", "exit");
        std::fs::write(directory.path().join("plain"), "no program").unwrap();
        let path = env::join_paths([Path::new("/nowhere"), directory.path()]).unwrap();
        assert_eq!(find_program("tool", &path, None).unwrap(), program);
        let missing = find_program("plain", &path, None).unwrap_err();
        assert_eq!(missing.searched, [Path::new("/nowhere"), directory.path()]);
        assert_eq!(find_program("/x/y", &path, None).unwrap(), Path::new("/x/y"));
        assert_eq!(find_program("./y", &path, Some(Path::new("/w"))).unwrap(), Path::new("/w/./y"));
    }

    #[test]
    fn the_newest_node_of_nvm_is_taken() {
        let home = tempfile::tempdir().unwrap();
        for version in ["v9.11.0", "v18.2.1", "v18.10.0", "latest"] {
            std::fs::create_dir_all(home.path().join(".nvm/versions/node").join(version)).unwrap();
        }
        let newest = newest_nvm_node(home.path()).unwrap();
        assert!(newest.ends_with("v18.10.0/bin"), "{newest:?}");
    }
}
