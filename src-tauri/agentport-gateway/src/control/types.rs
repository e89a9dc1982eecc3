//! What the owner's plane says and hears, as JSON. The TypeScript types of the front end are made from these.
//!
//! Every list answers `{"items": […]}` in the order it should be read. Every refusal answers [`Problem`].

use agentport_core::{
    AgentId, ApprovalId, CallId, IntegrationId, Timestamp,
    approval::{Audience, State},
    arguments::ArgumentsHash,
    outcome::OutcomeKind,
    policy::{Because, Mode, Rule},
    profile::Profile,
    tool::{Annotations, DefinitionDigest},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

/// Why a request of the owner's was refused. HTTP status 4xx or 5xx says the kind, `detail` says what to do.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Problem {
    /// A sentence for people: what was wrong, and what to do.
    pub detail: String,
    /// The field at fault, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub field: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Items<T> {
    pub items: Vec<T>,
}

// ---- being let in -------------------------------------------------------------------------------------------------

/// `GET /control/session`, the one route that needs no sign-in.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Session {
    pub signed_in: bool,
    /// No owner password has been chosen yet: a sign-in code leads to choosing one.
    pub needs_password: bool,
    pub version: String,
}

/// `POST /control/login` answers [`LoggedIn`].
#[derive(Debug, Clone, Deserialize, TS)]
#[ts(export)]
pub struct Login {
    #[ts(type = "string")]
    pub password: agentport_core::Secret,
}

/// To be shown as `Authorization: Bearer …`.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LoggedIn {
    pub token: String,
    pub expires_at: Timestamp,
}

/// `POST /control/password`. `code` (from the dashboard link of the first start) where no password exists yet,
/// `current` where one does. Signs in like a login.
#[derive(Debug, Clone, Deserialize, TS)]
#[ts(export)]
pub struct ChoosePassword {
    #[ts(type = "string")]
    pub new: agentport_core::Secret,
    #[serde(default)]
    #[ts(optional)]
    pub code: Option<String>,
    #[serde(default)]
    #[ts(optional, type = "string")]
    pub current: Option<agentport_core::Secret>,
}

// ---- status and events --------------------------------------------------------------------------------------------

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
}

/// `POST /control/pause`.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Pause {
    pub paused: bool,
}

// ---- approvals ----------------------------------------------------------------------------------------------------

/// `GET /control/approvals?state=pending|missed|decided|all&limit=` and `GET /control/approvals/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ApprovalView {
    pub id: ApprovalId,
    pub agent: AgentId,
    pub agent_name: String,
    pub integration: IntegrationId,
    pub integration_name: String,
    pub tool: String,
    pub tool_title: Option<String>,
    pub tool_description: Option<String>,
    pub annotations: Annotations,
    /// One sentence, computed by us from the arguments.
    pub summary: String,
    pub arguments: Value,
    /// The tool's input schema, for a form to edit the arguments.
    pub input_schema: Option<Value>,
    /// The agent's own words, cleaned. Always to be labelled as such.
    pub additional_info: Option<String>,
    pub digest: DefinitionDigest,
    pub arguments_hash: ArgumentsHash,
    pub edited: bool,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub state: State,
    /// Why the policy asked, in a sentence.
    pub why: String,
    /// The tool may destroy: the wider grants want a second thought.
    pub destructive: bool,
    /// The tool's schema cannot be checked, so nobody but the upstream has looked at the arguments.
    pub unchecked: bool,
}

/// What the owner grants. `for` takes minutes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum GrantChoice {
    Once,
    Exact,
    For { minutes: u32 },
    Session,
    Always,
}

/// `POST /control/approvals/{id}/approve` answers [`ApprovalView`]. 409 if decided already.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Approve {
    pub grant: GrantChoice,
    #[serde(default)]
    pub audience: Audience,
    /// Replaces the arguments; recorded as edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub arguments: Option<Value>,
}

/// `POST /control/approvals/{id}/deny` answers [`ApprovalView`]. 409 if decided already.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Deny {
    #[serde(default)]
    #[ts(optional)]
    pub reason: Option<String>,
}

// ---- agents and their keys ----------------------------------------------------------------------------------------

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

