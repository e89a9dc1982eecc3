//! What WebKit leaves behind when the last window is closed.
//!
//! Tauri keeps WebKit's context for the life of the app, and with it a process for the network, which holds some 30 MB
//! and has nothing to do: our pages need no network. WebKit starts another one when the next window needs it, as it
//! would after a crash of the old one.
//!
//! The libraries that draw a window stay loaded. Their code is handed back to the kernel, which reads it again from its
//! files when it is next needed.

use std::{ffi::c_void, fs, path::Path, ptr::NonNull, time::Duration};

use nix::{
    sys::mman::{MmapAdvise, madvise},
    sys::signal::{Signal, kill},
    unistd::{Pid, getpid},
};

/// How long after the last window that process may still have something of the page's to write down.
pub(crate) const REST: Duration = Duration::from_secs(10);

/// Its name, as the kernel cuts it.
const NETWORK: &str = "WebKitNetworkPr";

/// Libraries that nothing but a window needs, as their names begin.
const DRAWING: [&str; 6] =
    ["libwebkit2gtk-", "libjavascriptcoregtk-", "libLLVM", "libgallium", "libflite", "libgst"];

/// Lets go of all that only windows need. Only while there is none.
pub(crate) fn rest() {
    end_network_process();
    hand_back_code();
}

fn end_network_process() {
    let Ok(processes) = fs::read_dir("/proc") else { return };
    for process in processes.flatten() {
        if let Some(pid) = ours(&process.path(), getpid()) {
            // It may have ended in this moment.
            let _ = kill(pid, Signal::SIGTERM);
        }
    }
}

/// The id of the process in this folder of `/proc`, if it is that one and `parent`'s child.
fn ours(folder: &Path, parent: Pid) -> Option<Pid> {
    let id = folder.file_name()?.to_str()?.parse().ok()?;
    let (name, its_parent) = name_and_parent(&fs::read_to_string(folder.join("stat")).ok()?)?;
    (name == NETWORK && its_parent == parent).then_some(Pid::from_raw(id))
}

/// From proc(5): `pid (name) state ppid …`, where the name may hold anything.
fn name_and_parent(stat: &str) -> Option<(String, Pid)> {
    let (before, after) = stat.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    let parent = after.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some((name.to_owned(), Pid::from_raw(parent)))
}

fn hand_back_code() {
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return };
    for (start, length) in maps.lines().filter_map(code_for_drawing) {
        // SAFETY: the advice changes nothing a program could read. The pages are a file's, none of them written to, and
        // come back from it when they are touched.
        let handed_back = unsafe { madvise(start, length, MmapAdvise::MADV_PAGEOUT) };
        if let Err(error) = handed_back {
            // A kernel before 5.4 has no such advice.
            tracing::debug!(%error, "code could not be handed back");
            return;
        }
    }
}

/// Where such a library's code lies, from a line of proc(5) `maps`: `start-end mode offset device inode path`.
fn code_for_drawing(line: &str) -> Option<(NonNull<c_void>, usize)> {
    let mut words = line.split_ascii_whitespace();
    let (range, mode, path) = (words.next()?, words.next()?, words.nth(3)?);
    let library = path.rsplit('/').next()?;
    if mode.contains('w') || !DRAWING.iter().any(|name| library.starts_with(name)) {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    let (start, end) =
        (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
    Some((NonNull::new(start as *mut c_void)?, end.checked_sub(start)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_who_is_whose() {
        let check =
            |stat: &str| name_and_parent(stat).map(|(name, parent)| (name, parent.as_raw()));
        assert_eq!(check("12 (WebKitNetworkPr) S 7 12 3"), Some(("WebKitNetworkPr".into(), 7)));
        assert_eq!(check("12 (a) (b) S 7 1"), Some(("a) (b".into(), 7)));
        assert_eq!(check("12"), None);
    }

    #[test]
    fn only_code_for_drawing_is_handed_back() {
        let check = |line: &str| {
            code_for_drawing(line).map(|(start, length)| (start.as_ptr() as usize, length))
        };
        let library = "/usr/lib/x86_64-linux-gnu/libwebkit2gtk-4.1.so.0.19.9";
        assert_eq!(
            check(&format!("1000-3000 r-xp 00000000 08:01 7   {library}")),
            Some((0x1000, 0x2000))
        );
        assert_eq!(
            check(&format!("1000-3000 r--p 00000000 08:01 7   {library}")),
            Some((0x1000, 0x2000))
        );
        for line in [
            format!("1000-3000 rw-p 00000000 08:01 7   {library}"),
            "1000-3000 r-xp 00000000 08:01 7   /usr/lib/x86_64-linux-gnu/libc.so.6".to_owned(),
            "1000-3000 r-xp 00000000 08:01 7   /home/libwebkit2gtk-4.1/libc.so.6".to_owned(),
            "1000-3000 rw-p 00000000 00:00 0".to_owned(),
            String::new(),
        ] {
            assert_eq!(check(&line), None, "{line}");
        }
    }

    #[test]
    fn ends_nobody_else() {
        let own = std::path::PathBuf::from(format!("/proc/{}", getpid()));
        assert_eq!(ours(&own, nix::unistd::getppid()), None, "not by that name");
        assert_eq!(ours(Path::new("/proc/self"), getpid()), None);
    }
}
