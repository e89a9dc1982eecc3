//! The agent API over MCP, as docs/contract.md specifies it.

mod authentication;
mod listing;
mod malformed;
mod meta_tools;
mod passthrough;
mod sessions;
