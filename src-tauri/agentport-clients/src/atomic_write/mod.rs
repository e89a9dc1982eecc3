//! Putting a file in place of another: the old one or the new one is there, whole, at any moment.
//!
//! What is written goes beside the file first, for its owner alone, then to the disk, and only then in place with one
//! rename. Links are followed to where they lead and stay links, as people have them who keep their dotfiles in a
//! repository. Mode, owner and group of the file stay; where the group cannot be kept, nobody gets more than everybody
//! had. A file that is marked read-only is left alone, for it was marked on purpose.
//!
//! Deliberately absent: extended attributes and access lists, which a new file has by its directory; and hard links,
//! of which the others keep the old content, because the alternative is to write into the file in place.

mod refusal;
mod target;
mod temporary;

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use refusal::Refusal;
use temporary::Temporary;

use crate::document::MAX_BYTES;

/// Why a file was not put in place of what was expected there. In both cases it is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    #[error("the file is not what it was expected to be")]
    Changed,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The file that `path` leads to through links, whether or not it is there. No part of it is a link.
pub fn target(path: &Path) -> io::Result<PathBuf> {
    target::of(path)
}

/// What is at `path`, through links; `None` if nothing is. Reads 10 MiB and no more, whatever the file says of its
/// length: what has more is refused, and so is what is no file or the system's own.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    // Looked at before it is opened: opening a pipe would wait for its writer.
    let path = target::of(path)?;
    match fs::metadata(&path) {
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(error),
        Ok(found) if !found.is_file() => return Err(Refusal::NotAFile.into()),
        Ok(_) => {}
    }
    let file = match File::open(&path) {
        Err(error) if is_absent(&error) => return Ok(None),
        opened => opened?,
    };
    let mut content = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut content)?;
    if content.len() > MAX_BYTES {
        return Err(Refusal::TooLarge.into());
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

/// Nothing is there, or a file is where a directory would have to be.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Writes `content` beside the file, to the disk, and moves it in place. Links are followed and stay; permissions and
/// owner stay; a new file is for its owner alone, and so are the directories made for it. `None` takes the file away.
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

/// Removes what killed processes left beside this file, and says how many there were. Those of living ones stay.
pub fn sweep(path: &Path) -> io::Result<usize> {
    temporary::sweep(&target::of(path)?)
}

/// The same for every file of a directory of ours.
pub(crate) fn sweep_directory(dir: &Path) -> io::Result<usize> {
    temporary::sweep_directory(dir)
}

/// What killed processes left beside this file.
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
    let written = Temporary::beside(&target)
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

/// The file that is to make room, if it may.
fn there(target: &Path) -> io::Result<Option<Metadata>> {
    let found = match fs::metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    if !found.is_file() {
        return Err(Refusal::NotAFile.into());
    }
    if found.permissions().readonly() {
        return Err(Refusal::ReadOnly.into());
    }
    // A rename asks only the directory. Whoever may not write into the file may not put another in its place either.
    match fs::OpenOptions::new().write(true).open(target) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(Refusal::ReadOnly.into())
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

    /// Nothing was put into them. Where somebody else has put something, they stay.
    fn take_away(self) {
        for dir in self.0.iter().rev() {
            let _ = fs::remove_dir(dir);
        }
    }
}

/// Brings the rename itself to the disk. If that fails, the file is in place all the same, and only a loss of power
/// could show the old one again, whole.
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
