//! Local MCP servers: child processes that speak JSON-RPC on standard input and output (MCP 2026-07-28, Basic,
//! Transports, stdio).

pub(super) mod child;
mod environment;
mod process_tree;
pub(super) mod stderr;
pub(super) mod transport;
