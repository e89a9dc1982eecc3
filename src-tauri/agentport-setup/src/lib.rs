//! The use cases "connect", "consolidate", "disconnect" and "restore" an MCP client: its config files on one side, the
//! gateway's keys and integrations on the other.
//!
//! [`control_extension`] adds them to the control API as `/control/clients`. [`Installation`] does without a gateway what
//! needs none: listing every client's files, planning, and restoring an original. A plan ([`PreparedPlan`]) is made first,
//! shown to the owner and kept for some minutes, checked again against the gateway, and then applied whole or not at all.
//!
//! Invariants:
//! - What is applied is the plan that was shown, or nothing.
//! - Everything the gateway can refuse (a key, an integration, for want of a one-time code or because an id is taken) is
//!   asked of it before a file is written; what was made for a file that could not be written is rolled back.
//! - A secret moves from a client's file to the vault and is in no response.
//! - A client that signs in by OAuth, and a bridge, get no key; a key they have is used until the owner replaces it.

mod agents;
mod apply;
mod blocking;
pub mod bridge_sign_in;
mod cli_path;
mod control;
mod entries;
mod error;
mod installation;
mod integrations;
mod keys;
mod plan_store;
mod prepare;
mod recheck;
mod routes;
mod servers;
mod sign_ins;
mod starts;
mod view;

pub use agents::bridge_key_file;
pub use cli_path::cli_path;
pub use control::{GatewayError, InProcessError};
pub use error::SetupError;
pub use installation::Installation;
pub use prepare::PreparedPlan;
pub use recheck::StalePlan;
pub use routes::control_extension;
