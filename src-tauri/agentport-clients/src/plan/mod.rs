//! Plans: changes of a client's files, computed without writing anything. A dry run shows the plan that apply carries out.

mod bypass;
mod client_file;
mod connect;
mod consolidate;
mod diff;
mod disconnect;
mod fingerprint;
mod folder;
mod import;
mod mask;
mod mcp_remote;
mod names;
mod placeholder;
mod references;
mod secrets;
mod summary;
mod view;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use agentport_api::OAuthSettings;
use agentport_core::{IntegrationId, Secret};
use serde_json::{Map, Value};

use crate::{
    client::{Ineligible, Place},
    document::{EditError, ParseError},
    mcp_server::AutoApprove,
    types::{Choice, ConflictView, ConnectionMethod, LeftView, McpRemoteFate, PlanAction},
};

pub use bypass::BypassCounts;
pub use connect::{connect, reconnect};
pub use consolidate::{consolidate, imports};
pub use disconnect::disconnect;
pub(crate) use mask::SecretMask;
pub use placeholder::with_key;
pub use summary::ServerSummaries;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file does not parse.
    #[error("{path} does not parse")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: ParseError,
    },
    /// The edit could not be made.
    #[error("{path} cannot be edited")]
    Edit {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: EditError,
    },
    /// The file must not be changed.
    #[error("{path} is left alone")]
    Ineligible {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Ineligible,
    },
    /// The client does not support the connection method.
    #[error("{client} cannot be connected like that")]
    NoSuchWay {
        /// Display name of the client.
        client: String,
    },
    /// A foreign server has the name of AgentPort's entry.
    #[error("{client} has a server of its own called \"agentport\", which leads elsewhere")]
    NameTaken {
        /// Display name of the client.
        client: String,
    },
    /// The file contains the placeholder of the key.
    #[error(
        "{path} holds the text that AgentPort's plans have where a key will stand; take it out there, or connect through the bridge"
    )]
    HoldsPlaceholder {
        /// The file.
        path: PathBuf,
    },
}

/// A change of one file. Both sides whole; `None` where there is no file.
#[derive(Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Absolute, as the client names it.
    pub path: PathBuf,
    /// Where its links led when it was planned (see [`Place::target`]). Elsewhere nothing is written.
    pub target: PathBuf,
    /// Content the plan was made for.
    pub before: Option<Vec<u8>>,
    /// The file's permissions change as well.
    pub mode: Option<ModeChange>,
    /// May hold [`crate::KEY_PLACEHOLDER`], which stands for the key only where the plan says so ([`Plan::takes_key`]).
    pub after: Option<Vec<u8>>,
}

/// A change of a file's permission bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModeChange {
    /// Before.
    pub from: u32,
    /// After.
    pub to: u32,
}

impl ModeChange {
    /// Closes a file of this mode to other accounts; `None` where it is closed already.
    pub fn closing(mode: u32) -> Option<Self> {
        (mode & 0o077 != 0).then_some(Self { from: mode & 0o777, to: mode & 0o700 })
    }
}

/// A server that becomes an integration.
#[derive(Debug, Clone)]
pub struct PlannedImport {
    /// The name it has in the client.
    pub server: String,
    /// Id of the integration.
    pub id: IntegrationId,
    /// How the gateway starts or reaches it, with placeholders for secrets.
    pub launch: ImportLaunch,
    /// As in the client.
    pub enabled: bool,
    /// Limit of a call, if the client has one.
    pub timeout_seconds: Option<u32>,
    /// Limit of the start, if the client has one.
    pub startup_timeout_seconds: Option<u32>,
    /// Tools the client runs without asking: shown to the owner, never turned into rules.
    pub auto_approve: AutoApprove,
    /// Keys the gateway does not act on, without secrets.
    pub extra: Map<String, Value>,
    /// Values for the vault, by the name the launch has for each.
    pub secrets: BTreeMap<String, Secret>,
    /// What moves to the vault, in words: `env GITHUB_TOKEN`, `header Authorization`, `argument 3`.
    pub secret_words: Vec<String>,
    /// An integration that is the same already.
    pub merged: Option<IntegrationId>,
    /// What becomes of `mcp-remote`, where the entry starts it and the owner has a choice.
    pub mcp_remote: Option<McpRemoteFate>,
}

