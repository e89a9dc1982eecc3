//! What would be done, worked out without touching anything. The dry run shows a plan, and carrying it out does exactly
//! that plan.

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

use agentport_core::{IntegrationId, Secret};
use serde_json::{Map, Value};

use crate::{
    client::{Ineligible, Place},
    document::{EditError, ParseError},
    mcp_server::AutoApprove,
    types::{Choice, ConflictView, ConnectionMethod, LeftView, PlanAction},
};

pub use bypass::Bypass;
pub use connect::{connect, reconnect};
pub use consolidate::{consolidate, imports};
pub use disconnect::disconnect;
pub(crate) use mask::Mask;
pub use placeholder::with_key;
pub use summary::Summaries;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("{path} does not parse")]
    Parse {
        path: PathBuf,
        #[source]
        source: ParseError,
    },
    #[error("{path} cannot be edited")]
    Edit {
        path: PathBuf,
        #[source]
        source: EditError,
    },
    #[error("{path} is left alone")]
    Ineligible {
        path: PathBuf,
        #[source]
        source: Ineligible,
    },
    #[error("{client} cannot be connected like that")]
    NoSuchWay { client: String },
    #[error("{client} has a server of its own called \"agentport\", which leads elsewhere")]
    NameTaken { client: String },
    #[error(
        "{path} holds the text that AgentPort's plans have where a key will stand; take it out there, or connect through the bridge"
    )]
    HoldsPlaceholder { path: PathBuf },
}

/// A change of one file. Both sides whole; `None` where there is no file.
#[derive(Clone, PartialEq, Eq)]
pub struct FileChange {
    pub path: PathBuf,
    /// Where its links led when it was planned (see [`Place::target`]). Elsewhere nothing is written.
    pub target: PathBuf,
    pub before: Option<Vec<u8>>,
    /// The file's permissions change as well.
    pub mode: Option<ModeChange>,
    /// May hold [`crate::KEY_PLACEHOLDER`], which stands for the key only where the plan says so ([`Plan::takes_key`]).
    pub after: Option<Vec<u8>>,
}

/// A change of a file's permission bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModeChange {
    pub from: u32,
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
pub struct Import {
    /// The name it has in the client.
    pub server: String,
    pub id: IntegrationId,
    pub launch: ImportLaunch,
    pub enabled: bool,
    pub timeout_seconds: Option<u32>,
    pub startup_timeout_seconds: Option<u32>,
    pub auto_approve: AutoApprove,
    /// Keys the gateway does not act on, without secrets.
    pub extra: Map<String, Value>,
    /// Values for the vault, by the name the launch has for each.
    pub secrets: BTreeMap<String, Secret>,
    /// What moves to the vault, in words: `env GITHUB_TOKEN`, `header Authorization`, `argument 3`.
    pub secret_words: Vec<String>,
    /// An integration that is the same already.
    pub merged: Option<IntegrationId>,
}

/// As the gateway's `Connection`: secrets are named, not held.
#[derive(Debug, Clone, PartialEq)]
pub enum ImportLaunch {
    Local {
        command: String,
        /// Those whose index is in `secret_args` hold `{token}`, `{token1}` … where the secret stood.
        args: Vec<String>,
        secret_args: Vec<u32>,
        env: BTreeMap<String, String>,
        secret_env: Vec<String>,
        cwd: Option<String>,
    },
    Remote {
        /// `{token}` … stand for secrets in its query and in header values.
        url: String,
        headers: BTreeMap<String, String>,
    },
}

/// What is known of the gateway when a consolidation is planned.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Ids in use, each with what it is in a few words.
    pub taken: BTreeMap<IntegrationId, String>,
    /// How a server (by its name in the client) differs from the integration that has its id, as a sentence without
    /// secrets.
    pub differs: BTreeMap<String, String>,
    /// Servers (by their name in the client) that are an integration already, secrets included.
    pub same: BTreeMap<String, IntegrationId>,
}

#[derive(Clone)]
pub struct Plan {
    pub what: PlanAction,
    pub place: Place,
    pub files: Vec<FileChange>,
    pub imports: Vec<Import>,
    pub left: Vec<LeftView>,
    pub conflicts: Vec<ConflictView>,
    /// How the client will reach the gateway, where a key is to be made; and the agent's name.
    pub key: Option<WantsKey>,
    /// The key goes into the client's file, in place of the one [`crate::KEY_PLACEHOLDER`] in it. In every other plan that
    /// text is the owner's own, and stays.
    pub takes_key: bool,
    pub notes: Vec<String>,
    /// What stays past AgentPort in the file; absent for plans that take our entry out.
    pub bypass: Option<Bypass>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantsKey {
    /// `Cursor`, `Cursor (my-project)`.
    pub agent: String,
    pub via: ConnectionMethod,
    pub key_name: String,
}

/// What the owner wants of a consolidation.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    pub via: Option<ConnectionMethod>,
    pub choices: BTreeMap<String, Choice>,
    pub keep: BTreeSet<String>,
}

impl Plan {
    /// Nothing would change, here or in the gateway.
    pub fn is_empty(&self) -> bool {
        let nothing_to_do = self.imports.is_empty() && self.conflicts.is_empty();
        nothing_to_do && self.files.iter().all(|file| file.before == file.after)
    }
}
