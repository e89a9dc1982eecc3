//! Servers from files: MCPB bundles (manifest versions 0.1 to 0.4, also `*.dxt`) and the `server.json` of a registry
//! (schema 2025-12-11). Signatures of bundles are not checked, and nothing is downloaded: a bundle that a `server.json`
//! points to has to be given as a file.
//!
//! Invariants: what is wrong with a file is found before anything of it is written. A bundle is unpacked into one
//! directory of its own, and no entry of it leads out of there.

mod archive;
mod bundle_store;
mod manifest;
mod server_json;

#[cfg(test)]
mod tests;

use std::path::Path;

use sha2::{Digest as _, Sha256};

pub(crate) use self::bundle_store::{BundleStore, StoreBundleError};
pub(crate) use self::{
    archive::ArchiveError, manifest::ManifestError, server_json::ServerJsonError,
};
use self::{archive::BundleArchive, manifest::BundleManifest, server_json::ServerDescription};
use crate::launch::{LaunchTemplate, RemoteTemplate};

/// Largest file that is read, in bytes.
pub(crate) const MAX_FILE_BYTES: usize = 256 * 1024 * 1024;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("this is neither an MCPB bundle (a zip file) nor a server.json")]
    UnknownFormat,
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    ServerJson(#[from] ServerJsonError),
}

/// A file that was read and found to be sound.
pub(crate) struct ImportFile {
    /// SHA-256 in hexadecimal.
    pub(crate) digest: String,
    pub(crate) content: ImportContent,
}

/// What is in it.
pub(crate) enum ImportContent {
    Bundle(Box<Bundle>),
    ServerJson(Box<ServerDescription>),
}

/// A bundle: its manifest and its files.
pub(crate) struct Bundle {
    pub(crate) manifest: BundleManifest,
    archive: BundleArchive,
}

/// One way to install what a file describes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ImportTemplate {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) target: TargetTemplate,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TargetTemplate {
    Local(LaunchTemplate),
    Remote(RemoteTemplate),
}

impl Bundle {
    /// How the server runs once it is unpacked into this directory.
    pub(crate) fn import_template(
        &self,
        directory: &Path,
    ) -> Result<ImportTemplate, ManifestError> {
        self.manifest.import_template(directory, |path| self.archive.holds(path))
    }
}

impl ImportFile {
    /// Reads a file, and checks all of it that can be checked without writing anything.
    pub(crate) fn read(bytes: Vec<u8>) -> Result<Self, ReadError> {
        let digest = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let content = if bytes.starts_with(b"PK") {
            let mut archive = BundleArchive::open(bytes)?;
            let manifest = BundleManifest::read(&archive.manifest()?)?;
            manifest.check_files(|path| archive.holds(path))?;
            ImportContent::Bundle(Box::new(Bundle { manifest, archive }))
        } else if bytes.trim_ascii_start().starts_with(b"{") {
            ImportContent::ServerJson(Box::new(ServerDescription::read(&bytes)?))
        } else {
            return Err(ReadError::UnknownFormat);
        };
        Ok(Self { digest, content })
    }
}

/// Text of a file as it may be shown: one line, without hidden characters.
fn shown(text: &str, max: usize) -> String {
    agentport_core::sanitize::sanitize_line(text.trim(), max)
}
