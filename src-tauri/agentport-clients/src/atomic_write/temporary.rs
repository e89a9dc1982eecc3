//! The temporary file of an atomic write: created beside its target, filled, renamed or deleted.
//!
//! Its name is `.<name>.agentport-<pid>`, with a number appended if a process writes several at once. The process that
//! created it holds a lock on it; a free lock therefore identifies files of killed processes, which the process id alone
//! would not, since ids are reused.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// Time a rename is retried while another program has the file open (Windows).
const RENAME_TIMEOUT: Duration = Duration::from_millis(1_500);
const RENAME_RETRY_DELAY: Duration = Duration::from_millis(50);
const MARK: &str = ".agentport-";
/// Names that are tried.
const MAX_NAMES: u32 = 100;

pub(super) struct TemporaryFile {
    path: PathBuf,
    /// Holds the lock.
    file: File,
    moved: bool,
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if !self.moved {
            // If it stays, the next run finds it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl TemporaryFile {
    /// Creates an empty one in the directory of `target`, mode 0600. Deletes those of killed processes.
    pub(super) fn beside(target: &Path) -> io::Result<Self> {
        let _ = sweep(target);
        for number in 0..MAX_NAMES {
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
                // Another process, cleaning up at that moment, took it for an abandoned one.
                Err(TryLockError::WouldBlock) => continue,
                // A file system without locks: abandoned files are not cleaned up there.
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
            if !is_gone(&file)? {
                return Ok(Self { path, file, moved: false });
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Writes and syncs the content, and gives the file mode and owner of `like`.
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
/// [`RENAME_TIMEOUT`].
fn rename_when_free(from: &Path, to: &Path) -> io::Result<()> {
    let end = Instant::now() + RENAME_TIMEOUT;
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

/// Deletes them.
pub(super) fn sweep(target: &Path) -> io::Result<usize> {
    abandoned_beside(target).map(remove)
}

/// Deletes those beside any file of a directory.
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

/// Those with a free lock, which we hold until the file is dropped.
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
        // One that cannot be opened or is gone by now is skipped.
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

/// A process id, perhaps followed by a number.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// Was the file deleted between creating and locking it?
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
        // The owner becomes this account, since only root can change it.
        mode &= 0o777;
    }
    if made.gid() != like.gid() && fchown(file, None, Some(like.gid())).is_err() {
        // The group is another one now, so it gets the permissions of others only.
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
