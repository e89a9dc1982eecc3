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
    pub made_at: Timestamp,
    /// Of the program that made it.
    pub version: String,
    pub settings: Settings,
    pub profiles: Vec<Profile>,
    pub agents: Vec<BackedUpAgent>,
    pub integrations: Vec<BackedUpIntegration>,
    /// Lasting ones: what ends with a session or a moment is not kept.
    pub rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BackedUpAgent {
    pub id: AgentId,
    pub name: String,
    pub profile: Option<String>,
    pub expires_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BackedUpIntegration {
    pub id: IntegrationId,
    pub name: String,
    pub connection: Connection,
    pub tags: Vec<String>,
    pub default_mode: Option<Mode>,
    pub read_only_may_run: bool,
    pub resources: bool,
    pub enabled: bool,
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
