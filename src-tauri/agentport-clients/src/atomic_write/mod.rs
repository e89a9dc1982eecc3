//! Atomic replacement of a file: at any moment the old or the new content is there, whole.
//!
//! The content is written to a temporary file beside the target (mode 0600), synced, and renamed over it. Symbolic links
//! are followed and stay links, as with dotfiles kept in a repository. Mode, owner and group are kept; if the group cannot
//! be kept, its permissions are reduced to those of others. A read-only file is not replaced.
//!
//! Deliberately absent: extended attributes and access lists, which the new file gets from its directory; and hard links,
//! whose other names keep the old content, because keeping them would mean writing in place.

mod refusal;
mod target;
mod temporary;

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use refusal::WriteRefusal;
use temporary::TemporaryFile;

use crate::document::MAX_BYTES;

/// Why a file was not replaced. It is unchanged in both cases.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// Another content, or another file behind the links.
    #[error("the file is not what it was expected to be")]
    Changed,
    /// The system's error.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The file that `path` leads to through links, whether or not it is there. No part of it is a link.
pub fn target(path: &Path) -> io::Result<PathBuf> {
    target::of(path)
}

/// Reads the file at `path` through links; `None` if there is none. Refused: files over 10 MiB (whatever length they
/// report), anything that is not a regular file, and files of `/proc` and `/sys`.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    // Checked before it is opened: opening a pipe would wait for its writer.
    let path = target::of(path)?;
    match fs::metadata(&path) {
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(error),
        Ok(found) if !found.is_file() => return Err(WriteRefusal::NotAFile.into()),
        Ok(_) => {}
    }
    let file = match File::open(&path) {
        Err(error) if is_absent(&error) => return Ok(None),
        opened => opened?,
    };
    let mut content = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut content)?;
    if content.len() > MAX_BYTES {
        return Err(WriteRefusal::TooLarge.into());
    }
    Ok(Some(content))
}

/// The permission bits of the file at `path`, through links; `None` if there is none, and where there are no such bits.
pub fn mode(path: &Path) -> Option<u32> {
    #[cfg(unix)]
    return fs::metadata(path)
        .ok()
        .map(|found| std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o777);
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// Nothing is there, or a part of the path is no directory.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Replaces the file at `path` atomically. Links are followed and stay; permissions and owner stay; a new file and new
/// directories are accessible to their owner only. `None` deletes the file.
pub fn replace(path: &Path, content: Option<&[u8]>) -> io::Result<()> {
    put(path, content, None, |_| Ok(())).map_err(|error| match error {
        ExchangeError::Changed => unreachable!("nothing was expected"),
        ExchangeError::Io(error) => error,
    })
}

/// As [`replace`], if `expected` is what is there and `leads_to` is where its links lead (see [`target`]): checked right
/// before the rename. `mode` replaces the file's permission bits (Unix).
pub fn exchange(
    path: &Path,
    leads_to: &Path,
    expected: Option<&[u8]>,
    content: Option<&[u8]>,
    mode: Option<u32>,
) -> Result<(), ExchangeError> {
    put(path, content, mode, |target| {
        let is_it = target == leads_to && target::of(path)? == leads_to;
        match is_it && read(target)?.as_deref() == expected {
            true => Ok(()),
            false => Err(ExchangeError::Changed),
        }
    })
}

/// Deletes temporary files that killed processes left beside this file, and returns their number.
pub fn sweep(path: &Path) -> io::Result<usize> {
    temporary::sweep(&target::of(path)?)
}

/// The same for all files of one of AgentPort's own directories.
pub(crate) fn sweep_directory(dir: &Path) -> io::Result<usize> {
    temporary::sweep_directory(dir)
}

/// Temporary files that killed processes left beside this file.
pub fn left_over(path: &Path) -> io::Result<Vec<PathBuf>> {
    temporary::left_over(&target::of(path)?)
}

fn put(
    path: &Path,
    content: Option<&[u8]>,
    mode: Option<u32>,
    check: impl Fn(&Path) -> Result<(), ExchangeError>,
) -> Result<(), ExchangeError> {
    let target = target::of(path)?;
    let there = there(&target)?;
    let Some(content) = content else {
        check(&target)?;
        if there.is_some() {
            fs::remove_file(&target).map_err(|error| refusal::explained(error, &target))?;
            sync_directory(&target);
        }
        return Ok(());
    };
    let made = Directories::make(&target).map_err(|error| refusal::explained(error, &target))?;
    let written = TemporaryFile::beside(&target)
        .and_then(|mut temporary| {
            temporary.fill(content, there.as_ref())?;
            temporary.set_mode(mode)?;
            Ok(temporary)
        })
        .map_err(|error| refusal::explained(error, &target).into())
        .and_then(|temporary| {
            check(&target)?;
            temporary.move_to(&target).map_err(|error| refusal::explained(error, &target).into())
        });
    match written {
        Ok(()) => {
            sync_directory(&target);
            Ok(())
        }
        Err(error) => {
            made.take_away();
            Err(error)
        }
    }
}

/// Metadata of the file to be replaced, if there is one and it may be.
fn there(target: &Path) -> io::Result<Option<Metadata>> {
    let found = match fs::metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    if !found.is_file() {
        return Err(WriteRefusal::NotAFile.into());
    }
    if found.permissions().readonly() {
        return Err(WriteRefusal::ReadOnly.into());
    }
    // A rename needs permission on the directory only; a file this account may not write is not replaced either.
    match fs::OpenOptions::new().write(true).open(target) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(WriteRefusal::ReadOnly.into())
        }
        opened => opened.map(|_| Some(found)),
    }
}

/// The directories that were made on the way to a file, outermost first.
struct Directories(Vec<PathBuf>);

impl Directories {
    /// Those above `target` that are missing, for their owner alone.
    fn make(target: &Path) -> io::Result<Self> {
        let missing: Vec<&Path> = target
            .ancestors()
            .skip(1)
            .take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists())
            .collect();
        let mut made = Self(Vec::new());
        for dir in missing.into_iter().rev() {
            let mut builder = fs::DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            match builder.create(dir) {
                Ok(()) => made.0.push(dir.to_owned()),
                // Another process was as quick.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    made.take_away();
                    return Err(error);
                }
            }
        }
        Ok(made)
    }

    /// Removes them after a failed write, unless another process has put something into them.
    fn take_away(self) {
        for dir in self.0.iter().rev() {
            let _ = fs::remove_dir(dir);
        }
    }
}

/// Syncs the rename. If that fails the file is in place all the same, and only a loss of power could bring the old one
/// back.
fn sync_directory(target: &Path) {
    #[cfg(unix)]
    if let Some(dir) = target.parent() {
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        if let Err(error) = File::open(dir).and_then(|dir| dir.sync_all()) {
            tracing::debug!(%error, "a directory could not be synced");
        }
    }
    #[cfg(not(unix))]
    let _ = target;
}

#[cfg(test)]
mod tests;
