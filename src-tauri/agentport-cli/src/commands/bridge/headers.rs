//! Request headers of both Streamable HTTP variants: with sessions (MCP 2025-11-25) and stateless (2026-07-28).

use agentport_core::mcp;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{credential::Credential, session::OpenSession};

const METHOD: HeaderName = HeaderName::from_static(mcp::headers::METHOD);
const NAME: HeaderName = HeaderName::from_static(mcp::headers::NAME);
const VERSION: HeaderName = HeaderName::from_static(mcp::headers::PROTOCOL_VERSION);
pub(super) const SESSION_ID: HeaderName = HeaderName::from_static(mcp::headers::SESSION_ID);
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Headers of a POST with a message.
pub(super) fn for_message(credential: &Credential) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    credential.insert_into(&mut headers);
    let both = HeaderValue::from_static("application/json, text/event-stream");
    headers.insert(header::ACCEPT, both);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(mcp::JSON));
    headers
}

/// Headers of the GET for the session's own stream, and of the DELETE that ends the session.
pub(super) fn for_stream(credential: &Credential) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    credential.insert_into(&mut headers);
    headers.insert(header::ACCEPT, HeaderValue::from_static(mcp::EVENT_STREAM));
    headers
}

/// Adds the headers of a session (revisions before 2026-07-28).
pub(super) fn insert_session(headers: &mut HeaderMap, session: &OpenSession) {
    if let Some(id) = &session.id {
        headers.insert(SESSION_ID, id.clone());
    }
    headers.insert(VERSION, session.version.clone());
}

/// Adds the headers of a stateless message: its version, method and name, repeated for proxies that do not read bodies.
pub(super) fn insert_stateless(
    headers: &mut HeaderMap,
    version: &str,
    method: &str,
    name: Option<&str>,
) {
    headers.insert(VERSION, value(version));
    headers.insert(METHOD, value(method));
    if let Some(name) = name {
        headers.insert(NAME, value(name));
    }
}

/// A text as a header value. Text that is not printable ASCII, or that looks like an encoded value, is Base64-encoded
/// (MCP 2026-07-28, Streamable HTTP, "value encoding").
pub(super) fn value(text: &str) -> HeaderValue {
    let plain = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
        && text.trim_matches(' ') == text
        && !is_encoded(text);
    let said = if plain {
        HeaderValue::from_str(text)
    } else {
        HeaderValue::try_from(format!("=?base64?{}?=", BASE64_STANDARD.encode(text)))
    };
    said.expect("is printable ASCII")
}

/// Does it look like an encoded value?
fn is_encoded(text: &str) -> bool {
    text.starts_with("=?base64?") && text.ends_with("?=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_values_are_encoded() {
        for (text, want) in [
            ("read_file", "read_file"),
            ("", ""),
            ("a b", "a b"),
            (" a", "=?base64?IGE=?="),
            ("a\n", "=?base64?YQo=?="),
            ("ä", "=?base64?w6Q=?="),
            ("=?base64?YQ==?=", "=?base64?PT9iYXNlNjQ/WVE9PT89?="),
        ] {
            assert_eq!(value(text), want, "{text:?}");
        }
    }
}
