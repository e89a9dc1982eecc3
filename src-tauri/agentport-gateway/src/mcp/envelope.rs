//! The JSON-RPC 2.0 envelope of a message, checked before the protocol library reads it, so that every fault has a clear
//! answer.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde::Deserialize;
use serde_json::{json, value::RawValue};

/// The outer fields of a JSON-RPC message; `params` stays unread.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope<'a> {
    #[serde(borrow, default)]
    pub(crate) jsonrpc: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) method: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) params: Option<&'a RawValue>,
}

/// An integer in `body` that does not fit into 64 bits. Read as a number it would become another one, so that two
/// different calls could be taken for the same.
pub(crate) fn oversized_integer(body: &[u8]) -> Option<&str> {
    let mut at = 0;
    while at < body.len() {
        match body[at] {
            b'"' => at = end_of_string(body, at),
            b'-' | b'0'..=b'9' => {
                let start = at;
                let part =
                    |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                at += body[at..].iter().take_while(|byte| part(byte)).count();
                let number = std::str::from_utf8(&body[start..at]).ok()?;
                let whole = !number.contains(['.', 'e', 'E']);
                // Shorter ones fit.
                if whole
                    && number.len() > 18
                    && number.parse::<i64>().is_err()
                    && number.parse::<u64>().is_err()
                {
                    return Some(number);
                }
            }
            _ => at += 1,
        }
    }
    None
}

/// The place after the string that begins at `at`.
fn end_of_string(body: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while let Some(byte) = body.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// Why a body is not a JSON-RPC message that MCP allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InvalidMessage {
    NotJson,
    /// JSON-RPC batches were removed from MCP in 2025-06-18.
    Batch,
    NotAnObject,
    NullId,
}

/// Reads the envelope of the one message in `body`.
pub(crate) fn read(body: &[u8]) -> Result<Envelope<'_>, InvalidMessage> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => {}
        Some(b'[') => return Err(InvalidMessage::Batch),
        Some(_) if serde_json::from_slice::<&RawValue>(body).is_ok() => {
            return Err(InvalidMessage::NotAnObject);
        }
        _ => return Err(InvalidMessage::NotJson),
    }
    let envelope: Envelope<'_> =
        serde_json::from_slice(body).map_err(|_| InvalidMessage::NotJson)?;
    // `Option` reads a null as absent, so the difference has to be looked up.
    if envelope.id.is_none() && has_null_id(body) {
        return Err(InvalidMessage::NullId);
    }
    Ok(envelope)
}

fn has_null_id(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Id {
        #[serde(default, deserialize_with = "present")]
        id: bool,
    }
    fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| true)
    }
    serde_json::from_slice::<Id>(body).is_ok_and(|id| id.id)
}

/// The answer to a message with a number that cannot be kept as it is.
pub(crate) fn refuse_number(id: Option<&RawValue>, number: &str) -> Response<Bytes> {
    let message = format!(
        "The number {number} does not fit into 64 bits and would be changed on the way; send it as a string"
    );
    let error = json!({ "code": -32602, "message": message });
    let id = id.map_or("null", RawValue::get);
    let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#);
    let mut response = Response::new(Bytes::from(body));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

impl InvalidMessage {
    /// The JSON-RPC error for it, with HTTP 400.
    pub(crate) fn response(self) -> Response<Bytes> {
        let (code, message) = match self {
            Self::NotJson => (-32700, "Parse error: the body is not a JSON-RPC message"),
            Self::Batch => (
                -32600,
                "Invalid request: batches are not part of MCP; send one message per request",
            ),
            Self::NotAnObject => (-32600, "Invalid request: a message is a JSON object"),
            Self::NullId => (-32600, "Invalid request: the id of a request must not be null"),
        };
        let body = json!({
            "jsonrpc": "2.0",
            "id": null,
            "error": { "code": code, "message": message },
        });
        let mut response = Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = StatusCode::BAD_REQUEST;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        response
    }
}

#[cfg(test)]
mod tests {
    use crate::mcp::envelope::*;

    #[test]
    fn finds_integers_that_would_change() {
        let check = |body: &str, want: Option<&str>| {
            assert_eq!(oversized_integer(body.as_bytes()), want, "{body}");
        };
        check(r#"{"n":18446744073709551615,"m":-9223372036854775808}"#, None);
        check(r#"{"n":18446744073709551616}"#, Some("18446744073709551616"));
        check(r#"[1,-9223372036854775809]"#, Some("-9223372036854775809"));
        check(r#"{"n":1.8446744073709551616e19,"m":0.12345678901234567890}"#, None);
        check(r#"{"n":"18446744073709551616","\"":"a\\","x":"\"99999999999999999999"}"#, None);
        check(r#"{"unfinished":"99999999999999999999"#, None);
    }

    #[test]
    fn tells_faults_apart() {
        let check = |body: &str, want: Option<InvalidMessage>| {
            assert_eq!(read(body.as_bytes()).err(), want, "{body}");
        };
        check(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, None);
        check(r#" {"jsonrpc":"2.0","method":"notifications/initialized"}"#, None);
        check(r#"{"jsonrpc":"2.0","id":"x","result":{}}"#, None);
        check("", Some(InvalidMessage::NotJson));
        check("{", Some(InvalidMessage::NotJson));
        check("nonsense", Some(InvalidMessage::NotJson));
        check("[]", Some(InvalidMessage::Batch));
        check(r#"[{"jsonrpc":"2.0"}]"#, Some(InvalidMessage::Batch));
        check("3", Some(InvalidMessage::NotAnObject));
        check("\"text\"", Some(InvalidMessage::NotAnObject));
        check(r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, Some(InvalidMessage::NullId));
    }
}