/// As the gateway's `Connection`: secrets are named, not held.
#[derive(Debug, Clone, PartialEq)]
pub enum ImportLaunch {
    /// A child process on stdio.
    Local {
        /// Program, by name or path.
        command: String,
        /// Those whose index is in `secret_args` hold `{token}`, `{token1}` … where the secret stood.
        args: Vec<String>,
        /// Indexes of the arguments with placeholders.
        secret_args: Vec<u32>,
        /// Variables without secrets, by name.
        env: BTreeMap<String, String>,
        /// Names of the variables whose values are in the vault.
        secret_env: Vec<String>,
        /// Working directory.
        cwd: Option<String>,
    },
    /// A server behind a URL.
    Remote {
        /// `{token}` … stand for secrets in its query and in header values.
        url: String,
        /// Headers by name, with placeholders for secrets.
        headers: BTreeMap<String, String>,
        /// How to sign in, where the entry says so.
        oauth: Option<Box<OAuthSettings>>,
    },
}

/// What is known of the gateway when a consolidation is planned.
#[derive(Debug, Clone, Default)]
pub struct KnownGateway {
    /// Ids in use, each with what it is in a few words.
    pub taken: BTreeMap<IntegrationId, String>,
    /// How a server (by its name in the client) differs from the integration that has its id, as a sentence without
    /// secrets.
    pub differs: BTreeMap<String, String>,
    /// Servers (by their name in the client) that are an integration already, secrets included.
    pub same: BTreeMap<String, IntegrationId>,
}

/// A complete plan. [`crate::apply::apply`] carries out the changes of its files.
#[derive(Clone)]
pub struct Plan {
    /// The kind of plan.
    pub what: PlanAction,
    /// The file it was made for.
    pub place: Place,
    /// Changes of files.
    pub files: Vec<FileChange>,
    /// Servers that become integrations.
    pub imports: Vec<PlannedImport>,
    /// Servers that stay in the client.
    pub left: Vec<LeftView>,
    /// Conflicts; while there are any, the plan cannot be applied.
    pub conflicts: Vec<ConflictView>,
    /// How the client will reach the gateway, where an entry is written or renewed; and the agent's name.
    pub key: Option<WantsKey>,
    /// The key goes into the client's file, in place of the one [`crate::KEY_PLACEHOLDER`] in it. In every other plan that
    /// text is the owner's own, and stays.
    pub takes_key: bool,
    /// Notes for the owner, as sentences.
    pub notes: Vec<String>,
    /// What stays past AgentPort in the file; absent for plans that take our entry out.
    pub bypass: Option<BypassCounts>,
}

/// The agent that an entry is written for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantsKey {
    /// `Cursor`, `Cursor (my-project)`.
    pub agent: String,
    /// How it gets in: by OAuth, or by a key that goes into the file or a variable.
    pub via: ConnectionMethod,
    /// By which the bridge finds its sign-in, or a key from before, in AgentPort's data directory.
    pub key_name: String,
}

/// What the owner wants of a consolidation.
#[derive(Debug, Clone, Default)]
pub struct ConsolidateWishes {
    /// Connection method; `None` chooses the best one.
    pub via: Option<ConnectionMethod>,
    /// Choices for taken ids, by the server's name.
    pub choices: BTreeMap<String, Choice>,
    /// Servers that stay in the client.
    pub keep: BTreeSet<String>,
    /// Entries of `mcp-remote` that are taken over as the programs they are.
    pub as_program: BTreeSet<String>,
}

/// Which entries of `mcp-remote` are taken over as programs; the others become the servers behind them.
#[derive(Debug, Clone, Copy)]
pub enum McpRemotePrograms<'a> {
    /// None.
    None,
    /// These, by name.
    Named(&'a BTreeSet<String>),
    /// Every one.
    All,
}

impl McpRemotePrograms<'_> {
    fn contains(self, server: &str) -> bool {
        match self {
            Self::None => false,
            Self::Named(names) => names.contains(server),
            Self::All => true,
        }
    }
}

impl Plan {
    /// Nothing would change, here or in the gateway.
    pub fn is_empty(&self) -> bool {
        let nothing_to_do = self.imports.is_empty() && self.conflicts.is_empty();
        nothing_to_do && self.files.iter().all(|file| file.before == file.after)
    }
}
