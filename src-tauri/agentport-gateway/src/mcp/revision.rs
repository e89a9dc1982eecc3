//! Reads MCP's headers; the words of the protocol themselves are those of [`agentport_core::mcp`].

pub(crate) use agentport_core::mcp::{
    CAPABILITIES_KEY, CLIENT_KEY, EVENT_STREAM, JSON, LATEST_REVISION, LOG_LEVEL_KEY,
    SESSION_REVISIONS, VERSION_KEY,
    headers::{METHOD, NAME, PARAM_PREFIX, PROTOCOL_VERSION, SESSION_ID},
    is_modern,
};
use http::{HeaderMap, Response, header};

/// Methods of earlier revisions that 2026-07-28 does not have.
pub(crate) const REMOVED_METHODS: [&str; 4] =
    ["initialize", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];

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
