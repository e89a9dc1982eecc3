//! The audit: one hash-chained row per configuration change or security event.

use agentport_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

/// `GET /control/audit?limit=&before=` → Items<AuditRow>, newest first. `GET /control/audit/export`: JSON lines.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AuditRow {
    /// Its place in the chain, from 1 without gaps.
    #[ts(type = "number")]
    pub seq: i64,
    /// When it was written.
    pub at: Timestamp,
    /// Who did it: `owner`, `system`, `unknown` or an agent's id (`core::audit::Actor`), or what another version wrote.
    pub actor: String,
    /// What was done, such as `key.created` (`core::audit::AuditAction`), or what another version wrote.
    pub action: String,
    /// What it was done to: an id, a name, or empty.
    pub subject: String,
    /// What belongs to the action. Holds no secret.
    pub detail: Value,
    /// HMAC-SHA-256 over this row and the one before, hexadecimal.
    pub mac: String,
}

/// `GET /control/audit/verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[ts(export)]
pub enum AuditVerdict {
    /// Every row is as it was written, and none is missing.
    Intact {
        /// How many there are.
        #[ts(type = "number")]
        rows: u64,
    },
    /// Rows were changed, removed, put in or moved.
    Broken {
        /// The first row that does not fit.
        #[ts(type = "number")]
        seq: i64,
        /// What is wrong there, as a sentence without its full stop.
        what: String,
    },
}
