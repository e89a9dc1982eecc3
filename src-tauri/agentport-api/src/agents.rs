//! Agents, their keys and profiles.

use agentport_core::{AgentId, Timestamp, profile::Profile};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::Items;

/// `GET /control/keys`.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyView {
    /// The agent the key is for.
    pub id: AgentId,
    /// The name the owner gave it.
    pub name: String,
    /// The key's first twelve characters.
    pub prefix: String,
    /// The profile that says what it sees; `null`: everything.
    pub profile: Option<String>,
    /// When the key was made.
    pub created_at: Timestamp,
    /// When the key stops working by itself.
    pub expires_at: Option<Timestamp>,
    /// When the owner revoked it. A revoked key stays in the list.
    pub revoked_at: Option<Timestamp>,
    /// When the agent last sent a request.
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
    /// 1 to 64 visible characters (else 422), and not the name of another agent that is not revoked (else 409).
    pub name: String,
    /// When the key stops working; absent: never.
    #[serde(default)]
    #[ts(optional)]
    pub expires_at: Option<Timestamp>,
    /// The profile that says what the agent sees; absent: everything.
    #[serde(default)]
    #[ts(optional)]
    pub profile: Option<String>,
}

/// The only time the key itself is shown.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct NewKey {
    /// The agent the key is for.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// The key: `ap_` and 32 characters. Only its hash is stored.
    pub key: String,
}

/// `POST /control/keys/{id}/trust`: everything but destructive tools for so many minutes; 0 takes it back.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Trust {
    /// 0 to 1,440.
    pub minutes: u32,
}

/// `PATCH /control/keys/{id}`: the profile of an agent; `null` for none.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ChangeKey {
    /// The profile's name.
    pub profile: Option<String>,
}

/// `GET /control/profiles` → Items<Profile>; `PUT /control/profiles/{name}` takes a Profile (204);
/// `DELETE /control/profiles/{name}` (204, 409 while an agent uses it).
pub type Profiles = Items<Profile>;
