//! Protocol words of MCP: revisions, header names, reserved `_meta` keys and media types, each written once.

use http::{HeaderMap, Response, header};

/// The newest revision: stateless requests that carry everything themselves.
pub(crate) const LATEST: &str = "2026-07-28";
/// The revisions with sessions, oldest first.
pub(crate) const WITH_SESSIONS: [&str; 4] =
    ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
/// Methods of earlier revisions that 2026-07-28 does not have.
pub(crate) const REMOVED_METHODS: [&str; 4] =
    ["initialize", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];

/// The session of revisions up to 2025-11-25.
pub(crate) const SESSION_ID: &str = "mcp-session-id";
/// The revision a request is written in.
pub(crate) const PROTOCOL_VERSION: &str = "mcp-protocol-version";
/// The method of the body, required by 2026-07-28.
pub(crate) const METHOD: &str = "mcp-method";
/// The name a `tools/call` carries, required by 2026-07-28.
pub(crate) const NAME: &str = "mcp-name";
/// What the names of headers begin with that mirror single arguments (2026-07-28, `x-mcp-header`).
pub(crate) const PARAM_PREFIX: &str = "mcp-param-";

/// `_meta` key: the revision a request is written in.
pub(crate) const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
/// `_meta` key: name and version of the client.
pub(crate) const CLIENT_KEY: &str = "io.modelcontextprotocol/clientInfo";
/// `_meta` key: what the client can be asked.
pub(crate) const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";
/// `_meta` key: the least severe log message the client wants.
pub(crate) const LOG_LEVEL_KEY: &str = "io.modelcontextprotocol/logLevel";

pub(crate) const JSON: &str = "application/json";
pub(crate) const EVENT_STREAM: &str = "text/event-stream";

/// Is this the newest revision or a later one? Revisions are dates, so text order is time order.
pub(crate) fn is_modern(version: &str) -> bool {
    version >= LATEST
}

/// The one value of a header; `None` if there is none, or several, or one that is not visible ASCII.
pub(crate) fn single_header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Does this response carry server-sent events?
pub(crate) fn is_event_stream<B>(response: &Response<B>) -> bool {
    response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(EVENT_STREAM.as_bytes()))
}
