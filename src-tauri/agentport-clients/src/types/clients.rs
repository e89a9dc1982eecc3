//! Views of clients and their files.

use agentport_core::{AgentId, Timestamp};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `GET /control/clients[?folder=/abs/path]` → Items<ClientView>: every client we know, those found first. `folder` adds
/// the project files of that folder.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ClientView {
    /// `claude-desktop`, `cursor` …
    pub id: String,
    /// Display name.
    pub name: String,
    /// It seems to be installed: one of its files, folders or programs is there.
    pub found: bool,
    /// URLs of the documentation its facts were taken from.
    pub sources: Vec<String>,
    /// It speaks Streamable HTTP; otherwise it starts `agentport bridge`.
    pub speaks_http: bool,
    /// It signs in by OAuth, so that it needs the URL alone.
    #[serde(default)]
    pub signs_in: bool,
    /// What the person has to do before the client uses a changed file, as a sentence; absent if it reloads by itself.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<String>,
    /// Its files: the user's first, then those of projects.
    pub files: Vec<FileView>,
    /// Servers the client still reaches without AgentPort, over all of its files; absent where there are none.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bypassing: Option<BypassView>,
}

/// Servers that a client reaches without AgentPort.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BypassView {
    /// Enabled servers that are not AgentPort's entry.
    pub servers: u32,
    /// Plain-text secrets in the entries of such servers.
    pub secrets_in_clear: u32,
    /// Both counts as a sentence, the same in window, CLI and `doctor`: `2 servers of Cursor still bypass AgentPort (2 secrets in clear).`
    pub sentence: String,
}

/// One file of a client's.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FileView {
    /// Absolute.
    pub path: String,
    /// Whether it applies to the user or to a project.
    pub scope: FileScope,
    /// What was found in it.
    pub state: FileState,
    /// Our entry, where there is one.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<Connected>,
    /// There is a kept original that differs from what is there now.
    pub can_restore: bool,
}

/// What a file of a client applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FileScope {
    /// For everything the client does.
    User,
    /// For one folder.
    Project,
}

/// What was found in a file of a client.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
#[ts(export)]
pub enum FileState {
    /// The file does not exist.
    Missing,
    /// It parses.
    Readable {
        /// Its servers, in the order of the file.
        servers: Vec<ServerView>,
    },
    /// The file does not parse, and is not changed.
    Broken {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// It cannot be read, or AgentPort refuses to change it: a project's file that links out of the project, or one
    /// with too many servers (see [`crate::client::Ineligible`]).
    Unreadable {
        /// Why, as a sentence.
        message: String,
    },
}

/// A server in a file of a client.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ServerView {
    /// Name of its entry.
    pub name: String,
    /// The command line or the URL, cut and without secrets.
    pub summary: String,
    /// The client does not use it now.
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
    /// The entry's connection method.
    pub via: ConnectionMethod,
    /// The entry points to this gateway (its port or its data directory).
    pub current: bool,
    /// The agent whose key the entry holds, if the key is known and valid; or the one the client or its bridge signed in
    /// as.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// How it gets in without a key; absent for an entry with one.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<SignInStatus>,
    /// The key in the file that the client does not need, since it signs in by OAuth.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unneeded_key: Option<UnneededKey>,
    /// Its first and its last call.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_call_at: Option<Timestamp>,
    /// Time of the agent's last request.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// How many tools its last `tools/list` had, since the gateway started.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools_listed: Option<u32>,
}

/// Where an entry without a key is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SignInStatus {
    /// It is signed in. Not known, and `false`, where no gateway was asked.
    pub signed_in: bool,
    /// The same as a sentence, with the next step, the same in window, CLI and `doctor`.
    pub sentence: String,
}

/// A key that lies in the file of a client that can sign in by OAuth. Connecting it by
/// [`ConnectionMethod::OAuth`] takes the key out and revokes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct UnneededKey {
    /// The agent that the client has signed in as already, by name.
    #[ts(optional)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in_as: Option<String>,
    /// What can be done about it, as a sentence, the same in window, CLI and `doctor`.
    pub sentence: String,
}

/// How a client reaches the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ConnectionMethod {
    /// The URL alone: the client signs in by OAuth at its first use.
    #[serde(rename = "oauth")]
    OAuth,
    /// The URL, with its key in the client's file.
    Http,
    /// The URL, with its key in an environment variable that the file refers to.
    HttpEnvironment,
    /// `agentport bridge`, which the client starts. It signs in by OAuth at its first use, unless it has a key from
    /// before; what lets it in is kept in AgentPort's data directory.
    Bridge,
}

impl ConnectionMethod {
    /// Does the entry hold the gateway's URL?
    pub fn has_url(self) -> bool {
        self != Self::Bridge
    }

    /// Is a key made for it?
    pub fn has_key(self) -> bool {
        matches!(self, Self::Http | Self::HttpEnvironment)
    }
}
