//! Classifies the JSON-RPC messages of an upstream. Answers to the gateway's calls are passed on unparsed, so that each
//! caller parses its own, once, as the type it expects.

use std::borrow::Cow;

use rmcp::model::{
    ErrorData, LoggingMessageNotificationParam, ProgressNotificationParam, ServerJsonRpcMessage,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{error::UpstreamError, in_flight::RawReply, repair};

/// First id of our calls. rmcp numbers its own few requests on the same connection from zero. Both fit into the
/// 31 bits that some servers keep for an id.
pub(super) const FIRST_ID: i64 = 1 << 30;

/// A message of the upstream.
pub(super) enum InboundMessage {
    /// The answer to one of our calls.
    Reply(i64, RawReply),
    Progress(ProgressNotificationParam),
    Log(LoggingMessageNotificationParam),
    /// Everything else, as rmcp knows it.
    Other(Box<ServerJsonRpcMessage>),
    /// Not a JSON-RPC message.
    Garbage,
}

#[derive(Deserialize)]
struct MessageHead<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// Classifies one message.
pub(super) fn inbound(message: &[u8]) -> InboundMessage {
    if let Ok(head) = serde_json::from_slice::<MessageHead<'_>>(message) {
        return classify(&head, message);
    }
    let repaired = repair::repaired(message);
    if let Ok(head) = serde_json::from_str::<MessageHead<'_>>(&repaired) {
        return classify(&head, repaired.as_bytes());
    }
    // A call must not wait for an answer that has arrived and cannot be read.
    match repair::response_id(&repaired).filter(|id| *id >= FIRST_ID) {
        Some(id) if repaired.contains("\"result\"") || repaired.contains("\"error\"") => {
            InboundMessage::Reply(id, Err(unreadable("it is no JSON")))
        }
        _ => InboundMessage::Garbage,
    }
}

/// The error of a call whose answer cannot be read.
pub(super) fn unreadable(problem: &str) -> UpstreamError {
    UpstreamError::Protocol {
        problem: format!("its answer cannot be read ({problem}); the tool may have run"),
    }
}

fn classify(head: &MessageHead<'_>, message: &[u8]) -> InboundMessage {
    match (head.method.as_deref(), head.id.and_then(our_id)) {
        (None, Some(id)) => InboundMessage::Reply(id, reply(head)),
        (Some("notifications/progress"), _) => params(head, InboundMessage::Progress),
        (Some("notifications/message"), _) => params(head, InboundMessage::Log),
        _ => other(message),
    }
}

/// A message that is rmcp's. `"error": null` beside a result and a missing `jsonrpc` are overlooked.
fn other(message: &[u8]) -> InboundMessage {
    if let Ok(message) = serde_json::from_slice(message) {
        return InboundMessage::Other(Box::new(message));
    }
    let read =
        serde_json::from_str::<Value>(&repair::repaired(message)).ok().and_then(|mut value| {
            let fields = value.as_object_mut()?;
            fields.retain(|name, value| !(name == "error" && value.is_null()));
            fields.insert("jsonrpc".to_owned(), "2.0".into());
            serde_json::from_value(value).ok()
        });
    read.map_or(InboundMessage::Garbage, |message| InboundMessage::Other(Box::new(message)))
}

fn our_id(id: &RawValue) -> Option<i64> {
    // Some servers turn numbers into text.
    let id = id.get().trim_matches('"');
    // And some pass them through floating point.
    let float = || id.parse::<f64>().ok().filter(|id| id.fract() == 0.0).map(|id| id as i64);
    id.parse().ok().or_else(float).filter(|id| *id >= FIRST_ID)
}

fn reply(head: &MessageHead<'_>) -> RawReply {
    match head.error.filter(|error| error.get() != "null") {
        Some(error) => Err(serde_json::from_str::<ErrorData>(error.get()).map_or_else(
            |problem| UpstreamError::Protocol {
                problem: format!("its error cannot be read ({problem})"),
            },
            UpstreamError::Refused,
        )),
        None => Ok(head.result.unwrap_or(RawValue::NULL).to_owned()),
    }
}

fn params<'a, T: Deserialize<'a>>(
    head: &MessageHead<'a>,
    make: impl Fn(T) -> InboundMessage,
) -> InboundMessage {
    let read = head.params.and_then(|params| serde_json::from_str(params.get()).ok());
    read.map_or(InboundMessage::Garbage, make)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(message: &str) -> String {
        match inbound(message.as_bytes()) {
            InboundMessage::Reply(id, Ok(result)) => format!("{} {}", id - FIRST_ID, result.get()),
            InboundMessage::Reply(id, Err(error)) => format!("{} {error}", id - FIRST_ID),
            InboundMessage::Progress(params) => format!("progress {}", params.progress),
            InboundMessage::Log(params) => format!("log {}", params.data),
            InboundMessage::Other(message) => format!("{message:?}")[..12].to_owned(),
            InboundMessage::Garbage => "garbage".to_owned(),
        }
    }

    #[test]
    fn sorts() {
        for (message, expected) in [
            (r#"{"jsonrpc":"2.0","id":1073741825,"result":{"a": 1}}"#, r#"1 {"a": 1}"#),
            (r#"{"jsonrpc":"2.0","id":"1073741826","result":null}"#, "2 null"),
            (r#"{"jsonrpc":"2.0","id":1073741824,"error":{"code":-1,"message":"no"}}"#, "0 no"),
            (r#"{"jsonrpc":"2.0","id":0,"result":{}}"#, "Response(Jso"),
            (r#"{"jsonrpc":"2.0","id":1073741824,"method":"ping"}"#, "Request(Json"),
            (r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#, "Notification"),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":0.5}}"#,
                "progress 0.5",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"#,
                "log \"x\"",
            ),
            (r#"{"jsonrpc":"2.0","id":1.073741826e9,"result":{},"error":null}"#, "2 {}"),
            (r#"{"jsonrpc":"2.0","id":0,"result":{},"error":null}"#, "Response(Jso"),
            (r#"{"jsonrpc":"2.0","id":1073741824,"result":{"a":NaN}}"#, r#"0 {"a":null}"#),
            ("Server listening on stdio", "garbage"),
            ("[1,2]", "garbage"),
            ("{\"jsonrpc\":\"2.0\"}", "garbage"),
        ] {
            assert_eq!(kind(message), expected, "{message}");
        }
    }

    #[test]
    fn an_answer_that_is_no_json_fails_its_call_at_once() {
        let answer = kind(r#"{"jsonrpc":"2.0","id":1073741824,"result":{'a': 1}}"#);
        assert!(answer.starts_with("0 ") && answer.contains("may have run"), "{answer}");
    }

    #[test]
    fn invalid_utf8_is_replaced() {
        let message = b"{\"id\":1073741824,\"result\":\"\xff\"}";
        let InboundMessage::Reply(_, Ok(result)) = inbound(message) else { panic!("an answer") };
        assert_eq!(result.get(), "\"\u{fffd}\"");
    }

    #[test]
    fn an_unreadable_error_is_still_an_answer() {
        assert!(kind(r#"{"id":1073741824,"error":"no"}"#).contains("cannot be read"));
    }
}
