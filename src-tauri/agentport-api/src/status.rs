//! State of the gateway, and pausing it.

use agentport_core::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `GET /control/status`, and the first event of `GET /control/events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Status {
    pub version: String,
    pub mcp_url: String,
    pub home: String,
    pub pid: u32,
    pub started_at: Timestamp,
    /// No call runs.
    pub paused: bool,
    /// Where secrets are sealed: `keychain`, `key-file` or `passphrase-file`.
    pub vault: String,
    pub pending: u32,
    pub missed: u32,
    pub agents: u32,
    pub integrations: u32,
    /// Integrations that need attention.
    pub trouble: u32,
    /// Allowing anything needs a one-time code.
    pub second_factor: bool,
    /// An owner password is set, so that a browser and a terminal can sign in.
    pub owner_password: bool,
}

/// `POST /control/pause`.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Pause {
    pub paused: bool,
}
