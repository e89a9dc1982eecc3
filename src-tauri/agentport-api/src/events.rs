//! Change events (server-sent events): which list to read again.

use agentport_core::{ApprovalId, IntegrationId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::Status;

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
