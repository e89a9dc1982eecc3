//! Words of the Model Context Protocol: revisions, header names, `_meta` keys and media types, each written once.

/// The newest revision: stateless requests that carry everything themselves.
pub const LATEST_REVISION: &str = "2026-07-28";
/// The revisions with sessions, oldest first.
pub const SESSION_REVISIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// Is this the newest revision or a later one? Revisions are dates, so text order is time order.
pub fn is_modern(revision: &str) -> bool {
    revision >= LATEST_REVISION
}

/// Media type of a single message.
pub const JSON: &str = "application/json";
/// Media type of server-sent events.
pub const EVENT_STREAM: &str = "text/event-stream";

/// `_meta` key: the revision a request is written in.
pub const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
/// `_meta` key: name and version of the client.
pub const CLIENT_KEY: &str = "io.modelcontextprotocol/clientInfo";
/// `_meta` key: what the client can be asked.
pub const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";
/// `_meta` key: the least severe log message the client wants.
pub const LOG_LEVEL_KEY: &str = "io.modelcontextprotocol/logLevel";

/// Names of HTTP headers, in lower case.
pub mod headers {
    /// The session of revisions up to 2025-11-25.
    pub const SESSION_ID: &str = "mcp-session-id";
    /// The revision a request is written in.
    pub const PROTOCOL_VERSION: &str = "mcp-protocol-version";
    /// The method of the body, required by 2026-07-28.
    pub const METHOD: &str = "mcp-method";
    /// The name or URI of the body, required by 2026-07-28 for some methods.
    pub const NAME: &str = "mcp-name";
    /// Prefix of headers that mirror single arguments (2026-07-28, `x-mcp-header`).
    pub const PARAM_PREFIX: &str = "mcp-param-";
}
