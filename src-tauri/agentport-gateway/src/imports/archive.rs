//! The zip file of a bundle: read with limits, and unpacked so that no entry gets out of its directory.
//!
//! Refused: absolute and climbing paths, backslashes and colons (separators and streams of Windows), links and other
//! special files, encrypted entries, names that differ in case alone, and whatever exceeds the limits below. Sizes that an
//! archive declares are not believed: bytes are counted as they are unpacked.

use std::{
    collections::HashSet,
    fs::{self, OpenOptions},
    io::{self, Cursor, Read as _, Write as _},
    path::{Path, PathBuf},
};

use zip::{ZipArchive, result::ZipError};

/// Name of the manifest in a bundle.
const MANIFEST: &str = "manifest.json";
/// Most entries of a bundle.
const MAX_ENTRIES: usize = 50_000;
/// Most bytes that a bundle may unpack to.
const MAX_UNPACKED_BYTES: u64 = 1024 * 1024 * 1024;
/// Largest manifest, in bytes.
const MAX_MANIFEST_BYTES: u64 = 1024 * 1024;
/// Most bytes that one byte of the file may unpack to, once a bundle is larger than [`RATIO_FREE_BYTES`].
const MAX_RATIO: u64 = 100;
/// Unpacked bytes below which the ratio is not looked at: text full of blanks is no attack.
const RATIO_FREE_BYTES: u64 = 8 * 1024 * 1024;
/// Longest path of an entry, in bytes, and most folders in it.
const MAX_PATH_BYTES: usize = 400;
const MAX_PATH_DEPTH: usize = 32;
/// The signature that `mcpb sign` appends to the zip file.
const SIGNATURE_HEADER: &[u8] = b"MCPB_SIG_V1";
const SIGNATURE_FOOTER: &[u8] = b"MCPB_SIG_END";

