//! The JSON-RPC 2.0 envelope of a message, checked before the protocol library reads it, so that every fault has an
//! answer that names the field.

use std::borrow::Cow;

use agentport_core::json_rpc::{self, INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR, RawEnvelope};
use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde_json::{json, value::RawValue};

use super::revision::JSON;

/// Longest id that is accepted, in bytes of its JSON form.
const MAX_ID_BYTES: usize = 1_024;

/// The outer fields of a JSON-RPC message; `params` stays unread.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    /// A string or an integer of 64 bits. `None`: a notification.
    pub(crate) id: Option<&'a RawValue>,
    /// `None`: the client's response to a request of ours.
    pub(crate) method: Option<Cow<'a, str>>,
    /// An object. A null counts as absent.
    pub(crate) params: Option<&'a RawValue>,
}

/// Why a body is not a JSON-RPC message that MCP allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InvalidMessage {
    NotJson,
    /// JSON-RPC batches were removed from MCP in 2025-06-18.
    Batch,
    NotAnObject,
    /// What is wrong with which field, and the id to answer to if it can be read.
    Field {
        reason: String,
        id: Option<String>,
    },
    /// The method is known, its parameters are not what it takes (-32602).
    Params {
        reason: String,
        id: Option<String>,
    },
}

impl InvalidMessage {
    fn field(reason: impl Into<String>) -> Self {
        Self::Field { reason: reason.into(), id: None }
    }

    /// The message has a number that cannot be kept as it is.
    fn oversized(id: Option<&RawValue>, number: &str) -> Self {
        let reason = format!(
            "The number {number} does not fit into 64 bits and would be changed on the way; send it as a string"
        );
        Self::Params { reason, id: id_text(id) }
    }

    /// The envelope is right, and what it holds is no message of MCP.
    pub(super) fn unreadable(id: Option<&RawValue>) -> Self {
        Self::Field { reason: "this is no message of MCP".to_owned(), id: id_text(id) }
    }

    /// The request of this id has parameters that cannot be read at all.
    pub(super) fn unreadable_params(id: &RawValue, reason: &str) -> Self {
        Self::Field { reason: reason.to_owned(), id: id_text(Some(id)) }
    }

    /// The request of this id has parameters its method does not take.
    pub(super) fn params(id: &RawValue, reason: String) -> Self {
        Self::Params { reason, id: id_text(Some(id)) }
    }
}

/// Reads the envelope of the one message in `body`, all of whose numbers survive being read.
pub(super) fn read_exact(body: &[u8]) -> Result<Envelope<'_>, InvalidMessage> {
    let envelope = read(body)?;
    match oversized_integer(body) {
        Some(number) => Err(InvalidMessage::oversized(envelope.id, number)),
        None => Ok(envelope),
    }
}

/// Reads the envelope of the one message in `body`.
pub(crate) fn read(body: &[u8]) -> Result<Envelope<'_>, InvalidMessage> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => {}
        Some(_) if serde_json::from_slice::<&RawValue>(body).is_err() => {
            return Err(InvalidMessage::NotJson);
        }
        Some(b'[') => return Err(InvalidMessage::Batch),
        Some(_) => return Err(InvalidMessage::NotAnObject),
        None => return Err(InvalidMessage::NotJson),
    }
    let raw: RawEnvelope<'_> = serde_json::from_slice(body).map_err(|error| {
        // Fields are kept as they are, so the only fault in valid JSON is one that comes twice.
        match error.to_string().split('`').nth(1) {
            Some(field) if error.is_data() => {
                InvalidMessage::field(format!("{field} comes twice in the message"))
            }
            _ => InvalidMessage::NotJson,
        }
    })?;
    if let Some(id) = raw.id {
        check_id(id.get()).map_err(InvalidMessage::field)?;
    }
    check(&raw).map_err(|reason| InvalidMessage::Field { reason, id: id_text(raw.id) })
}

