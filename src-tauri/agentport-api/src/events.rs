//! Change events (server-sent events): which list to read again.

use agentport_core::{ApprovalId, ConsentId, IntegrationId, SignInId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::Status;

/// `GET /control/events`: server-sent events whose `data` is one of these. They say what to read again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum Event {
    /// The first event of every connection, and one whenever events were lost on it: everything is to be read again.
    Snapshot {
        /// As `GET /control/status` answers.
        status: Status,
    },
    /// A request came, was decided, ran or ended.
    Approval {
        /// The request.
        id: ApprovalId,
        /// Where it is now.
        state: agentport_core::approval::StateName,
    },
    /// An integration was added, changed, removed, or its health or tool list changed.
    Integration {
        /// The integration.
        id: IntegrationId,
    },
    /// An account was added, changed, renewed or removed.
    Accounts,
    /// A sign-in went on or ended.
    SignIn {
        /// The sign-in.
        id: SignInId,
    },
    /// An agent was added, changed or revoked.
    Agents,
    /// An agent asked to be let in by OAuth, or that request was decided or ended.
    Consent {
        /// The request.
        id: ConsentId,
    },
    /// A refresh token came again long after it was used, so it may have been copied: the agent was signed out.
    TokenReused {
        /// The agent's name.
        agent: String,
    },
    /// A profile was made, changed or removed.
    Profiles,
    /// The rules changed.
    Policy,
    /// The settings changed.
    Settings,
    /// All calls were paused, or may run again.
    Paused {
        /// They are paused.
        paused: bool,
    },
    /// New rows in the activity.
    Activity,
    /// Somebody opened the page of a request that waits, and wants to see it.
    Shown {
        /// The request.
        id: ApprovalId,
    },
    /// The second factor or the owner password was set, changed or removed.
    Owner,
    /// A client's file was changed through us.
    Clients,
}
