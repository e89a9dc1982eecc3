//! Views of kept originals.

use agentport_core::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::PlanAction;

/// `GET /control/clients/backups[?client=id]` → Items<BackupView>, newest first.
/// `POST /control/clients/backups/verify` → the same, checked. `DELETE /control/clients/backups[?older_than_days=N]`
/// drops those that are neither pinned nor the newest of their file → Pruned.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BackupView {
    /// Number of the change.
    pub id: i64,
    /// Id of the client.
    pub client: String,
    /// Absolute path of the changed file.
    pub path: String,
    /// When the original was kept.
    pub taken_at: Timestamp,
    /// SHA-256 of the content; absent where there was no file.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Size of the original.
    #[ts(type = "number")]
    pub bytes: u64,
    /// The original from before our first touch. Never dropped while the client is connected.
    pub pinned: bool,
    /// The kind of plan that changed the file.
    pub what: PlanAction,
    /// Verified: it is there, and it is what it was.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intact: Option<bool>,
}

/// What pruning kept originals deleted.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Pruned {
    /// Originals that were deleted.
    pub dropped: u32,
    /// Their size.
    #[ts(type = "number")]
    pub bytes: u64,
}
