//! Integrations, their health, tools and logs.

use agentport_core::{
    IntegrationId, Timestamp,
    policy::{Mode, Reason},
    tool::{Annotations, DefinitionDigest, ToolEffect},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use crate::Connection;

/// Is it well?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
#[ts(export)]
pub enum Health {
    /// Not running; starts with the first call.
    Idle,
    /// Its process starts, or its server is being reached.
    Starting,
    /// Its tools were listed.
    Ready,
    /// Its credential was refused.
    NeedsAuth {
        /// What the upstream said.
        message: String,
    },
    /// Could not start or stopped; tried again at `retry_at`, or with the next call.
    Failed {
        /// What went wrong, and what to do.
        message: String,
        /// When it is tried again without a call.
        retry_at: Option<Timestamp>,
    },
    /// Switched off by the owner.
    Disabled,
}

/// How many tools an integration has, and what a call of any agent would get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ToolCounts {
    /// All of them.
    pub total: u32,
    /// Those that run.
    pub allow: u32,
    /// Those the owner is asked about.
    pub require_approval: u32,
    /// Those that are blocked.
    pub deny: u32,
}

/// `GET /control/integrations` and `GET /control/integrations/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct IntegrationView {
    /// Its id.
    pub id: IntegrationId,
    /// The name the owner gave it.
    pub name: String,
    /// The name as it is to be shown: hidden and look-alike characters escaped, and marked if there are any.
    pub display_name: String,
    /// How it is reached. Holds no secret.
    pub connection: Connection,
    /// Its tags, by which profiles choose.
    pub tags: Vec<String>,
    /// Where its connection is now.
    pub health: Health,
    /// In words, with its moment; kept after recovery.
    pub last_error: Option<LastError>,
    /// What tools without a rule of their own get; `null`: the owner is asked.
    pub default_mode: Option<Mode>,
    /// Tools that say they only read run without asking.
    pub read_only_may_run: bool,
    /// Resources and prompts of the upstream are offered to agents as well.
    pub resources: bool,
    /// Its tools, counted.
    pub tools: ToolCounts,
    /// `none` or `token`.
    pub auth_method: String,
    /// It takes calls, as far as is known: idle, starting or ready.
    pub connected: bool,
    /// When it was added.
    pub added_at: Timestamp,
    /// The process of a local server that runs.
    pub pid: Option<u32>,
    /// Entries of its lists that cannot be used, 50 at most. All others can.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<LeftOut>>", optional)]
    pub left_out: Vec<LeftOut>,
    /// What a client knew of it before it was taken over from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub imported: Option<Imported>,
    /// Its command names a package without a version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub unpinned: Option<UnpinnedPackage>,
}

/// A local server whose command names a package without a version, so that each start can run another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct UnpinnedPackage {
    /// The package's name.
    pub package: String,
    /// The version to pin it to, where one is known. Otherwise the owner has to name one.
    pub version: Option<String>,
    /// The command it would run then, as in [`CommandPreview`](crate::CommandPreview).
    pub command: Option<String>,
}

/// `POST /control/integrations/{id}/pin` answers [`IntegrationView`]: makes a local server run one version of its
/// package, which is tried before it counts: 502 if it does not start, and the old command stays. 409 where another
/// command would run than was accepted; its sentence holds the one that would.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(export, optional_fields)]
pub struct PinPackage {
    /// Absent: as in [`UnpinnedPackage::version`].
    pub version: Option<String>,
    /// The command it is to run, which the owner has seen.
    pub accepted_command: Option<String>,
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

/// The last thing that went wrong with an integration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LastError {
    /// A sentence.
    pub message: String,
    /// When it happened.
    pub at: Timestamp,
}

/// `POST /control/integrations` answers 201 and [`IntegrationView`] once the upstream has answered. 409 for a known id,
/// 422 for an unusable URL, command or secret, 502 if it does not answer; nothing is kept then. Of those,
/// `token_needed` says that the server wants a token and none was given.
#[derive(Debug, Deserialize, TS)]
#[ts(export)]
pub struct AddIntegration {
    /// Absent: made from the name.
    #[serde(default)]
    #[ts(optional)]
    pub id: Option<IntegrationId>,
    /// Absent: what the server calls itself; of a local server that was given an id, the id.
    #[serde(default)]
    #[ts(optional)]
    pub name: Option<String>,
    /// What this addition is called while it is under way, at most 64 characters. Absent: as its id.
    #[serde(default)]
    #[ts(optional)]
    pub attempt: Option<String>,
    /// Tags, by which profiles choose.
    #[serde(default)]
    pub tags: Vec<String>,
    /// How it is reached.
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
    /// What the client it is taken over from knew of it.
    #[serde(default)]
    #[ts(optional)]
    pub imported: Option<Imported>,
}

