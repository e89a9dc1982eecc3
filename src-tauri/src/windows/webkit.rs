//! Frees the memory that WebKit holds after the last window was closed.
//!
//! Tauri keeps WebKit's context for the life of the app, and with it a network process of some 30 MB, which is idle: our
//! pages need no network. WebKit starts another one when the next window needs it, as it would after a crash.
//!
//! The libraries that draw a window stay loaded. Their code is paged out, and the kernel reads it again from the files
//! when it is next needed.

use std::{ffi::c_void, fs, path::Path, ptr::NonNull, time::Duration};

use nix::{
    sys::mman::{MmapAdvise, madvise},
    sys::signal::{Signal, kill},
    unistd::{Pid, getpid},
};

/// Time the network process has to store the page's data after the last window was closed.
pub(crate) const RELEASE_DELAY: Duration = Duration::from_secs(10);

/// Name of the network process, as the kernel cuts it (15 bytes).
const NETWORK_PROCESS: &str = "WebKitNetworkPr";

/// Beginnings of the names of libraries that only a window needs.
const WINDOW_LIBRARIES: [&str; 6] =
    ["libwebkit2gtk-", "libjavascriptcoregtk-", "libLLVM", "libgallium", "libflite", "libgst"];

/// Frees what only windows need. To be called only while there is none.
pub(crate) fn release() {
    end_network_process();
    page_out_libraries();
    trim_heap();
}

/// Returns the free pages of the heap, which the page's messages have grown, to the kernel.
fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim(3) is thread-safe and frees only what is not allocated.
    unsafe {
        nix::libc::malloc_trim(0);
    }
}

fn end_network_process() {
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

fn page_out_libraries() {
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return };
    for (start, length) in maps.lines().filter_map(window_library_range) {
        // SAFETY: the advice changes nothing a program could read. The pages are backed by a file and unmodified, and are
        // read from it again when they are touched.
        let paged_out = unsafe { madvise(start, length, MmapAdvise::MADV_PAGEOUT) };
        if let Err(error) = paged_out {
            // A kernel before 5.4 has no such advice.
            tracing::debug!(%error, "library code could not be paged out");
            return;
        }
    }
}

/// The address range of such a library's code, from a line of proc(5) `maps`: `start-end mode offset device inode path`.
fn window_library_range(line: &str) -> Option<(NonNull<c_void>, usize)> {
    let mut words = line.split_ascii_whitespace();
    let (range, mode, path) = (words.next()?, words.next()?, words.nth(3)?);
    let library = path.rsplit('/').next()?;
    if mode.contains('w') || !WINDOW_LIBRARIES.iter().any(|name| library.starts_with(name)) {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    let (start, end) =
        (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
    Some((NonNull::new(start as *mut c_void)?, end.checked_sub(start)?))
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
    fn only_window_libraries_are_paged_out() {
        let check = |line: &str| {
            window_library_range(line).map(|(start, length)| (start.as_ptr() as usize, length))
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
    fn ends_no_other_process() {
        let own = std::path::PathBuf::from(format!("/proc/{}", getpid()));
        assert_eq!(network_process(&own, nix::unistd::getppid()), None, "not by that name");
        assert_eq!(network_process(Path::new("/proc/self"), getpid()), None);
    }
}
