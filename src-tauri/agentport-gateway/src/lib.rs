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
mod audit;
mod auth;
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
mod policy;
mod rest;
mod settings;
mod shutdown;
mod store;
mod tool_schema;
mod upstream;

pub use self::{
    control::{
        exposure::ControlAccess,
        extension::{ControlExtension, ControlHandle},
    },
    gateway::{Announcement, Gateway, Options, Port, StartError},
    http::assets::{Asset, Assets},
};
