//! Reasons why a file cannot be written, as sentences that say what to do.

use std::{
    io,
    path::{Path, PathBuf},
};

#[derive(Debug, thiserror::Error)]
pub(super) enum WriteRefusal {
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

impl From<WriteRefusal> for io::Error {
    fn from(refusal: WriteRefusal) -> Self {
        let kind = match &refusal {
            WriteRefusal::NotAFile
            | WriteRefusal::TooLarge
            | WriteRefusal::OfTheSystem
            | WriteRefusal::Circle => io::ErrorKind::InvalidInput,
            WriteRefusal::ReadOnly => io::ErrorKind::PermissionDenied,
            WriteRefusal::Directory { source, .. }
            | WriteRefusal::InUse { source, .. }
            | WriteRefusal::ReadOnlyDisk { source, .. }
            | WriteRefusal::NoRoom(source) => source.kind(),
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
            WriteRefusal::InUse { dir, source }.into()
        }
        io::ErrorKind::PermissionDenied => WriteRefusal::Directory { dir, source }.into(),
        io::ErrorKind::ReadOnlyFilesystem => WriteRefusal::ReadOnlyDisk { dir, source }.into(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            WriteRefusal::NoRoom(source).into()
        }
        _ => source,
    }
}
