//! What the owner's plane says and hears, as JSON. The TypeScript types of the front end are made from these.
//!
//! Every list answers `{"items": […]}` in the order it should be read. Every refusal answers [`Problem`].

mod agents;
mod approvals;
mod available;
mod backup;
mod integrations;
mod policy;
mod record;
mod second_factor;
mod session;
mod settings;
mod status;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use self::{
    agents::*, approvals::*, available::*, backup::*, integrations::*, policy::*, record::*,
    second_factor::*, session::*, settings::*, status::*,
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
    /// `not_running`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub code: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Items<T> {
    pub items: Vec<T>,
}
