//! Why a file cannot be written, in words that say what to do.

use std::{
    io,
    path::{Path, PathBuf},
};

#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("it is no file")]
    NotAFile,
    #[error("it is larger than 10 MiB, which no client's file is")]
    TooLarge,
    #[error("it leads to a file of the system's own, which is no client's")]
    OfTheSystem,
    #[error("its links lead in a circle")]
    Circle,
    #[error(
        "the file is read-only, so it was left alone; make it writable, or change it where it is made"
    )]
    ReadOnly,
    #[error("this account may not write in {dir}; make the folder writable, and try again")]
    Directory {
        dir: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Windows does not say which of the two it is.
    #[error(
        "it is in use, or this account may not write in {dir}; close the client, and try again"
    )]
    InUse {
        dir: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{dir} is on a read-only disk; make it writable, and try again")]
    ReadOnlyDisk {
        dir: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("there is no room for it; make some, and try again")]
    NoRoom(#[source] io::Error),
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        let kind = match &refusal {
            Refusal::NotAFile | Refusal::TooLarge | Refusal::OfTheSystem | Refusal::Circle => {
                io::ErrorKind::InvalidInput
            }
            Refusal::ReadOnly => io::ErrorKind::PermissionDenied,
            Refusal::Directory { source, .. }
            | Refusal::InUse { source, .. }
            | Refusal::ReadOnlyDisk { source, .. }
            | Refusal::NoRoom(source) => source.kind(),
        };
        Self::new(kind, refusal)
    }
}

use super::temporary;

/// The system's error, with what to do about it where that is known.
pub(super) fn explained(source: io::Error, target: &Path) -> io::Error {
    if source.raw_os_error().is_none() {
        return source;
    }
    let dir = target.parent().unwrap_or(target).to_owned();
    match source.kind() {
        _ if cfg!(windows) && temporary::is_in_use(&source) => {
            Refusal::InUse { dir, source }.into()
        }
        io::ErrorKind::PermissionDenied => Refusal::Directory { dir, source }.into(),
        io::ErrorKind::ReadOnlyFilesystem => Refusal::ReadOnlyDisk { dir, source }.into(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Refusal::NoRoom(source).into()
        }
        _ => source,
    }
}
