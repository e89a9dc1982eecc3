//! The directories of installed bundles: `bundles/<integration id>-<first 16 digits of the file's SHA-256>`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use agentport_core::IntegrationId;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{ArchiveError, Bundle};

/// Digits of a file's digest in the name of its directory.
const DIGEST_DIGITS: usize = 16;
/// Name of the directory a bundle is unpacked in before it is complete.
const INCOMPLETE: &str = ".incomplete";

/// Why a bundle could not be unpacked. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreBundleError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("the directory {path} could not be made")]
    Directory {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Unpacks bundles and removes them.
#[derive(Clone)]
pub(crate) struct BundleStore {
    root: PathBuf,
    /// One bundle is unpacked at a time.
    busy: Arc<Mutex<()>>,
}

impl BundleStore {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, busy: Arc::default() }
    }

    /// Waits until no other bundle is being installed, and keeps others waiting.
    pub(crate) async fn lock(&self) -> OwnedMutexGuard<()> {
        self.busy.clone().lock_owned().await
    }

    /// The directory of a bundle as an integration.
    pub(crate) fn directory(&self, id: &IntegrationId, digest: &str) -> PathBuf {
        let digits = digest.get(..DIGEST_DIGITS).unwrap_or(digest);
        self.root.join(format!("{id}-{digits}"))
    }

    /// Unpacks a bundle into its directory, which is replaced. Blocks.
    pub(crate) fn unpack(
        &self,
        bundle: &mut Bundle,
        directory: &Path,
    ) -> Result<(), StoreBundleError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| StoreBundleError::Directory { path, source }
        };
        create_private(&self.root).map_err(failed(&self.root))?;
        let incomplete = self.root.join(INCOMPLETE);
        remove(&incomplete).map_err(failed(&incomplete))?;
        create_private(&incomplete).map_err(failed(&incomplete))?;
        let unpacked = bundle.archive.unpack(&incomplete).map_err(StoreBundleError::from);
        let placed = unpacked.and_then(|()| {
            remove(directory).map_err(failed(directory))?;
            fs::rename(&incomplete, directory).map_err(failed(directory))
        });
        if placed.is_err() {
            // What is left is removed before the next one, at the latest.
            let _ = remove(&incomplete);
        }
        placed
    }

    /// Removes the directories of an integration. Blocks.
    pub(crate) fn remove_all_of(&self, id: &IntegrationId) {
        for (path, name) in self.directories() {
            if is_of(&name, id.as_str()) {
                log_failure(&path, remove(&path));
            }
        }
    }

    /// Removes the directories that no integration uses, which a killed gateway can have left. Blocks.
    pub(crate) fn remove_unused<'a>(&self, used: impl Iterator<Item = &'a IntegrationId> + Clone) {
        for (path, name) in self.directories() {
            if !used.clone().any(|id| is_of(&name, id.as_str())) {
                log_failure(&path, remove(&path));
            }
        }
    }

    fn directories(&self) -> Vec<(PathBuf, String)> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| Some((entry.path(), entry.file_name().into_string().ok()?)))
            .collect()
    }
}

/// Is it the name of a directory of this integration, and of no other whose id begins the same?
fn is_of(name: &str, id: &str) -> bool {
    let digits = name.strip_prefix(id).and_then(|rest| rest.strip_prefix('-'));
    digits.is_some_and(|digits| {
        digits.len() == DIGEST_DIGITS && digits.chars().all(|c| c.is_ascii_hexdigit())
    })
}

fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Removes a directory if there is one. A link is removed, not followed.
fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn log_failure(path: &Path, result: io::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(path = %path.display(), %error, "a bundle's directory could not be removed");
    }
}
