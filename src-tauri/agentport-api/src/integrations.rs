//! Integrations, their health, tools and logs.

use agentport_core::{
    IntegrationId, Timestamp,
    policy::{Mode, Reason},
    tool::{Annotations, DefinitionDigest, ToolEffect},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

/// How an integration is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum Connection {
    /// A child process that speaks MCP on stdio.
    LocalMcp {
        command: String,
        #[serde(default)]
        args: Vec<String>,
        /// Added to the cleaned environment.
        #[serde(default)]
        env: std::collections::BTreeMap<String, String>,
        /// Names whose values lie in the vault.
        #[serde(default)]
        secret_env: Vec<String>,
        #[serde(default)]
        cwd: Option<String>,
        /// Indexes of `args` in which `{token}` (or `{token1}`, `{token2}` …) stands for a secret in the vault. In all
        /// other arguments braces are braces.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[ts(as = "Option<Vec<u32>>", optional)]
        secret_args: Vec<u32>,
        /// How long a call may take, 1 to 3,600; as in the settings, if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        timeout_seconds: Option<u32>,
        /// How long it may be silent while it starts, 1 to 3,600; the usual time, if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        startup_timeout_seconds: Option<u32>,
    },
    /// An MCP server over Streamable HTTP.
    RemoteMcp {
        /// `{token}` and the like may stand for secrets in its query.
        url: String,
        /// Header name → value, where `{token}` (or `{token1}`, `{token2}` …) stands for a secret in the vault.
        #[serde(default)]
        headers: std::collections::BTreeMap<String, String>,
        /// As for a child process.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        timeout_seconds: Option<u32>,
    },
    /// Part of this program.
    Builtin { name: String },
}

impl Connection {
    /// How long a call may take, in seconds; `None`: as in the settings.
    pub fn timeout_seconds(&self) -> Option<u32> {
        match self {
            Self::LocalMcp { timeout_seconds, .. } | Self::RemoteMcp { timeout_seconds, .. } => {
                *timeout_seconds
            }
            Self::Builtin { .. } => None,
        }
    }
}

/// Is it well?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
#[ts(export)]
pub enum Health {
    /// Not running; starts with the first call.
    Idle,
    Starting,
    Ready,
    /// Its credential was refused.
    NeedsAuth {
        message: String,
    },
    /// Could not start or stopped; tried again at `retry_at`, or with the next call.
    Failed {
        message: String,
        retry_at: Option<Timestamp>,
    },
    /// Switched off by the owner.
    Disabled,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ToolCounts {
    pub total: u32,
    pub allow: u32,
    pub require_approval: u32,
    pub deny: u32,
}

/// `GET /control/integrations` and `GET /control/integrations/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct IntegrationView {
    pub id: IntegrationId,
    pub name: String,
    /// The name as it is to be shown: hidden and look-alike characters escaped, and marked if there are any.
    pub display_name: String,
    pub connection: Connection,
    pub tags: Vec<String>,
    pub health: Health,
    /// In words, with its moment; kept after recovery.
    pub last_error: Option<LastError>,
    pub default_mode: Option<Mode>,
    pub read_only_may_run: bool,
    /// Resources and prompts of the upstream are offered to agents as well.
    pub resources: bool,
    pub tools: ToolCounts,
    pub auth_method: String,
    pub connected: bool,
    pub added_at: Timestamp,
    pub pid: Option<u32>,
    /// Entries of its lists that cannot be used, 50 at most. All others can.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<LeftOut>>", optional)]
    pub left_out: Vec<LeftOut>,
    /// What a client knew of it before it was taken over from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub imported: Option<Imported>,
}

/// A tool, prompt or resource that an upstream lists in a form that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LeftOut {
    /// Its name, or its place in the list.
    pub name: String,
    /// A sentence without its full stop.
    pub reason: String,
}

/// What the file of the client it was taken over from said of an integration, and the gateway does not act on. 422
/// where it is more than 64 KiB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Imported {
    /// The client's name.
    pub from: String,
    /// Tools it ran without asking: proposals for rules, until the owner has settled them.
    #[serde(default)]
    pub auto_approve: Vec<String>,
    /// It ran all of them without asking.
    #[serde(default)]
    pub auto_approve_all: bool,
    /// Keys of its entry that mean nothing here, with what looks like a secret masked.
    #[serde(default)]
    pub extra: Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LastError {
    pub message: String,
    pub at: Timestamp,
}

