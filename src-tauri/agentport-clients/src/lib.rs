//! The config files of MCP clients: what is installed, which servers each client has, and how one entry is put in, a
//! whole list taken over, and everything brought back.
//!
//! What holds: a file is edited, never rewritten, so that everything but our change stays byte for byte; before a file
//! is touched for the first time the original is kept; what was planned is what is done, or nothing; and at any moment
//! either the old or the new file is there, whole. Nothing here speaks to a gateway: who does (`agentport-connect`)
//! passes in what is known of it.

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

/// Stands for the agent's key until the plan is carried out and the key is made. As long as a key, and none.
pub const KEY_PLACEHOLDER: &str = "ap_~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~";
