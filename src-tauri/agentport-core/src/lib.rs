//! The domain of AgentPort: rules ([`policy::Rule`], [`policy::decide`]), approvals and their states
//! ([`approval::Approval`]), the hash of a call's arguments ([`arguments`]), tool names and definitions ([`tool_names`],
//! [`tool`]), redaction of secrets ([`redact`]) and the type that holds them ([`Secret`]).
//!
//! Everything here is a pure function or plain data. Deliberately absent: I/O, async and a clock; callers pass the time in,
//! so that rules can be tested as tables.

#![warn(missing_docs)]

pub mod activity;
pub mod approval;
pub mod arguments;
pub mod audit;
mod error_chain;
pub mod ids;
pub mod json_rpc;
pub mod key;
pub mod mcp;
pub mod oauth_token;
pub mod outcome;
pub mod placeholder;
pub mod policy;
pub mod profile;
pub mod redact;
pub mod sanitize;
pub mod search;
pub mod secret;
pub mod summary;
pub mod time;
pub mod tool;
pub mod tool_names;
mod wire_words;

pub use error_chain::ErrorChain;
pub use ids::{AccountId, AgentId, ApprovalId, CallId, ConsentId, IntegrationId, RuleId, SignInId};
pub use secret::Secret;
pub use time::Timestamp;