/// What the start of an upstream is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum StartStep {
    /// A local server was started and has not introduced itself yet.
    StartingProgram,
    /// A remote server has not answered yet.
    Connecting,
    /// It has introduced itself, and was asked what it offers.
    ListingTools,
}

/// `GET /control/integrations/{id}/adding`: what an addition or an install that is under way waits for, by its attempt or its
/// id. 404 where none is, or where it waits for nothing. `DELETE` (204) ends it; its request then answers 409.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AddProgress {
    /// How far the start has come.
    pub step: StartStep,
    /// In words, as in "the server at example.com to answer".
    pub waiting_for: String,
    /// Since the request to add it.
    pub elapsed_seconds: u32,
    /// When it is given up. A local server that writes something has this time anew.
    pub limit_seconds: u32,
    /// What a local server wrote last on its standard error.
    pub last_line: Option<String>,
}

/// `POST /control/connections/compare` answers [`Compared`]: is that an integration already? 422 for a connection that
/// can't be used, or whose secrets are missing.
#[derive(Debug, Deserialize, TS)]
#[ts(export)]
pub struct Compare {
    /// The connection to look for.
    pub connection: Connection,
    /// As in [`AddIntegration`].
    #[serde(default)]
    #[ts(type = "Record<string, string>")]
    pub secrets: std::collections::BTreeMap<String, agentport_core::Secret>,
}

/// What [`Compare`] found.
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
    /// The name it is to have.
    pub name: Option<String>,
    /// All tags it is to have.
    pub tags: Option<Vec<String>>,
    /// `"allow"`, `"require_approval"`, `"deny"` or `"none"`.
    pub default_mode: Option<String>,
    /// Tools that say they only read run without asking.
    pub read_only_may_run: Option<bool>,
    /// Its resources and prompts are offered to agents.
    pub resources: Option<bool>,
    /// It is switched on.
    pub enabled: Option<bool>,
    /// True: the owner has seen what a client ran without asking, and it is no proposal any more.
    pub imported_settled: Option<bool>,
    /// Changes the environment of a local server, which is then started anew. 422 for any other.
    #[serde(skip_serializing)]
    pub env: Option<ChangeEnvironment>,
    /// How long a local server may be silent while it starts, 1 to 3,600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub startup_timeout_seconds: Option<u32>,
}

/// What changes in the environment of a local server. Variables that are not named stay as they are.
#[derive(Debug, Clone, Default, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export, optional_fields)]
pub struct ChangeEnvironment {
    /// Shown in settings, so for nothing secret.
    #[ts(as = "Option<std::collections::BTreeMap<String, String>>")]
    pub set: std::collections::BTreeMap<String, String>,
    /// Values that go to the vault and are never shown again.
    #[ts(type = "Record<string, string>", optional)]
    pub set_secret: std::collections::BTreeMap<String, agentport_core::Secret>,
    /// Variables to take away, secret or not.
    #[ts(as = "Option<Vec<String>>")]
    pub unset: Vec<String>,
}

impl ChangeEnvironment {
    /// The names alone, for records of the change.
    pub fn names(&self) -> Value {
        let names = self.set.keys().chain(self.set_secret.keys()).collect::<Vec<_>>();
        serde_json::json!({ "set": names, "unset": self.unset })
    }
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
    /// The upstream's title.
    pub title: Option<String>,
    /// The upstream's description.
    pub description: Option<String>,
    /// The upstream's hints.
    pub annotations: Annotations,
    /// What it does: as the owner classified it, or else as its annotations say.
    pub effect: ToolEffect,
    /// What the owner said it does, if the owner classified it.
    pub classification: Option<Classification>,
    /// The category it belongs to, where its integration has any.
    pub category: Option<String>,
    /// What any agent's call would get.
    pub mode: Mode,
    /// Why it would get that.
    pub reason: Reason,
    /// Digest of its definition as it is now.
    pub digest: DefinitionDigest,
    /// JSON Schema of its arguments.
    pub input_schema: Value,
    /// The schema cannot be checked: too large, or not compilable.
    pub unchecked: bool,
}

/// What the owner said that a tool does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Classification {
    /// What it does.
    pub effect: ToolEffect,
    /// The tool has changed since, so it counts as what it says of itself.
    pub outdated: bool,
}

/// `PUT /control/integrations/{id}/tools/effect` answers [`ToolView`].
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ClassifyTool {
    /// The tool as its upstream names it.
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
    /// When it was read.
    pub at: Timestamp,
    /// The line, its control characters escaped.
    pub text: String,
}

/// `GET /control/definitions/{digest}`: a tool's definition as it was, for one that has changed since.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DefinitionView {
    /// Its digest.
    pub digest: DefinitionDigest,
    /// The tool as MCP describes it.
    pub definition: Value,
}
