//! JSON-RPC 2.0 as MCP uses it: the outer fields of a message, read without its contents, and the error codes.
//!
//! Used by the gateway, which refuses what is not valid, and by the stdio bridge, which forwards messages as they were
//! written. Deliberately absent: what makes a message valid, since the two are differently strict.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The message is not JSON (JSON-RPC 2.0 §5.1).
pub const PARSE_ERROR: i64 = -32700;
/// The JSON is not a request (§5.1).
pub const INVALID_REQUEST: i64 = -32600;
/// The parameters are not those of the method (§5.1).
pub const INVALID_PARAMS: i64 = -32602;
/// The receiver failed (§5.1).
pub const INTERNAL_ERROR: i64 = -32603;

/// The outer fields of a message as they were written: a `null` is present, a missing field is `None`. Reading fails
/// where a field comes twice. Unknown fields are ignored.
#[derive(Debug, Deserialize)]
pub struct RawEnvelope<'a> {
    /// To be `"2.0"`.
    #[serde(borrow, default, deserialize_with = "present")]
    pub jsonrpc: Option<&'a RawValue>,
    /// Of a request, or of the request a response is to.
    #[serde(borrow, default, deserialize_with = "present")]
    pub id: Option<&'a RawValue>,
    /// Of a request or a notification.
    #[serde(borrow, default, deserialize_with = "present")]
    pub method: Option<&'a RawValue>,
    /// Of a request or a notification.
    #[serde(borrow, default, deserialize_with = "present")]
    pub params: Option<&'a RawValue>,
    /// Of a response that says success.
    #[serde(borrow, default, deserialize_with = "present")]
    pub result: Option<&'a RawValue>,
    /// Of a response that says failure.
    #[serde(borrow, default, deserialize_with = "present")]
    pub error: Option<&'a RawValue>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl RawEnvelope<'_> {
    /// A response has a result or an error; a request or notification has neither.
    pub fn is_response(&self) -> bool {
        self.result.is_some() || self.error.is_some()
    }
}

/// The text of a JSON string, borrowed where it has no escapes. `None`: it is no string, or not valid Unicode.
pub fn string(json: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct BorrowedText<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<BorrowedText<'_>>(json.get()).ok().map(|text| text.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_present_and_missing_is_not() {
        let message: RawEnvelope<'_> =
            serde_json::from_str(r#"{"id":null,"method":"a\u0062","other":1}"#).unwrap();
        assert_eq!(message.id.map(RawValue::get), Some("null"));
        assert!(message.params.is_none() && !message.is_response());
        assert_eq!(message.method.and_then(string).as_deref(), Some("ab"));
        assert_eq!(message.id.and_then(string), None);
    }

    #[test]
    fn a_field_that_comes_twice_is_refused() {
        serde_json::from_str::<RawEnvelope<'_>>(r#"{"id":1,"id":2}"#).unwrap_err();
    }
}