// ---- integrations -------------------------------------------------------------------------------------------------

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
    },
    /// An MCP server over Streamable HTTP.
    RemoteMcp {
        /// `{token}` and the like may stand for secrets in its query.
        url: String,
        /// Header name → value, where `{token}` (or `{token1}`, `{token2}` …) stands for a secret in the vault.
        #[serde(default)]
        headers: std::collections::BTreeMap<String, String>,
    },
    /// Part of this program.
    Builtin { name: String },
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
    /// Values for `secret_env` names, or for `token`, `token1` … of the headers.
    #[serde(default)]
    #[ts(type = "Record<string, string>")]
    pub secrets: std::collections::BTreeMap<String, agentport_core::Secret>,
    /// Keep it even if the upstream can't be reached now.
    #[serde(default)]
    pub keep_unreachable: bool,
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
    pub name: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub annotations: Annotations,
    pub category: Option<String>,
    /// What any agent's call would get.
    pub mode: Mode,
    pub because: Because,
    pub digest: DefinitionDigest,
    pub input_schema: Value,
    /// The schema cannot be checked: too large, or not compilable.
    pub unchecked: bool,
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

// ---- policy -------------------------------------------------------------------------------------------------------

/// `GET /control/policy` → Items<RuleView>.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RuleView {
    pub rule: Rule,
    /// The rule as a sentence.
    pub sentence: String,
    pub agent_name: Option<String>,
    /// The tool's definition is no longer the one this allow was given for.
    pub stale: bool,
}

/// `PUT /control/policy` sets the rule for a tool (answers [`RuleView`]); `DELETE /control/policy/{rule id}` (204).
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SetPolicy {
    pub integration: IntegrationId,
    pub tool: String,
    pub mode: Mode,
    #[serde(default)]
    #[ts(optional)]
    pub agent: Option<AgentId>,
    /// The definition the owner had in view. 409 if it is another by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub digest: Option<DefinitionDigest>,
}

// ---- activity and audit -------------------------------------------------------------------------------------------

/// `GET /control/activity?agent=&integration=&tool=&outcome=&since=&until=&q=&limit=&before=` →
/// [`ActivityPage`], newest first. `before` is the `next` of the page before.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ActivityPage {
    pub items: Vec<ActivityRow>,
    pub next: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ActivityRow {
    pub id: CallId,
    pub at: Timestamp,
    pub agent: AgentId,
    pub agent_name: String,
    pub integration: String,
    pub tool: String,
    /// Redacted.
    pub arguments: Value,
    pub arguments_hash: Option<ArgumentsHash>,
    pub digest: Option<DefinitionDigest>,
    /// What policy said.
    pub decision: Option<Mode>,
    pub because: Option<Because>,
    pub approval: Option<ApprovalId>,
    pub outcome: OutcomeKind,
    /// Time spent waiting for the owner, in milliseconds.
    #[ts(type = "number")]
    pub waited_ms: u64,
    /// Time the upstream took, in microseconds.
    #[ts(type = "number")]
    pub ran_us: u64,
    #[ts(type = "number")]
    pub bytes_in: u64,
    #[ts(type = "number")]
    pub bytes_out: u64,
    pub error: Option<String>,
    /// Which door: `mcp`, `direct`, `rest`.
    pub door: String,
}

/// `GET /control/audit?limit=&before=` → Items<AuditRow>, newest first. `GET /control/audit/export`: JSON lines.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AuditRow {
    #[ts(type = "number")]
    pub seq: i64,
    pub at: Timestamp,
    /// `owner`, `system` or an agent's id.
    pub actor: String,
    /// Such as `key.created`, `policy.set`, `login.failed`.
    pub action: String,
    pub subject: String,
    pub detail: Value,
    /// HMAC-SHA-256 over this row and the one before, hexadecimal.
    pub mac: String,
}

/// `GET /control/audit/verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[ts(export)]
pub enum AuditVerdict {
    Intact {
        #[ts(type = "number")]
        rows: u64,
    },
    Broken {
        /// The first row that does not fit.
        #[ts(type = "number")]
        seq: i64,
        what: String,
    },
}

// ---- settings -----------------------------------------------------------------------------------------------------

/// `GET /control/settings`; `PATCH` takes any of them and answers all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export)]
pub struct Settings {
    /// Minutes until a request nobody decided expires, 1–1440.
    pub approval_expiry_minutes: u32,
    /// Requests of one agent that may wait at once, 1–100.
    pub pending_per_agent: u32,
    /// Seconds an upstream may take to answer a call, 1–3600.
    pub call_timeout_seconds: u32,
    /// Minutes without a call after which a local server is stopped, 1–1440.
    pub idle_stop_minutes: u32,
    /// Days activity is kept, 1–3650.
    pub activity_retention_days: u32,
    /// Calls one agent may make in a minute, 0 for no limit.
    pub calls_per_minute: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            approval_expiry_minutes: 10,
            pending_per_agent: 5,
            call_timeout_seconds: 300,
            idle_stop_minutes: 10,
            activity_retention_days: 90,
            calls_per_minute: 0,
        }
    }
}
