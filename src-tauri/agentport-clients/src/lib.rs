//! The configuration files of MCP clients (Claude Desktop, Cursor, …): finds them, plans changes, applies and reverts them.
//!
//! The steps, each with its main types:
//! 1. [`discover`] reads which clients are installed and which servers each has ([`client::Client`],
//!    [`client::Place`], [`mcp_server::McpServer`]);
//! 2. [`plan`] computes a [`plan::Plan`] without writing anything: connect, disconnect, consolidate (move the client's
//!    servers to the gateway) or restore;
//! 3. [`apply`] carries a plan out, and [`backups::Backups`] keeps the original of every file it changes.
//!
//! Below them, [`document`] edits JSON, TOML and YAML in place, [`entry`] translates between a client's entry and a
//! server, and [`atomic_write`] replaces files. [`types`] are the JSON views of all this for the control API.
//!
//! Guarantees: a file is edited, never rewritten, so all bytes but our change stay; the original is kept before the first
//! change; a plan is applied exactly as it was shown or not at all; at any moment the old or the new file is there, whole.
//!
//! Deliberately absent: the gateway. `agentport-setup` joins the two and passes in what a plan must know of it.

#![warn(missing_docs)]

pub mod apply;
pub mod atomic_write;
pub mod backups;
pub mod client;
pub mod discover;
pub mod document;
pub mod entry;
pub mod mcp_server;
pub mod plan;
pub mod types;

/// Placeholder of the agent's key in a plan; replaced when the plan is applied and the key is created. It has the length
/// of a key and is not a valid one.
pub const KEY_PLACEHOLDER: &str = "ap_~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~";