/// The envelope, or what is wrong with which field.
fn check<'a>(raw: &RawEnvelope<'a>) -> Result<Envelope<'a>, String> {
    match raw.jsonrpc.map(RawValue::get) {
        Some("\"2.0\"") => {}
        Some(other) => return Err(format!("jsonrpc has to be \"2.0\", not {}", brief(other))),
        None => return Err("jsonrpc is missing; it has to be \"2.0\"".to_owned()),
    }
    let method = match raw.method {
        None if raw.is_response() && raw.id.is_some() => None,
        None if raw.is_response() => return Err("id is missing in a response".to_owned()),
        None => return Err("method is missing".to_owned()),
        Some(method) => match json_rpc::string(method) {
            Some(text) if !text.is_empty() => Some(text),
            Some(_) => return Err("method must not be empty".to_owned()),
            None => {
                let kind = kind_of(method.get());
                return Err(format!("method has to be a string, not {kind}"));
            }
        },
    };
    let is_notification = method.as_ref().is_some_and(|m| m.starts_with("notifications/"));
    if raw.id.is_none() && method.is_some() && !is_notification {
        return Err("id is missing; a request needs one, a string or an integer".to_owned());
    }
    let params = match raw.params {
        Some(params) if params.get() == "null" => None,
        Some(params) if !params.get().starts_with('{') => {
            return Err(format!("params has to be an object, not {}", kind_of(params.get())));
        }
        params => params,
    };
    Ok(Envelope { id: raw.id, method, params })
}

/// MCP wants a string or an integer, and never null (2025-11-25, "Requests").
fn check_id(id: &str) -> Result<(), &'static str> {
    match id.as_bytes() {
        [b'"', ..] if id.len() > MAX_ID_BYTES => Err("id is longer than 1,024 bytes"),
        [b'"', ..] if serde_json::from_str::<String>(id).is_err() => {
            Err("id is not a valid Unicode text")
        }
        [b'"', ..] => Ok(()),
        [b'n', ..] => Err("id must not be null; it has to be a string or an integer"),
        [b'{', ..] => Err("id has to be a string or an integer, not an object"),
        [b'[', ..] => Err("id has to be a string or an integer, not an array"),
        [b't' | b'f', ..] => Err("id has to be a string or an integer, not a boolean"),
        _ if id.contains(['.', 'e', 'E']) => {
            Err("id has to be a string or an integer, not a fractional number")
        }
        _ if id.parse::<i64>().is_err() => Err("id is an integer beyond 64 bits; send a string"),
        _ => Ok(()),
    }
}

fn id_text(id: Option<&RawValue>) -> Option<String> {
    id.map(|id| id.get().to_owned())
}

