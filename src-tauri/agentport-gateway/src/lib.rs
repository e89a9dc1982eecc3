//! The AgentPort gateway: what stands between AI agents and the owner's accounts.
//!
//! Agents reach it over MCP and REST on loopback; every call goes through the one door (`call`). The owner reaches it
//! through [`control`]. It knows nothing of windows, trays or command lines.

pub mod clock;
pub mod control;
pub mod data_dir;
pub mod vault;

mod agents;
mod approvals;
mod approve_page;
mod assets;
mod audit;
mod body;
mod builtin;
mod call;
mod catalogue;
mod directory;
mod engine;
mod events;
mod gateway;
mod http;
mod integrations;
mod journal;
mod mcp;
mod past_rules;
mod rest;
mod server;
mod sessions;
mod store;
mod upstream;

pub use assets::{Asset, Assets};
pub use control::extension::{ControlExtension, ControlHandle};
pub use gateway::{Announcement, ControlAccess, Gateway, Options, Port, StartError};
