//! Agents, their keys and profiles.

use agentport_core::{AgentId, Timestamp, profile::Profile};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::Items;

/// `GET /control/keys`.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyView {
    pub id: AgentId,
    pub name: String,
    /// The key's first twelve characters.
    pub prefix: String,
    pub profile: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    /// How many tools its last `tools/list` had, since the gateway started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub tools_listed: Option<u32>,
    /// Its first call that is still in the activity, whatever became of it.
    #[serde(default)]
    pub first_call_at: Option<Timestamp>,
    /// What the agent says it is (`clientInfo`), unverified.
    pub client: Option<String>,
    /// Until when the agent may do everything but destructive tools.
    pub trusted_until: Option<Timestamp>,
}

/// `POST /control/keys` answers [`NewKey`]. `DELETE /control/keys/{id}` revokes (204).
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CreateKey {
    pub name: String,
    #[serde(default)]
    #[ts(optional)]
    pub expires_at: Option<Timestamp>,
    #[serde(default)]
    #[ts(optional)]
    pub profile: Option<String>,
}

/// The only time the key itself is shown.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct NewKey {
    pub id: AgentId,
    pub name: String,
    pub key: String,
}

/// `POST /control/keys/{id}/trust`: everything but destructive tools for so many minutes; 0 takes it back.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Trust {
    pub minutes: u32,
}

/// `PATCH /control/keys/{id}`: the profile of an agent; `null` for none.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ChangeKey {
    pub profile: Option<String>,
}

// `GET /control/profiles` → Items<Profile>; `PUT /control/profiles/{name}` takes a Profile (204);
// `DELETE /control/profiles/{name}` (204, 409 while an agent uses it).
pub type Profiles = Items<Profile>;
