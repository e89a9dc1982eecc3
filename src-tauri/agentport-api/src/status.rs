//! State of the gateway, and pausing it.

use agentport_core::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `GET /control/status`, and the first event of `GET /control/events`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Status {
    /// The gateway's version.
    pub version: String,
    /// Where agents connect.
    pub mcp_url: String,
    /// The gateway behind the external URL, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub external: Option<ExternalStatus>,
    /// The data directory.
    pub home: String,
    /// The gateway's process.
    pub pid: u32,
    /// When it started.
    pub started_at: Timestamp,
    /// No call runs.
    pub paused: bool,
    /// Where secrets are sealed: `keychain`, `key-file` or `passphrase-file`.
    pub vault: String,
    /// Requests that wait for the owner.
    pub pending: u32,
    /// Requests that expired.
    pub missed: u32,
    /// Agents whose key is in force.
    pub agents: u32,
    /// Integrations that are installed.
    pub integrations: u32,
    /// Integrations that need attention.
    pub trouble: u32,
    /// Allowing anything needs a one-time code.
    pub second_factor: bool,
    /// An owner password is set, so that a browser and a terminal can sign in.
    pub owner_password: bool,
}

/// The gateway behind its external URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ExternalStatus {
    /// The external URL, an https origin.
    pub url: String,
    /// The port on 127.0.0.1 that the reverse proxy or tunnel sends requests to.
    pub port: u16,
    /// Why it is not served, as a sentence; absent while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub problem: Option<String>,
}

/// `POST /control/pause`.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Pause {
    /// `true` stops every call from running, `false` lets them run again.
    pub paused: bool,
}
