//! What a request says in its headers, for each era (MCP 2025-11-25 and 2026-07-28, Streamable HTTP).

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::session::Joined;

const KEY: HeaderName = HeaderName::from_static("x-api-key");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
pub(super) const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// What every message is sent with.
pub(super) fn of_message(key: &HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(KEY, key.clone());
    let both = HeaderValue::from_static("application/json, text/event-stream");
    headers.insert(header::ACCEPT, both);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}

/// What the session's own stream is asked for with.
pub(super) fn of_stream(key: &HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(KEY, key.clone());
    headers.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
    headers
}

/// A message within a session of an earlier revision.
pub(super) fn put_session(headers: &mut HeaderMap, joined: &Joined) {
    if let Some(id) = &joined.id {
        headers.insert(SESSION, id.clone());
    }
    headers.insert(VERSION, joined.version.clone());
}

/// A message of the newest revision: what it says itself, said once more for whoever does not read bodies.
pub(super) fn put_modern(headers: &mut HeaderMap, version: &str, method: &str, name: Option<&str>) {
    headers.insert(VERSION, value(version));
    headers.insert(METHOD, value(method));
    if let Some(name) = name {
        headers.insert(NAME, value(name));
    }
}

/// A text as a header's value; one that could not pass as it is, or would be taken for an encoded one, is encoded
/// (2026-07-28, Streamable HTTP, "value encoding").
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
