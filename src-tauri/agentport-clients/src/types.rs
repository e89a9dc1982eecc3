//! What screens and the command line are told. JSON on the wire, TypeScript in the pages; no secret stands in any of it.

use agentport_core::{AgentId, IntegrationId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// `GET /control/clients[?folder=/abs/path]` → Items<ClientView>: every client we know, those found first. `folder` adds
/// the project files of that folder.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ClientView {
    /// `claude-desktop`, `cursor` …
    pub id: String,
    pub name: String,
    /// There are signs of it on this machine.
    pub found: bool,
    /// Where its own documentation says how it is configured.
    pub sources: Vec<String>,
    /// It speaks Streamable HTTP; otherwise it starts `agentport bridge`.
    pub speaks_http: bool,
    /// What has to be done for a change to count, as a sentence; absent where it notices by itself.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<String>,
    /// Its files: the user's first, then those of projects.
    pub files: Vec<FileView>,
    /// What it does past AgentPort, over all of its files; absent where there is nothing.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bypassing: Option<BypassView>,
}

/// Servers that a client reaches without AgentPort.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BypassView {
    /// Servers of its own that are switched on.
    pub servers: u32,
    /// Secrets of its servers that are in its files in clear.
    pub secrets_in_clear: u32,
    /// The two in words, as every surface shows it: `2 servers of Cursor still bypass AgentPort (2 secrets in clear).`
    pub sentence: String,
}

/// One file of a client's.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FileView {
    /// Absolute.
    pub path: String,
    pub scope: FileScope,
    pub state: FileState,
    /// Our entry, where there is one.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<Connected>,
    /// There is a kept original that differs from what is there now.
    pub can_restore: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FileScope {
    /// For everything the client does.
    User,
    /// For one folder.
    Project,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
#[ts(export)]
pub enum FileState {
    /// Not there (yet).
    Missing,
    Readable {
        servers: Vec<ServerView>,
    },
    /// It does not parse. Left alone.
    Broken {
        line: usize,
        column: usize,
        message: String,
    },
    /// It cannot be read at all, or is left alone: a project's file that leads out of the project, a list of servers
    /// longer than anybody's.
    Unreadable {
        message: String,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ServerView {
    pub name: String,
    /// The command line or the URL, cut and without secrets.
    pub summary: String,
    pub disabled: bool,
    /// It is our own entry.
    pub ours: bool,
    /// Other places with the same definition: `Cursor: github`. At most eight, and then `3 more places`.
    pub same_as: Vec<String>,
}

/// Our entry in a client's file.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Connected {
    pub via: ConnectionMethod,
    /// It leads to this gateway: its port, or its home.
    pub current: bool,
    /// The agent whose key it shows, if that is known and in force.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// Its first and its last call.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_call_at: Option<Timestamp>,
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// How many tools its last `tools/list` had, since the gateway started.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools_listed: Option<u32>,
}

/// How a client reaches the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ConnectionMethod {
    /// The URL, with its key in the client's file.
    Http,
    /// The URL, with its key in an environment variable that the file refers to.
    HttpEnvironment,
    /// `agentport bridge`, which the client starts; the key lies with AgentPort.
    Bridge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum PlanAction {
    Connect,
    Disconnect,
    Consolidate,
    Restore,
}

/// `POST /control/clients/{id}/plan` → [`PlanView`]. Changes nothing. 404 for an unknown client, 409 where there is
/// nothing to do it with or the file is left alone (`detail` says what), 422 for a file that does not parse (`detail`
/// has line and column) and for a path that is not absolute and plain.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PlanRequest {
    pub what: PlanAction,
    /// Which of its files; its first user file, if absent.
    #[ts(optional)]
    #[serde(default)]
    pub path: Option<String>,
    /// Connect and consolidate: absent takes what suits the client best.
    #[ts(optional)]
    #[serde(default)]
    pub via: Option<ConnectionMethod>,
    /// Consolidate: what to do with a name that is taken by something else, by the server's name.
    #[serde(default)]
    pub choices: BTreeMap<String, Choice>,
    /// Consolidate: servers that are to stay in the client.
    #[serde(default)]
    pub keep: Vec<String>,
    /// Restore: also remove the integrations that the consolidation added and nobody else uses.
    #[serde(default)]
    pub remove_integrations: bool,
    /// Restore: what to do where both changed the same lines. Absent: the conflicts are shown, and nothing is done.
    #[ts(optional)]
    #[serde(default)]
    pub on_conflict: Option<OnConflict>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "choice", rename_all = "snake_case")]
