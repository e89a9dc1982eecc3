//! The domain of AgentPort: what a call is, what the owner's rules make of it, and how an approval lives.
//!
//! Everything here is a pure function or plain data. There is no I/O, no async and no clock: the caller
//! passes the time in. That is what lets the rules be tested as tables, and read in one sitting.

pub mod approval;
pub mod arguments;
mod error_chain;
pub mod ids;
pub mod json_rpc;
pub mod key;
pub mod outcome;
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

pub use error_chain::ErrorChain;
pub use ids::{AgentId, ApprovalId, CallId, IntegrationId, RuleId};
pub use secret::Secret;
pub use time::Timestamp;
