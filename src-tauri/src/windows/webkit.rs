//! The network process that WebKit leaves behind when the last window is closed.
//!
//! Tauri keeps WebKit's context for the life of the app, and with it a network process of some 30 MB, which is idle: our
//! pages need no network. WebKit starts another one when the next window needs it, as it would after a crash.

use std::{fs, path::Path, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, getpid},
};

/// Time the network process has to store the page's data after the last window was closed.
pub(super) const STORE_TIMEOUT: Duration = Duration::from_secs(10);

/// Name of the network process, as the kernel cuts it (15 bytes).
const NETWORK_PROCESS: &str = "WebKitNetworkPr";

/// Ends the network process. To be called only while there is no window.
pub(super) fn end_network_process() {
    let Ok(processes) = fs::read_dir("/proc") else { return };
    for process in processes.flatten() {
        if let Some(pid) = network_process(&process.path(), getpid()) {
            // It may have ended meanwhile.
            let _ = kill(pid, Signal::SIGTERM);
        }
    }
}

/// The id of the process in this folder of `/proc`, if it is the network process and a child of `parent`.
fn network_process(folder: &Path, parent: Pid) -> Option<Pid> {
    let id = folder.file_name()?.to_str()?.parse().ok()?;
    let (name, its_parent) = name_and_parent(&fs::read_to_string(folder.join("stat")).ok()?)?;
    (name == NETWORK_PROCESS && its_parent == parent).then_some(Pid::from_raw(id))
}

/// From proc(5): `pid (name) state ppid …`, where the name may hold anything.
fn name_and_parent(stat: &str) -> Option<(String, Pid)> {
    let (before, after) = stat.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    let parent = after.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some((name.to_owned(), Pid::from_raw(parent)))
}

#[cfg(test)]
mod tests {
    use crate::windows::webkit::*;

    #[test]
    fn reads_name_and_parent() {
        let check =
            |stat: &str| name_and_parent(stat).map(|(name, parent)| (name, parent.as_raw()));
        assert_eq!(check("12 (WebKitNetworkPr) S 7 12 3"), Some(("WebKitNetworkPr".into(), 7)));
        assert_eq!(check("12 (a) (b) S 7 1"), Some(("a) (b".into(), 7)));
        assert_eq!(check("12"), None);
    }

    #[test]
    fn ends_no_other_process() {
        let own = std::path::PathBuf::from(format!("/proc/{}", getpid()));
        assert_eq!(network_process(&own, nix::unistd::getppid()), None, "not by that name");
        assert_eq!(network_process(Path::new("/proc/self"), getpid()), None);
    }
}
