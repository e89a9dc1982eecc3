//! Everything the owner set, as one document without a secret in it.

use agentport_core::{
    AgentId, IntegrationId, Timestamp,
    policy::{Mode, Rule},
    profile::Profile,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Connection, Imported, NewKey, Settings};

/// `GET /control/backup`: settings, profiles, agents, integrations and rules. No tokens, no keys, no password, no activity
/// (which has an export of its own).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Backup {
    /// 1. A document of a later format is refused.
    pub format: u32,
    /// When it was made.
    pub made_at: Timestamp,
    /// Of the program that made it.
    pub version: String,
    /// All settings.
    pub settings: Settings,
    /// All profiles.
    pub profiles: Vec<Profile>,
    /// Agents whose key was in force, without their keys.
    pub agents: Vec<BackedUpAgent>,
    /// All integrations, without their secrets.
    pub integrations: Vec<BackedUpIntegration>,
    /// Lasting ones: what ends with a session or a moment is not kept.
    pub rules: Vec<Rule>,
}

/// An agent as a backup holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BackedUpAgent {
    /// Its id, by which it is found again.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// Its profile.
    pub profile: Option<String>,
    /// When its key expires.
    pub expires_at: Option<Timestamp>,
}

/// An integration as a backup holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BackedUpIntegration {
    /// Its id.
    pub id: IntegrationId,
    /// The name the owner gave it.
    pub name: String,
    /// How it is reached.
    pub connection: Connection,
    /// Its tags.
    pub tags: Vec<String>,
    /// What tools without a rule of their own get.
    pub default_mode: Option<Mode>,
    /// Tools that say they only read run without asking.
    pub read_only_may_run: bool,
    /// Its resources and prompts are offered to agents.
    pub resources: bool,
    /// It is switched on.
    pub enabled: bool,
    /// `none` or `token`.
    pub auth_method: String,
    /// Absent in older documents, which then say nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub imported: Option<Imported>,
}

/// `POST /control/restore?dry_run=true|false` with a [`Backup`] adds what is missing and sets what differs; nothing that
/// is here and not in the document is removed. All of it or nothing. 422 for a document that can't be used.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RestoreReport {
    /// What changes, one sentence each. Empty: everything is as in the document.
    pub changes: Vec<String>,
    /// These need their secrets given again before they work.
    pub needs_secrets: Vec<IntegrationId>,
    /// Agents that were not here, each with a new key, shown this one time. Empty on a dry run.
    pub new_keys: Vec<NewKey>,
}