/// `POST /control/integrations` answers [`IntegrationView`] once the upstream has answered or `wait_ms` is over.
/// 409 for a known id, 422 for an unusable URL or command, 502 if it does not answer (nothing is kept).
#[derive(Debug, Deserialize, TS)]
#[ts(export)]
pub struct AddIntegration {
    pub id: IntegrationId,
    #[serde(default)]
    #[ts(optional)]
    pub name: Option<String>,
    #[serde(default)]
    pub tags: Vec<String>,
    pub connection: Connection,
    /// Values for `secret_env` names, or for `token`, `token1` … of the arguments, the URL and the headers.
    #[serde(default)]
    #[ts(type = "Record<string, string>")]
    pub secrets: std::collections::BTreeMap<String, agentport_core::Secret>,
    /// Keep it even if the upstream can't be reached now.
    #[serde(default)]
    pub keep_unreachable: bool,
    /// Absent: on. One that is off is stored and not tried.
    #[serde(default)]
    #[ts(optional)]
    pub enabled: Option<bool>,
    /// Store it without trying it first, and connect it right after: the answer does not wait, and health and tools
    /// come as events.
    #[serde(default)]
    #[ts(as = "Option<bool>", optional)]
    pub untried: bool,
    #[serde(default)]
    #[ts(optional)]
    pub imported: Option<Imported>,
}

/// `POST /control/connections/compare` answers [`Compared`]: is that an integration already? 422 for a connection that
/// can't be used, or whose secrets are missing.
#[derive(Debug, Deserialize, TS)]
#[ts(export)]
pub struct Compare {
    pub connection: Connection,
    /// As in [`AddIntegration`].
    #[serde(default)]
    #[ts(type = "Record<string, string>")]
    pub secrets: std::collections::BTreeMap<String, agentport_core::Secret>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Compared {
    /// One that runs the same command in the same environment and folder, or sends the same headers to the same
    /// address, all secrets put in. Which of them lie in the vault, and under what names, makes no difference; nor
    /// does a timeout that is not asked for.
    pub same: Option<IntegrationId>,
}

/// `PATCH /control/integrations/{id}` answers [`IntegrationView`]. Absent fields stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct ChangeIntegration {
    pub name: Option<String>,
    pub tags: Option<Vec<String>>,
    /// `"allow"`, `"require_approval"`, `"deny"` or `"none"`.
    pub default_mode: Option<String>,
    pub read_only_may_run: Option<bool>,
    pub resources: Option<bool>,
    pub enabled: Option<bool>,
    /// True: the owner has seen what a client ran without asking, and it is no proposal any more.
    pub imported_settled: Option<bool>,
}

/// `PUT /control/integrations/{id}/credentials` answers [`IntegrationView`]. The new values are tried before they count:
/// 502 if the upstream cannot be used with them, and the old ones stay.
#[derive(Debug, Deserialize, TS)]
#[ts(export)]
pub struct ReplaceCredentials {
    /// By the name of the variable, or `token`, `token1` … as in [`AddIntegration`].
    #[ts(type = "Record<string, string>")]
    pub secrets: std::collections::BTreeMap<String, agentport_core::Secret>,
}

// `DELETE /control/integrations/{id}` (204) drops its credentials and rules; `POST …/{id}/restart` (IntegrationView).

/// `GET /control/integrations/{id}/tools` → Items<ToolView>.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ToolView {
    /// As its upstream names it.
    pub name: String,
    /// The name as it is to be shown: hidden and look-alike characters escaped, and marked if there are any.
    pub display_name: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub annotations: Annotations,
    /// What it does: as the owner classified it, or else as its annotations say.
    pub effect: ToolEffect,
    pub classification: Option<Classification>,
    pub category: Option<String>,
    /// What any agent's call would get.
    pub mode: Mode,
    pub reason: Reason,
    pub digest: DefinitionDigest,
    pub input_schema: Value,
    /// The schema cannot be checked: too large, or not compilable.
    pub unchecked: bool,
}

/// What the owner said that a tool does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Classification {
    pub effect: ToolEffect,
    /// The tool has changed since, so it counts as what it says of itself.
    pub outdated: bool,
}

/// `PUT /control/integrations/{id}/tools/effect` answers [`ToolView`].
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ClassifyTool {
    pub tool: String,
    /// [`ToolEffect::CLASSES`]; `null` takes the classification away.
    pub effect: Option<ToolEffect>,
    /// The definition the owner had in view. 409 if it is another by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub digest: Option<DefinitionDigest>,
}

/// `GET /control/integrations/{id}/log` → Items<LogLine>: what a local server wrote to stderr, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LogLine {
    pub at: Timestamp,
    pub text: String,
}

/// `GET /control/definitions/{digest}`: a tool's definition as it was, for one that has changed since.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DefinitionView {
    pub digest: DefinitionDigest,
    /// The tool as MCP describes it.
    pub definition: Value,
}
