//! The file beside the file: made, filled, moved in place, or taken away.
//!
//! It is called `.<name>.agentport-<pid>`, with a number behind it if a process writes several at once. Whoever makes
//! one holds it locked, so that those left by a process that was killed are known by their lock being free: a number
//! of a process says little, for another may have it by now.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How long a rename waits for other programs to let go of the file (Windows).
const RENAME_PATIENCE: Duration = Duration::from_millis(1_500);
const RENAME_RETRY_DELAY: Duration = Duration::from_millis(50);
const MARK: &str = ".agentport-";
/// Names tried. More than a few are never taken.
const TRIES: u32 = 100;

pub(super) struct Temporary {
    path: PathBuf,
    /// Holds the lock.
    file: File,
    moved: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.moved {
            // If it stays, the next run finds it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Temporary {
    /// An empty one in the directory of `target`, for its owner alone. Clears away what killed processes left there.
    pub(super) fn beside(target: &Path) -> io::Result<Self> {
        let _ = sweep(target);
        for number in 0..TRIES {
            let path = target.with_file_name(name(target, number)?);
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = match options.open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                opened => opened?,
            };
            match file.try_lock() {
                // Another process swept at that very moment, and takes it for a left one.
                Err(TryLockError::WouldBlock) => continue,
                // A file system without locks: nobody will sweep there.
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
            if !is_gone(&file)? {
                return Ok(Self { path, file, moved: false });
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Writes the content to the disk and gives the file the mode and the owner that `like` has.
    pub(super) fn fill(&mut self, content: &[u8], like: Option<&Metadata>) -> io::Result<()> {
        self.file.write_all(content)?;
        if let Some(like) = like {
            keep_owner_and_mode(&self.file, like)?;
        }
        self.file.sync_all()
    }

    /// Gives the file these permission bits, where there are such.
    pub(super) fn set_mode(&self, mode: Option<u32>) -> io::Result<()> {
        #[cfg(unix)]
        if let Some(mode) = mode {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            return self.file.set_permissions(mode);
        }
        let _ = mode;
        Ok(())
    }

    pub(super) fn move_to(mut self, target: &Path) -> io::Result<()> {
        rename_when_free(&self.path, target)?;
        self.moved = true;
        Ok(())
    }
}

/// Renames. On Windows a virus scanner, an indexer or the client itself holds a file for moments: tried again for
/// [`RENAME_PATIENCE`].
fn rename_when_free(from: &Path, to: &Path) -> io::Result<()> {
    let end = Instant::now() + RENAME_PATIENCE;
    loop {
        match fs::rename(from, to) {
            Err(error) if cfg!(windows) && is_in_use(&error) && Instant::now() < end => {
                thread::sleep(RENAME_RETRY_DELAY);
            }
            renamed => return renamed,
        }
    }
}

/// `ERROR_ACCESS_DENIED`, `ERROR_SHARING_VIOLATION` and `ERROR_LOCK_VIOLATION` of Windows.
pub(super) fn is_in_use(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(5 | 32 | 33))
}

/// What killed processes left beside `target`.
pub(super) fn left_over(target: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(abandoned_beside(target)?.into_iter().map(|(path, _)| path).collect())
}

/// Takes that away.
pub(super) fn sweep(target: &Path) -> io::Result<usize> {
    abandoned_beside(target).map(remove)
}

/// Takes away what they left beside any file of a directory.
pub(super) fn sweep_directory(dir: &Path) -> io::Result<usize> {
    let is_ours = |name: &OsStr| {
        let name = name.to_str().and_then(|name| name.strip_prefix('.'));
        name.and_then(|name| name.rsplit_once(MARK)).is_some_and(|(_, rest)| is_number(rest))
    };
    abandoned(dir, is_ours).map(remove)
}

fn remove(abandoned: Vec<(PathBuf, File)>) -> usize {
    abandoned.iter().filter(|(path, _)| fs::remove_file(path).is_ok()).count()
}

fn abandoned_beside(target: &Path) -> io::Result<Vec<(PathBuf, File)>> {
    let prefix = prefix(target)?;
    let is_ours = |name: &OsStr| {
        let rest = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
        rest.and_then(|rest| std::str::from_utf8(rest).ok()).is_some_and(is_number)
    };
    let dir = target.parent().filter(|dir| !dir.as_os_str().is_empty());
    abandoned(dir.unwrap_or(Path::new(".")), is_ours)
}

/// Those nobody holds, each locked by us until the file is dropped.
fn abandoned(dir: &Path, is_ours: impl Fn(&OsStr) -> bool) -> io::Result<Vec<(PathBuf, File)>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if !is_ours(&entry.file_name()) || !entry.file_type()?.is_file() {
            continue;
        }
        // One that cannot be opened, or that is gone by now, is none of ours to clear away.
        let Ok(file) = OpenOptions::new().write(true).open(entry.path()) else { continue };
        if file.try_lock().is_ok() {
            found.push((entry.path(), file));
        }
    }
    Ok(found)
}

/// `.<name>.agentport-`
fn prefix(target: &Path) -> io::Result<OsString> {
    let mut prefix = OsString::from(".");
    prefix.push(target.file_name().ok_or(io::ErrorKind::InvalidInput)?);
    prefix.push(MARK);
    Ok(prefix)
}

fn name(target: &Path, number: u32) -> io::Result<OsString> {
    let mut name = prefix(target)?;
    name.push(std::process::id().to_string());
    if number > 0 {
        name.push(format!("-{number}"));
    }
    Ok(name)
}

/// A process's number, perhaps with another behind it.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// Somebody took the file away between its being made and its being locked.
fn is_gone(file: &File) -> io::Result<bool> {
    #[cfg(unix)]
    return Ok(std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) == 0);
    #[cfg(not(unix))]
    return file.metadata().map(|_| false);
}

#[cfg(unix)]
fn keep_owner_and_mode(file: &File, like: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};

    let made = file.metadata()?;
    let mut mode = like.mode() & 0o7777;
    if made.uid() != like.uid() && fchown(file, Some(like.uid()), None).is_err() {
        // It becomes ours: only the administrator gives files away. What its owner could do, we can.
        mode &= 0o777;
    }
    if made.gid() != like.gid() && fchown(file, None, Some(like.gid())).is_err() {
        // The group is another one now. It may do what everybody may, and no more.
        mode = (mode & !0o070) | ((mode & 0o007) << 3 & mode & 0o070);
        mode &= 0o777;
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn keep_owner_and_mode(_file: &File, _like: &Metadata) -> io::Result<()> {
    // A new file has the access list of its directory.
    Ok(())
}
