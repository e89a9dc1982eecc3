//! The audit: one hash-chained row per configuration change or security event.

use agentport_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

/// `GET /control/audit?limit=&before=` → Items<AuditRow>, newest first. `GET /control/audit/export`: JSON lines.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AuditRow {
    #[ts(type = "number")]
    pub seq: i64,
    pub at: Timestamp,
    /// `owner`, `system` or an agent's id.
    pub actor: String,
    /// Such as `key.created`, `policy.set`, `login.failed`.
    pub action: String,
    pub subject: String,
    pub detail: Value,
    /// HMAC-SHA-256 over this row and the one before, hexadecimal.
    pub mac: String,
}

/// `GET /control/audit/verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[ts(export)]
pub enum AuditVerdict {
    Intact {
        #[ts(type = "number")]
        rows: u64,
    },
    Broken {
        /// The first row that does not fit.
        #[ts(type = "number")]
        seq: i64,
        what: String,
    },
}
