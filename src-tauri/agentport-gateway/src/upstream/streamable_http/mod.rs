//! Remote MCP servers over Streamable HTTP (MCP 2026-07-28 and 2025-11-25, Transports, Streamable HTTP).

pub(super) mod client;
pub(super) mod connect;
pub(super) mod handshake_client;
pub(super) mod http_error;
mod param_headers;