/// What is wrong with the zip file of a bundle.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    #[error("the bundle is no sound zip file")]
    Unreadable(#[source] ZipError),
    #[error("the bundle has no {MANIFEST} at its top")]
    NoManifest,
    #[error("the bundle holds {0} entries; {MAX_ENTRIES} are the most")]
    TooManyEntries(usize),
    #[error("the bundle unpacks to more than {} MiB", MAX_UNPACKED_BYTES / 1024 / 1024)]
    TooLarge,
    #[error("the bundle unpacks to more than {MAX_RATIO} times its size, as a zip bomb does")]
    ZipBomb,
    #[error("the bundle's {MANIFEST} is larger than {} KiB", MAX_MANIFEST_BYTES / 1024)]
    LargeManifest,
    #[error("the bundle's entry {path:?} {why}")]
    BadEntry { path: String, why: &'static str },
    #[error("the bundle's entry {path:?} could not be unpacked")]
    Unpack {
        path: String,
        #[source]
        source: io::Error,
    },
}

/// A zip file whose entries were checked.
pub(super) struct BundleArchive {
    zip: ZipArchive<Cursor<Vec<u8>>>,
    file_bytes: u64,
    /// Paths of its files, as in the archive.
    files: HashSet<String>,
}

/// Bytes unpacked so far, held against the limits.
struct UnpackBudget {
    file_bytes: u64,
    unpacked: u64,
}

impl UnpackBudget {
    fn spend(&mut self, bytes: u64) -> Result<(), ArchiveError> {
        self.unpacked = self.unpacked.saturating_add(bytes);
        if self.unpacked > MAX_UNPACKED_BYTES {
            return Err(ArchiveError::TooLarge);
        }
        let suspicious = self.unpacked > RATIO_FREE_BYTES;
        if suspicious && self.unpacked / MAX_RATIO > self.file_bytes {
            return Err(ArchiveError::ZipBomb);
        }
        Ok(())
    }
}

impl BundleArchive {
    /// Reads the directory of the archive and checks every entry.
    pub(super) fn open(mut bytes: Vec<u8>) -> Result<Self, ArchiveError> {
        remove_signature(&mut bytes);
        let file_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(ArchiveError::Unreadable)?;
        if zip.len() > MAX_ENTRIES {
            return Err(ArchiveError::TooManyEntries(zip.len()));
        }
        let mut budget = UnpackBudget { file_bytes, unpacked: 0 };
        let (mut files, mut seen) = (HashSet::new(), HashSet::new());
        for at in 0..zip.len() {
            let entry = zip.by_index_raw(at).map_err(ArchiveError::Unreadable)?;
            let path = entry.name().map_err(ArchiveError::Unreadable)?.into_owned();
            let refused = |why| Err(ArchiveError::BadEntry { path: super::shown(&path, 200), why });
            if let Err(why) = check_path(&path) {
                return refused(why);
            }
            if let Err(why) = check_type(entry.unix_mode(), entry.is_dir()) {
                return refused(why);
            }
            if entry.encrypted() {
                return refused("is encrypted");
            }
            if !seen.insert(path.trim_end_matches('/').to_lowercase()) {
                return refused("occurs twice, or differs from another in case alone");
            }
            budget.spend(entry.size())?;
            if !entry.is_dir() {
                files.insert(path);
            }
        }
        if !files.contains(MANIFEST) {
            return Err(ArchiveError::NoManifest);
        }
        Ok(Self { zip, file_bytes, files })
    }

    /// The bytes of the manifest.
    pub(super) fn manifest(&mut self) -> Result<Vec<u8>, ArchiveError> {
        let entry = self.zip.by_name(MANIFEST).map_err(ArchiveError::Unreadable)?;
        let mut bytes = Vec::new();
        entry
            .take(MAX_MANIFEST_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| ArchiveError::Unpack { path: MANIFEST.to_owned(), source })?;
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size > MAX_MANIFEST_BYTES { Err(ArchiveError::LargeManifest) } else { Ok(bytes) }
    }

    /// Has it a file at this path?
    pub(super) fn holds(&self, path: &str) -> bool {
        self.files.contains(path)
    }

    /// Unpacks all of it into a directory that exists and is empty. What was written before an error is left to the caller.
    pub(super) fn unpack(&mut self, into: &Path) -> Result<(), ArchiveError> {
        let mut budget = UnpackBudget { file_bytes: self.file_bytes, unpacked: 0 };
        for at in 0..self.zip.len() {
            let mut entry = self.zip.by_index(at).map_err(ArchiveError::Unreadable)?;
            let path = entry.name().map_err(ArchiveError::Unreadable)?.into_owned();
            let failed = |source| ArchiveError::Unpack { path: super::shown(&path, 200), source };
            // Checked when the archive was opened, and again where it counts.
            check_path(&path)
                .map_err(|why| ArchiveError::BadEntry { path: super::shown(&path, 200), why })?;
            let to: PathBuf = into.join(path.trim_end_matches('/'));
            if entry.is_dir() {
                create_dirs(&to).map_err(failed)?;
                continue;
            }
            if let Some(parent) = to.parent() {
                create_dirs(parent).map_err(failed)?;
            }
            let executable = entry.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
            let mut file = new_file(&to, executable).map_err(failed)?;
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let read = entry.read(&mut buffer).map_err(failed)?;
                if read == 0 {
                    break;
                }
                budget.spend(u64::try_from(read).unwrap_or(u64::MAX))?;
                file.write_all(&buffer[..read]).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// Takes off what `mcpb sign` appended.
fn remove_signature(bytes: &mut Vec<u8>) {
    if bytes.ends_with(SIGNATURE_FOOTER) {
        let header = bytes.windows(SIGNATURE_HEADER.len()).rposition(|at| at == SIGNATURE_HEADER);
        if let Some(at) = header {
            bytes.truncate(at);
        }
    }
}

/// Does the path stay inside, on every system?
fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() || path.len() > MAX_PATH_BYTES {
        return Err("has an empty path, or one that is too long");
    }
    if path.starts_with('/') || path.contains(['\\', ':']) {
        return Err("has an absolute path, or one with \\ or :");
    }
    if path.contains(char::is_control) {
        return Err("has a control character in its path");
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.split('/').count() > MAX_PATH_DEPTH {
        return Err("lies in too many folders");
    }
    match path.split('/').all(|part| !matches!(part, "" | "." | "..")) {
        true => Ok(()),
        false => Err("has a path that leads out of the bundle, or has empty parts"),
    }
}

/// Is it a plain file or a folder, as far as the archive says (`st_mode` of POSIX)?
fn check_type(mode: Option<u32>, is_dir: bool) -> Result<(), &'static str> {
    const TYPE: u32 = 0o170_000;
    const FILE: u32 = 0o100_000;
    const FOLDER: u32 = 0o040_000;
    const LINK: u32 = 0o120_000;
    match mode.map_or(0, |mode| mode & TYPE) {
        // Some writers give folders, whose names end in a slash, the type of files.
        0 | FILE => Ok(()),
        FOLDER if is_dir => Ok(()),
        LINK => Err("is a symbolic link"),
        _ => Err("is no plain file"),
    }
}

fn create_dirs(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// A file that did not exist before.
fn new_file(path: &Path, executable: bool) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        let mode = if executable { 0o700 } else { 0o600 };
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    }
    #[cfg(not(unix))]
    let _ = executable;
    options.open(path)
}
