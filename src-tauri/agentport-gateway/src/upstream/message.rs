//! Classifies the JSON-RPC messages of an upstream. Answers to the gateway's calls are passed on unparsed, so that each
//! caller parses its own, once, as the type it expects.

use std::borrow::Cow;

use rmcp::model::{
    ErrorData, LoggingMessageNotificationParam, ProgressNotificationParam, ServerJsonRpcMessage,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{error::UpstreamError, in_flight::RawReply};

/// Ids of our calls begin here. rmcp numbers its own few requests on the same connection from zero. Both fit into the
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
    let Ok(head) = serde_json::from_slice::<MessageHead<'_>>(message) else {
        return InboundMessage::Garbage;
    };
    match (head.method.as_deref(), head.id.and_then(our_id)) {
        (None, Some(id)) => InboundMessage::Reply(id, reply(&head)),
        (Some("notifications/progress"), _) => params(&head, InboundMessage::Progress),
        (Some("notifications/message"), _) => params(&head, InboundMessage::Log),
        _ => serde_json::from_slice(message)
            .map_or(InboundMessage::Garbage, |message| InboundMessage::Other(Box::new(message))),
    }
}

fn our_id(id: &RawValue) -> Option<i64> {
    // Some servers turn numbers into text.
    id.get().trim_matches('"').parse().ok().filter(|id| *id >= FIRST_ID)
}

fn reply(head: &MessageHead<'_>) -> RawReply {
    match head.error {
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
            ("Server listening on stdio", "garbage"),
            ("[1,2]", "garbage"),
            ("{\"jsonrpc\":\"2.0\"}", "garbage"),
        ] {
            assert_eq!(kind(message), expected, "{message}");
        }
    }

    #[test]
    fn an_unreadable_error_is_still_an_answer() {
        assert!(kind(r#"{"id":1073741824,"error":"no"}"#).contains("cannot be read"));
    }
}
