//! The HTTP+SSE transport (MCP 2024-11-05), for agents that know no newer one.

mod calls;
mod foreign;
mod hostile;
mod sessions;
mod suite;
