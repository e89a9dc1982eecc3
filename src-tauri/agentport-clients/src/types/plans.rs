//! Views of plans and of what applying one did.

use std::collections::BTreeMap;

use agentport_core::IntegrationId;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{BypassView, ConnectionMethod};

/// The kinds of plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum PlanAction {
    /// Insert AgentPort's entry.
    Connect,
    /// Remove AgentPort's entry.
    Disconnect,
    /// Move the client's servers to the gateway, and insert AgentPort's entry.
    Consolidate,
    /// Bring the kept original back.
    Restore,
}

/// `POST /control/clients/{id}/plan` → [`PlanView`]. Changes nothing. 404 for an unknown client, 409 where there is
/// nothing to do it with or the file is left alone (`detail` says what), 422 for a file that does not parse (`detail`
/// has line and column) and for a path that is not absolute and plain.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PlanRequest {
    /// The kind of plan.
    pub what: PlanAction,
    /// Absolute path of one of its files; its first user file if absent.
    #[ts(optional)]
    #[serde(default)]
    pub path: Option<String>,
    /// Connect and consolidate: the transport; absent chooses the best one for the client.
    #[ts(optional)]
    #[serde(default)]
    pub via: Option<ConnectionMethod>,
    /// Consolidate: what to do with a name that is taken by something else, by the server's name.
    #[serde(default)]
    pub choices: BTreeMap<String, Choice>,
    /// Consolidate: servers that are to stay in the client.
    #[serde(default)]
    pub keep: Vec<String>,
    /// Consolidate: entries of `mcp-remote` that are to be taken over as the programs they are, not as the servers behind
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<String>>", optional)]
    pub as_program: Vec<String>,
    /// Restore: also remove the integrations that the consolidation added and nobody else uses.
    #[serde(default)]
    pub remove_integrations: bool,
    /// Restore: what to do where both changed the same lines. Absent: the conflicts are shown, and nothing is done.
    #[ts(optional)]
    #[serde(default)]
    pub on_conflict: Option<OnConflict>,
}

/// What to do with a server whose id is taken by another integration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "choice", rename_all = "snake_case")]
#[ts(export)]
pub enum Choice {
    /// Take it over under another id.
    Rename {
        /// The other id.
        id: IntegrationId,
    },
    /// Keep the integration there is; the client's own entry goes (and stays in the kept original).
    UseExisting,
    /// Leave this one in the client.
    KeepInClient,
}

/// Which side wins where a restore and later edits changed the same lines.
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
    /// The kind of plan.
    pub what: PlanAction,
    /// Id of the client.
    pub client: String,
    /// Its display name.
    pub client_name: String,
    /// Changes of files.
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
    /// The agent that signed in by OAuth and is shut out.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signs_out: Option<String>,
    /// Integrations that are removed (restore).
    pub removes: Vec<IntegrationId>,
    /// Further notes for the owner, as sentences.
    pub notes: Vec<String>,
    /// What the person has to do before the client uses the changed file, as a sentence.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<String>,
    /// Connect and consolidate: servers of this file that will still bypass AgentPort; absent where none will.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bypassing: Option<BypassView>,
    /// Nothing would change.
    pub is_empty: bool,
}

/// The change of one file.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FileChangeView {
    /// Absolute.
    pub path: String,
    /// The file that is written, where `path` is a link to it or lies behind one.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The file is created or deleted rather than changed.
    pub is_new: bool,
    /// The file is deleted.
    pub is_removed: bool,
    /// Change of the file's permission bits: restricted to its owner, or back as it was.
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
    /// Before.
    pub from: String,
    /// After.
    pub to: String,
}

/// A server that becomes an integration.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImportView {
    /// The name it has in the client.
    pub server: String,
    /// Id of the integration.
    pub id: IntegrationId,
    /// The command line or the URL, whole, on one line.
    pub summary: String,
    /// What will be started, word by word and never cut; absent for a URL. `{token}`, `{token1}` … stand for secrets, and
    /// what cannot be seen is written out (`\n`, `\u{202e}`), as in all of the following.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Arguments, with placeholders for secrets.
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
    /// What becomes of `mcp-remote`, where the entry starts it and [`PlanRequest::as_program`] is a choice.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp_remote: Option<McpRemoteFate>,
    /// The integration will be enabled, as the server is in the client.
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

/// What becomes of an entry that starts `mcp-remote`, a program that passes messages on to a remote server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum McpRemoteFate {
    /// AgentPort reaches the server itself.
    Server,
    /// The program is started as it is.
    Program,
}

/// An environment variable of a server that comes along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct VariableView {
    /// Its name.
    pub name: String,
    /// `null` for a secret, which goes to the vault.
    pub value: Option<String>,
}

/// A server that stays in the client.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LeftView {
    /// Its name.
    pub server: String,
    /// Why, as a sentence.
    pub why: String,
}

/// A conflict the owner has to settle before the plan can be applied.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ConflictView {
    /// An integration of this id is something else.
    Name {
        /// The server's name in the client.
        server: String,
        /// The id both would have.
        id: IntegrationId,
        /// The existing integration, in short.
        here: String,
        /// The client's server, in short.
        there: String,
        /// What differs, as a sentence, where the two lines do not tell: a secret, a variable, a folder.
        #[ts(optional)]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        differs: Option<String>,
        /// A free id to take instead.
        suggestion: IntegrationId,
    },
    /// Both the file and what is to be restored changed the same lines; both are shown.
    Lines {
        /// Absolute.
        path: String,
        /// Both versions of the lines, with conflict markers.
        text: String,
    },
}

/// What was done.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Applied {
    /// Absolute paths of the files that were written.
    pub files: Vec<String>,
    /// Integrations that were added.
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
    /// What the person has to do before the client uses the changed file, as a sentence.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<String>,
    /// Notes for the owner, as sentences.
    pub notes: Vec<String>,
}

/// An integration that was added and whose first connect failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FailedStart {
    /// The integration.
    pub id: IntegrationId,
    /// Why, as its health says it.
    pub reason: String,
}

/// An environment variable the person has to set, with the agent's key. `Debug` does not show the key.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct EnvironmentView {
    /// Name of the variable.
    pub variable: String,
    /// The key, shown only in this response.
    pub key: String,
}

impl std::fmt::Debug for EnvironmentView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnvironmentView").field("variable", &self.variable).finish_non_exhaustive()
    }
}
