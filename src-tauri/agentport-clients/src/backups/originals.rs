//! Content-addressed store of kept originals: one file each, named by its SHA-256.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::{BackupsError, io_error};
use crate::atomic_write;

pub(super) fn dir(root: &Path) -> PathBuf {
    root.join("originals")
}

fn file(root: &Path, digest: &str) -> PathBuf {
    dir(root).join(digest)
}

/// In hexadecimal.
pub(crate) fn digest(content: &[u8]) -> String {
    use std::fmt::Write as _;

    Sha256::digest(content).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A directory for this account alone, made where there is none.
pub(super) fn make_private(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if fs::metadata(dir)?.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        }
    }
    Ok(())
}

/// Keeps a content, if it is not kept already, and gives its digest.
pub(super) fn keep(root: &Path, content: &[u8]) -> Result<String, BackupsError> {
    let digest = digest(content);
    let file = file(root, &digest);
    // A damaged one is rewritten, since the content is at hand.
    let is_kept = atomic_write::read(&file).is_ok_and(|kept| kept.as_deref() == Some(content));
    if !is_kept {
        atomic_write::replace(&file, Some(content)).map_err(|source| io_error(&file, source))?;
    }
    Ok(digest)
}

/// Reads a kept content and checks it against its digest. `of` is the client's file, for the error.
pub(super) fn read(root: &Path, digest: &str, of: &Path) -> Result<Vec<u8>, BackupsError> {
    let file = file(root, digest);
    let content = atomic_write::read(&file).map_err(|source| io_error(&file, source))?;
    content
        .filter(|content| self::digest(content) == digest)
        .ok_or_else(|| BackupsError::Damaged { path: of.to_owned(), digest: digest.to_owned() })
}

/// Every kept content by its digest, with its size.
pub(super) fn all(root: &Path) -> io::Result<Vec<(String, u64)>> {
    let mut kept = Vec::new();
    for entry in fs::read_dir(dir(root))? {
        let entry = entry?;
        let is_digest =
            |name: &str| name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit());
        if let Ok(name) = entry.file_name().into_string()
            && is_digest(&name)
        {
            kept.push((name, entry.metadata()?.len()));
        }
    }
    Ok(kept)
}

pub(super) fn remove(root: &Path, digest: &str) -> io::Result<()> {
    atomic_write::replace(&file(root, digest), None)
}
