//! Agents, their keys and profiles.

use std::fmt;

use agentport_core::{AgentId, ConsentId, Timestamp, profile::Profile};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::Items;

/// `GET /control/keys`: an agent, let in by a key or by OAuth.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyView {
    /// The agent the key is for.
    pub id: AgentId,
    /// The name the owner gave it.
    pub name: String,
    /// The key's first twelve characters; empty for an agent that has no key.
    pub prefix: String,
    /// How it signed in by OAuth; absent for an agent with a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub oauth: Option<AgentSignIn>,
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

/// `PATCH /control/keys/{id}`: what is there is changed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export, optional_fields)]
pub struct ChangeKey {
    /// The name it is to have: 1 to 64 visible characters (else 422), not that of another agent (else 409).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The profile it is to have; `null` for none.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable, as = "Option<String>")]
    pub profile: Option<Option<String>>,
}

/// Reads `null` as a value, so that it differs from an absent field.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// How an agent signed in by OAuth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AgentSignIn {
    /// The name its client registered with, unverified.
    pub client_name: String,
    /// Where its sign-ins were sent.
    pub redirect: RedirectTarget,
    /// Sign-ins that are still valid; several copies of one program can have one each. 0: it has to sign in again.
    pub valid: u32,
    /// When the owner last consented.
    pub granted_at: Timestamp,
    /// When it last got a fresh token.
    pub refreshed_at: Option<Timestamp>,
    /// When it has to sign in again, unless it fetches a fresh token before.
    pub expires_at: Option<Timestamp>,
    /// It comes through the external URL, not over loopback.
    pub remote: bool,
}

/// Where an OAuth client is sent after the owner's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum RedirectTarget {
    /// A program that listens on loopback (RFC 8252, section 7.3).
    Loopback {
        /// Its port.
        port: u16,
    },
    /// The program of this computer that opens addresses of this scheme (RFC 8252, section 7.1).
    App {
        /// Such as `cursor`.
        scheme: String,
    },
    /// A web site.
    Site {
        /// Its host, with the port where it is not 443.
        host: String,
    },
}

/// Ends a sentence such as "It goes on to …". The scheme and the host are the client's words: clean them before showing.
impl fmt::Display for RedirectTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loopback { port } => write!(f, "a program on this computer, port {port}"),
            Self::App { scheme } => write!(f, "the app that opens {scheme}: addresses"),
            Self::Site { host } => write!(f, "the site https://{host}"),
        }
    }
}

/// `GET /control/consents` → Items<ConsentView>, oldest first, and `GET /control/consents/{id}`: an agent that asked to
/// be let in by OAuth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ConsentView {
    /// Its id.
    pub id: ConsentId,
    /// Whether it still waits.
    pub state: ConsentState,
    /// Four digits that the page in the browser shows too: the request is the one the owner began.
    pub code: String,
    /// The name the client gives itself, unverified.
    pub client_name: String,
    /// The web page the client names, unverified.
    pub client_uri: Option<String>,
    /// Where the client is sent afterwards.
    pub redirect: RedirectTarget,
    /// The whole address of that.
    pub redirect_uri: String,
    /// It comes through the external URL, not over loopback.
    pub remote: bool,
    /// A name that is free, for a new agent.
    pub suggested_name: String,
    /// The agent this client signed in as before, if there is one: it keeps its name, profile and rules.
    pub known_as: Option<KnownAgent>,
    /// When it asked.
    pub created_at: Timestamp,
    /// When the request ends by itself.
    pub expires_at: Timestamp,
}

/// An agent that a client signed in as before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KnownAgent {
    /// The agent.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// Its profile.
    pub profile: Option<String>,
}

/// Where a request for consent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ConsentState {
    /// It waits for the owner.
    Waiting,
    /// The owner consented.
    Approved,
    /// The owner refused.
    Denied,
    /// Nobody decided in time, or a newer request of the same client took its place.
    Expired,
}

/// `POST /control/consents/{id}/approve` (204; 409 where it no longer waits).
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export, optional_fields)]
pub struct ApproveConsent {
    /// The four digits that the page in the browser shows, as the owner typed them. Has to be there for a request that
    /// came through the external URL (else 422).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The agent to be signed in again, as `known_as` names it. Absent: a new agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// The name of a new agent. Absent: the suggested one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The profile that says what a new agent sees. Absent: everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// `GET /control/profiles` → Items<Profile>; `PUT /control/profiles/{name}` takes a Profile (204);
/// `DELETE /control/profiles/{name}` (204, 409 while an agent uses it).
pub type Profiles = Items<Profile>;
