//! The AgentPort gateway: lets AI agents act on the owner's accounts, by rules and with the owner's approval.
//!
//! [`Gateway::start`] opens the data directory, binds loopback and serves two APIs: the agent API (MCP and REST, `mcp` and
//! `rest`) and the control API ([`control`]), through which the owner decides and configures. The program that starts it
//! passes [`Options`]; the crate knows nothing of windows, trays or command lines. Its layers, and which module may use
//! which, are in `src-tauri/docs/architecture.md` §3.
//!
//! The path of a call, with the module of each step:
//!
//! ```text
//!  agent ── POST /mcp ──► http (accept, Host and Origin) ──► auth (key → agent, profile)
//!    │                                                            │
//!    │                                     mcp, rest (parse the request into call::Request)
//!    │                                                            ▼
//!    │          call::CallPipeline   admit (pause, schema, limits) → resolve (visible tool)
//!    │                                                            │
//!    │                               policy::PolicyStore (core::policy::decide over the rules)
//!    │                                    │ deny            │ allow             │ ask
//!    │◄──────────── refused, recorded ────┘                 │                   ▼
//!    │                                                      │   approvals ── events ──► window, tray, control
//!    │                                                      │        │ owner decides (control API)
//!    │                                                      ▼        ▼ ApprovedCall, checked again
//!    │                               call::dispatch   journal begin → Permit
//!    │                                                            │
//!    │                               upstream (actor's session), builtin or installs
//!    │                                                            │
//!    │◄── response ── mcp, rest ◄── journal end ◄── scrub own secrets ◄── result
//! ```
//!
//! The main types: `CallPipeline` and `Permit` (`call`), `Approvals`, `PolicyStore`, `Catalogue` (tools of the installed
//! integrations), `UpstreamRegistry`, `Integrations`, `Store` (SQLite), `Journal` (activity), [`vault`] (secrets).

pub mod clock;
pub mod control;
pub mod data_dir;
pub mod logging;
pub mod vault;

mod accounts;
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
mod imports;
mod installs;
mod integrations;
mod journal;
mod launch;
mod mcp;
mod oauth_server;
mod policy;
mod rest;
mod settings;
mod shutdown;
mod sign_ins;
mod store;
mod tool_schema;
mod upstream;

pub use self::{
    address::external_origin,
    control::{
        exposure::ControlAccess,
        extension::{ControlExtension, ControlHandle},
    },
    gateway::{Announcement, ExternalAccess, Gateway, Options, Port, StartError},
    http::assets::{Asset, Assets},
};
