//! The control API on the wire: JSON types, paths and headers, and one client for them.
//!
//! The gateway serves these types under `/control`; the tray app, the setup use cases and the command line send and read
//! them through [`ControlClient`]. The TypeScript types of the front end are generated from them (ts-rs). Every list
//! answers `{"items": […]}` in the order it should be read. Every refusal answers [`Problem`] with a 4xx or 5xx status.
//!
//! Deliberately absent: I/O. A [`Transport`] is supplied by the program: in process on the desktop, loopback HTTP in the
//! command line.

#![warn(missing_docs)]

mod accounts;
mod activity;
mod agents;
mod approvals;
mod audit;
mod backup;
mod client;
mod connection;
mod directory;
mod events;
pub mod headers;
mod imports;
mod integrations;
mod launch;
mod login;
mod oauth_settings;
pub mod paths;
mod policy;
mod second_factor;
mod settings;
mod status;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use self::{
    accounts::*, activity::*, agents::*, approvals::*, audit::*, backup::*, client::*,
    connection::*, directory::*, events::*, imports::*, integrations::*, launch::*, login::*,
    oauth_settings::*, policy::*, second_factor::*, settings::*, status::*,
};

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
    /// A word to branch on, where a program has something to do about it: `confirmation_needed`, `code_needed`,
    /// `not_running`, `token_needed`, `command_not_accepted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub code: Option<String>,
    /// With `token_needed`: where the token goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub token: Option<Box<TokenPlace>>,
    /// With `command_not_accepted`: the command that would run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub command: Option<Box<str>>,
}

impl Problem {
    /// A problem that is a sentence and nothing else.
    pub fn new(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), field: None, code: None, token: None, command: None }
    }
}

/// The header in which a server wants its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TokenPlace {
    /// Its name, such as `Authorization`.
    pub header: String,
    /// Its value, with `{token}` where the token goes, such as `Bearer {token}`.
    pub format: String,
}

/// How lists are answered.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Items<T> {
    /// In the order they should be read.
    pub items: Vec<T>,
}
