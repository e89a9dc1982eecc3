//! How things stand, and what changed.

use agentport_core::{ApprovalId, IntegrationId, Timestamp};
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

/// `GET /control/events`: server-sent events whose `data` is one of these. They say what to read again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum Event {
    Snapshot {
        status: Status,
    },
    /// A request came, was decided, ran or ended.
    Approval {
        id: ApprovalId,
        state: agentport_core::approval::StateName,
    },
    /// An integration was added, changed, removed, or its health or tool list changed.
    Integration {
        id: IntegrationId,
    },
    Agents,
    Profiles,
    Policy,
    Settings,
    Paused {
        paused: bool,
    },
    /// New rows in the activity.
    Activity,
    /// Somebody opened the page of a request that waits, and wants to see it.
    Shown {
        id: ApprovalId,
    },
    /// The second factor or the owner password was set, changed or removed.
    Owner,
    /// A client's file was changed through us.
    Clients,
}

/// `POST /control/pause`.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Pause {
    pub paused: bool,
}