#[ts(export)]
pub enum Choice {
    /// Take it over under another id.
    Rename { id: IntegrationId },
    /// Keep the integration there is; the client's own entry goes (and stays in the kept original).
    UseExisting,
    /// Leave this one in the client.
    KeepInClient,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum OnConflict {
    /// The kept original wins where both changed the same lines.
    TakeOriginal,
    /// What is there now wins.
    KeepCurrent,
}

/// What would be done. `POST /control/clients/plans/{id}/apply` → [`Applied`] does exactly this: 409 if a file changed in
/// between or the plan is too old (15 minutes) and has to be made anew, 422 while something is to be chosen.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PlanView {
    /// Empty for a plan that was made without a gateway and can only be looked at.
    pub id: String,
    pub what: PlanAction,
    pub client: String,
    pub client_name: String,
    pub files: Vec<FileChangeView>,
    /// Servers that become integrations.
    pub imports: Vec<ImportView>,
    /// Servers that stay where they are, and why.
    pub left: Vec<LeftView>,
    /// What the owner has to choose before it can be carried out.
    pub conflicts: Vec<ConflictView>,
    /// The agent that gets a key, where one is made.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub makes_key_for: Option<String>,
    /// The agent whose key is revoked.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revokes_key_of: Option<String>,
    /// Integrations that are removed (restore).
    pub removes: Vec<IntegrationId>,
    /// What else to know, as sentences.
    pub notes: Vec<String>,
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<String>,
    /// Connect and consolidate: what stays past AgentPort in this file; absent where nothing does.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bypassing: Option<BypassView>,
    /// Nothing would change.
    pub is_empty: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FileChangeView {
    pub path: String,
    /// The file that is written, where `path` is a link to it or lies behind one.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Made, or taken away again, rather than changed.
    pub is_new: bool,
    pub is_removed: bool,
    /// The file is closed to other accounts, or opened again as it was.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ModeView>,
    /// Unified, three lines of context, with secrets masked. Empty where nothing changes. Begins with `old mode` and
    /// `new mode` lines where the mode changes.
    pub diff: String,
}

/// A change of a file's permission bits, in octal: `0644`, `0600`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ModeView {
    pub from: String,
    pub to: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportView {
    /// The name it has in the client.
    pub server: String,
    pub id: IntegrationId,
    /// The command line or the URL, whole, on one line.
    pub summary: String,
    /// What will be started, word by word and never cut; absent for a URL. `{token}`, `{token1}` … stand for secrets, and
    /// what cannot be seen is written out (`\n`, `\u{202e}`), as in all of the following.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    #[serde(default)]
    pub args: Vec<String>,
    /// The variables it is started with beside AgentPort's few, by name.
    #[serde(default)]
    pub env: Vec<VariableView>,
    /// The folder it is started in; absent for one of AgentPort's.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The same is an integration already, and is used.
    pub merged: bool,
    pub enabled: bool,
    /// What moves to the vault: `env GITHUB_TOKEN`, `header Authorization`, `argument 3`.
    pub secrets: Vec<String>,
    /// Tools the client ran without asking: a proposal, no rule.
    pub auto_approve: Vec<String>,
    /// It ran all of them without asking.
    pub auto_approve_all: bool,
    /// Keys that are kept with the integration although the gateway does not act on them.
    pub unknown: Vec<String>,
}

/// An environment variable of a server that comes along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct VariableView {
    pub name: String,
    /// `null` for a secret, which goes to the vault.
    pub value: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LeftView {
    pub server: String,
    pub why: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ConflictView {
    /// An integration of this id is something else.
    Name {
        server: String,
        id: IntegrationId,
        here: String,
        there: String,
        /// What differs, as a sentence, where the two lines do not tell: a secret, a variable, a folder.
        #[ts(optional)]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        differs: Option<String>,
        /// A free id to take instead.
        suggestion: IntegrationId,
    },
    /// Both the file and what is to be restored changed the same lines; both are shown.
    Lines { path: String, text: String },
}

/// What was done.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Applied {
    pub files: Vec<String>,
    pub added: Vec<IntegrationId>,
    /// Of those, the ones that did not start. The client should not be restarted before they are mended or the original
    /// is restored.
    #[serde(default)]
    pub failed: Vec<FailedStart>,
    /// Of those, the ones that were still starting when the answer was given.
    #[serde(default)]
    pub starting: Vec<IntegrationId>,
    /// Connect and consolidate: what stays past AgentPort in this file.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bypassing: Option<BypassView>,
    /// What an [`ConnectionMethod::HttpEnvironment`] entry needs: the variable and its value, shown this once.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentView>,
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<String>,
    pub notes: Vec<String>,
}

/// An integration that was added and whose first connect failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FailedStart {
    pub id: IntegrationId,
    /// Why, as its health says it.
    pub reason: String,
}

#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct EnvironmentView {
    pub variable: String,
    pub key: String,
}

impl std::fmt::Debug for EnvironmentView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnvironmentView").field("variable", &self.variable).finish_non_exhaustive()
    }
}

/// `GET /control/clients/backups[?client=id]` → Items<BackupView>, newest first.
/// `POST /control/clients/backups/verify` → the same, checked. `DELETE /control/clients/backups[?older_than_days=N]`
/// drops those that are neither pinned nor the newest of their file → Pruned.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BackupView {
    pub id: i64,
    pub client: String,
    pub path: String,
    pub taken_at: Timestamp,
    /// SHA-256 of the content; absent where there was no file.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    #[ts(type = "number")]
    pub bytes: u64,
    /// The original from before our first touch. Never dropped while the client is connected.
    pub pinned: bool,
    pub what: PlanAction,
    /// Verified: it is there, and it is what it was.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intact: Option<bool>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Pruned {
    pub dropped: u32,
    #[ts(type = "number")]
    pub bytes: u64,
}
