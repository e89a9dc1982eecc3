//! Remote MCP servers over HTTP+SSE (MCP 2024-11-05, Transports, HTTP with SSE), which newer servers replace by Streamable
//! HTTP.
//!
//! One GET stream brings every message of the server. Its first event names the endpoint to which each message of the
//! gateway is a POST. Deliberately absent: resumption of a stream, which this transport does not have.

pub(super) mod channel;
mod endpoint;
mod headers;
pub(super) mod open;
mod stream;
pub(super) mod transport;
