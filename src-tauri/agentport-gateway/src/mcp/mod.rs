//! The MCP endpoint: every revision from 2024-11-05 to 2026-07-28 on one URL (`src-tauri/docs/contract.md` §1), and
//! [`http_sse`], the transport of 2024-11-05, for clients that know no other.
//!
//! A request passes, in this order: host and origin, credential, view (`mode`, `profile`, `tags`), session,
//! content negotiation, size, JSON-RPC envelope, parameters. Only then does it reach the [`fast_path`] or the protocol library, whose handler is [`server`].

mod accept;
mod completion;
mod endpoint;
mod envelope;
mod fast_path;
mod guards;
mod http_sse;
mod keepalive;
pub(crate) mod list_changed;
pub(crate) mod meta;
mod params;
mod passthrough;
mod prompts;
pub(crate) mod request_stream;
mod resources;
pub(crate) mod revision;
mod server;
pub(crate) mod sessions;
mod tool_result;
pub(crate) mod view_query;

pub(crate) use endpoint::{McpEndpoint, router};
pub(crate) use envelope::oversized_integer;
pub(crate) use server::{HOLD, HOLD_WITH_PROGRESS, take_info};
pub(crate) use tool_result::BLOCKED;