/// What kind of JSON value this text is.
pub(super) fn kind_of(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// A value as it may be repeated to its sender: itself if it is short.
fn brief(json: &str) -> &str {
    if json.len() <= 20 { json } else { kind_of(json) }
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

impl InvalidMessage {
    /// The JSON-RPC error for it: with HTTP 400, or 200 where the message itself is one.
    pub(crate) fn response(&self) -> Response<Bytes> {
        let (code, message, id) = match self {
            Self::NotJson => {
                (PARSE_ERROR, "Parse error: the body is not a JSON-RPC message".to_owned(), None)
            }
            Self::Batch => (
                INVALID_REQUEST,
                "Invalid request: batches are not part of MCP; send one message per request"
                    .to_owned(),
                None,
            ),
            Self::NotAnObject => {
                (INVALID_REQUEST, "Invalid request: a message is a JSON object".to_owned(), None)
            }
            Self::Field { reason, id } => {
                (INVALID_REQUEST, format!("Invalid request: {reason}"), id.as_deref())
            }
            Self::Params { reason, id } => (INVALID_PARAMS, reason.clone(), id.as_deref()),
        };
        let error = json!({ "code": code, "message": message });
        let id = id.unwrap_or("null");
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#);
        let mut response = Response::new(Bytes::from(body));
        if !matches!(self, Self::Params { .. }) {
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(JSON));
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

    /// The code and message, and the id it is answered to.
    fn refused(body: &str) -> Option<(i64, String, serde_json::Value)> {
        let response = read(body.as_bytes()).err()?.response();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{body}");
        let json: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        let message = json["error"]["message"].as_str().unwrap().to_owned();
        Some((json["error"]["code"].as_i64().unwrap(), message, json["id"].clone()))
    }

    #[test]
    fn tells_faults_apart() {
        for good in [
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":-7,"method":"ping","params":null}"#,
            r#" {"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            r#"{"jsonrpc":"2.0","id":"x","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":"","method":"pi\u006eg","params":{}}"#,
        ] {
            assert_eq!(refused(good), None, "{good}");
        }
        for (bad, code, named) in [
            ("", -32700, "Parse error"),
            ("{", -32700, "Parse error"),
            ("[1", -32700, "Parse error"),
            ("nonsense", -32700, "Parse error"),
            ("[]", -32600, "batches"),
            (r#"[{"jsonrpc":"2.0"}]"#, -32600, "batches"),
            ("3", -32600, "JSON object"),
            ("\"text\"", -32600, "JSON object"),
        ] {
            let (got, message, id) = refused(bad).expect(bad);
            assert_eq!((got, id), (code, serde_json::Value::Null), "{bad}");
            assert!(message.contains(named), "{bad}: {message}");
        }
    }

    #[test]
    fn ids_are_strings_or_integers() {
        let long = format!("\"{}\"", "i".repeat(MAX_ID_BYTES));
        for (id, named) in [
            ("null", "null"),
            ("{}", "object"),
            (r#"{"a":1}"#, "object"),
            ("[]", "array"),
            ("[1]", "array"),
            ("true", "boolean"),
            ("false", "boolean"),
            ("1.5", "fractional"),
            ("1e3", "fractional"),
            ("9223372036854775808", "64 bits"),
            (r#""\ud800""#, "Unicode"),
            (long.as_str(), "1,024"),
        ] {
            for rest in [r#""method":"tools/call""#, r#""method":"ping""#, r#""result":{}"#] {
                let body = format!(r#"{{"jsonrpc":"2.0","id":{id},{rest}}}"#);
                let (code, message, answered) = refused(&body).expect(&body);
                assert_eq!((code, answered), (-32600, serde_json::Value::Null), "{body}");
                assert!(message.contains("id ") && message.contains(named), "{body}: {message}");
            }
        }
    }

    #[test]
    fn the_field_at_fault_is_named() {
        for (fields, named) in [
            (r#""method":"ping""#, "jsonrpc is missing"),
            (r#""jsonrpc":2.0,"method":"ping""#, "jsonrpc has to be \"2.0\", not 2.0"),
            (r#""jsonrpc":"1.0","method":"ping""#, "jsonrpc has to be \"2.0\", not \"1.0\""),
            (r#""jsonrpc":"2.0""#, "method is missing"),
            (r#""jsonrpc":"2.0","method":7"#, "method has to be a string, not a number"),
            (r#""jsonrpc":"2.0","method":null"#, "method has to be a string, not null"),
            (r#""jsonrpc":"2.0","method":"""#, "method must not be empty"),
            (
                r#""jsonrpc":"2.0","method":"ping","params":[]"#,
                "params has to be an object, not an array",
            ),
            (
                r#""jsonrpc":"2.0","method":"ping","params":"x""#,
                "params has to be an object, not a string",
            ),
        ] {
            let (code, message, id) = refused(&format!(r#"{{"id":5,{fields}}}"#)).expect(fields);
            assert_eq!((code, id), (-32600, serde_json::json!(5)), "{fields}");
            assert!(message.contains(named), "{fields}: {message}");
        }
        let twice = r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#;
        assert!(refused(twice).unwrap().1.contains("id comes twice"));
        let no_id = r#"{"jsonrpc":"2.0","method":"tools/call","params":{}}"#;
        assert!(refused(no_id).unwrap().1.contains("id is missing"));
    }
}
