//! The AgentPort gateway: what stands between AI agents and the owner's accounts.
//!
//! Agents reach it over MCP and REST on loopback; every call goes through one pipeline (`call`). The owner reaches it
//! through [`control`]. It knows nothing of windows, trays or command lines.

pub mod clock;
pub mod control;
pub mod data_dir;
pub mod vault;

mod address;
mod agent_api;
mod agents;
mod approvals;
mod approve_page;
mod assets;
mod audit;
mod auth;
mod body;
mod builtin;
mod call;
mod caller;
mod catalogue;
mod directory;
mod events;
mod gateway;
mod housekeeping;
mod http;
mod installs;
mod integrations;
mod journal;
mod mcp;
mod not_found;
mod policy;
mod rest;
mod server;
mod settings;
mod shutdown;
mod store;
mod tool_schema;
mod upstream;

pub use assets::{Asset, Assets};
pub use control::exposure::ControlAccess;
pub use control::extension::{ControlExtension, ControlHandle};
pub use gateway::{Announcement, Gateway, Options, Port, StartError};
