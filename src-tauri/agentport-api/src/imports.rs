//! Servers from files: MCPB bundles (`*.mcpb`, `*.dxt`) and the `server.json` of a registry.

use agentport_core::IntegrationId;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{FieldValues, LaunchView};

/// `POST /control/imports/read` answers [`ServerFileView`]: what a file describes. Nothing is kept or started. 422 says what
/// is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "from", rename_all = "snake_case")]
#[ts(export)]
pub enum ImportSource {
    /// A file on the gateway's computer.
    Path {
        /// Its absolute path.
        path: String,
    },
    /// A file that is sent along.
    Data {
        /// Its bytes in base64 (RFC 4648, section 4).
        data: String,
    },
}

/// What a file describes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ServerFileView {
    /// `bundle` or `server_json`.
    pub kind: ImportKind,
    /// SHA-256 of the file, in hexadecimal. An install has to name it, so that the file is the one that was read.
    pub digest: String,
    /// The id it would have.
    pub id: IntegrationId,
    /// The server's name.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// Its version; empty where it names none.
    pub version: String,
    /// Who made it, as it says; empty where it does not.
    pub author: String,
    /// The ways to install it, at least one.
    pub options: Vec<ImportOption>,
    /// What cannot be installed from it, and why.
    pub left_out: Vec<String>,
}

/// The kinds of files that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ImportKind {
    /// An MCPB bundle.
    Bundle,
    /// The description of a server in a registry.
    ServerJson,
}

/// One way to install what a file describes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportOption {
    /// What to install it by.
    pub id: String,
    /// In a few words, such as `npm package x 1.0.0`.
    pub title: String,
    /// It runs on this computer.
    pub is_local: bool,
    /// The command, or the address, and the values to fill in.
    pub launch: LaunchView,
}

/// `POST /control/imports/preview` answers [`CommandPreview`](crate::CommandPreview), `POST /control/imports/install`
/// answers 201 and [`IntegrationView`](crate::IntegrationView). 409 where the file is another one than `digest` says, or
/// the command another one than was accepted.
#[derive(Debug, Deserialize, TS)]
#[ts(export)]
pub struct InstallImport {
    /// The file.
    pub source: ImportSource,
    /// As in [`ServerFileView::digest`].
    pub digest: String,
    /// As in [`ImportOption::id`]. Absent: the first.
    #[serde(default)]
    #[ts(optional)]
    pub option: Option<String>,
    /// Another id than the file's.
    #[serde(default)]
    #[ts(optional)]
    pub id: Option<IntegrationId>,
    /// Another name than the file's.
    #[serde(default)]
    #[ts(optional)]
    pub name: Option<String>,
    /// What the owner filled in.
    #[serde(default)]
    #[ts(optional, as = "Option<FieldValues>")]
    pub values: FieldValues,
    /// The command of the preview, which the owner has seen. An install has to have it.
    #[serde(default)]
    #[ts(optional)]
    pub accepted_command: Option<String>,
}
