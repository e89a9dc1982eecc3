//! The parts of a JSON-RPC 2.0 message that a relay has to read. The message itself is forwarded as it was written.

use std::borrow::Cow;

use agentport_core::{
    json_rpc::{RawEnvelope, string},
    mcp,
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{json, value::RawValue};

/// A message of the client: the line as it was written, and what was read from it.
#[derive(Debug, Clone)]
pub(super) struct ClientMessage {
    pub(super) text: Bytes,
    pub(super) kind: MessageKind,
}

#[derive(Debug, Clone)]
pub(super) enum MessageKind {
    Request(ClientRequest),
    Notification(ClientNotification),
    /// The client's answer to a request of the server's.
    Response,
}

#[derive(Debug, Clone)]
pub(super) struct ClientRequest {
    /// As it was written: `7` or `"seven"`.
    pub(super) id: Box<str>,
    pub(super) method: Box<str>,
    /// The revision in its `_meta`, if it is a stateless one.
    pub(super) modern: Option<Box<str>>,
    /// The value of `Mcp-Name`: the tool's or prompt's name, the resource's URI, the task's id.
    pub(super) name: Option<Box<str>>,
}

#[derive(Debug, Clone)]
pub(super) struct ClientNotification {
    pub(super) method: Box<str>,
    pub(super) modern: Option<Box<str>>,
    /// The id in `notifications/cancelled`, as it was written.
    pub(super) cancels: Option<Box<str>>,
}

/// Why a line is not a message; it decides the error answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InvalidLine {
    NotJson,
    /// A batch (only in revision 2025-03-26 and before): its messages.
    Batch(Vec<Bytes>),
    NotAMessage {
        id: Option<Box<str>>,
        why: &'static str,
    },
}

#[derive(Default, Deserialize)]
struct Params<'a> {
    #[serde(borrow, default, rename = "_meta")]
    meta: Option<&'a RawValue>,
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    uri: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "taskId")]
    task_id: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "requestId")]
    request_id: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, default, rename = "io.modelcontextprotocol/protocolVersion")]
    version: Option<&'a RawValue>,
}

/// The id, if it is a number or a string (JSON-RPC 2.0 §4; MCP excludes `null`).
fn id(raw: &RawValue) -> Option<Box<str>> {
    match raw.get().as_bytes().first() {
        Some(b'"' | b'-' | b'0'..=b'9') => Some(raw.get().into()),
        _ => None,
    }
}

impl ClientMessage {
    /// Reads a line.
    pub(super) fn read(line: Bytes) -> Result<Self, InvalidLine> {
        let kind = match line.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => envelope(&line)?,
            Some(b'[') => return Err(batch(&line)),
            _ => {
                return Err(match serde_json::from_slice::<&RawValue>(&line) {
                    Ok(_) => {
                        InvalidLine::NotAMessage { id: None, why: "a message is a JSON object" }
                    }
                    Err(_) => InvalidLine::NotJson,
                });
            }
        };
        Ok(Self { text: line, kind })
    }
}

fn envelope(line: &[u8]) -> Result<MessageKind, InvalidLine> {
    let outline: RawEnvelope<'_> =
        serde_json::from_slice(line).map_err(|_| InvalidLine::NotJson)?;
    let own_id = outline.id.and_then(id);
    let bad = |why| InvalidLine::NotAMessage { id: own_id.clone(), why };
    let params: Params<'_> = outline
        .params
        .and_then(|params| serde_json::from_str(params.get()).ok())
        .unwrap_or_default();
    let modern = params.meta.and_then(version).map(Into::into);
    let Some(method) = outline.method else {
        return match outline.is_response() {
            true => Ok(MessageKind::Response),
            false => Err(bad("a message has a method, a result or an error")),
        };
    };
    let Some(method) = string(method) else { return Err(bad("a method is a string")) };
    let method: Box<str> = method.into();
    match (outline.id, own_id.clone()) {
        (None, _) => Ok(MessageKind::Notification(ClientNotification {
            cancels: (&*method == "notifications/cancelled")
                .then(|| params.request_id.and_then(id))
                .flatten(),
            method,
            modern,
        })),
        (Some(_), Some(id)) => {
            let name = match &*method {
                "tools/call" | "prompts/get" => params.name,
                "resources/read" | "resources/subscribe" | "resources/unsubscribe" => params.uri,
                "tasks/get" | "tasks/update" | "tasks/cancel" => params.task_id,
                _ => None,
            };
            let name = name.and_then(string).map(Into::into);
            Ok(MessageKind::Request(ClientRequest { id, method, modern, name }))
        }
        (Some(_), None) => Err(bad("the id of a request is a string or a number")),
    }
}

/// The revision in `_meta`, if it is a stateless one. Revisions are ISO dates, and sort as text.
fn version(meta: &RawValue) -> Option<Cow<'_, str>> {
    let meta: Meta<'_> = serde_json::from_str(meta.get()).ok()?;
    meta.version.and_then(string).filter(|version| mcp::is_modern(version))
}

fn batch(line: &Bytes) -> InvalidLine {
    match serde_json::from_slice::<Vec<&RawValue>>(line) {
        Ok(messages) => InvalidLine::Batch(
            messages.iter().map(|message| line.slice_ref(message.get().as_bytes())).collect(),
        ),
        Err(_) => InvalidLine::NotJson,
    }
}

/// Is this message of the server the answer to the request with this id?
pub(super) fn answers(message: &[u8], id: &str) -> bool {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow, default)]
        id: Option<&'a RawValue>,
        #[serde(default)]
        method: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_slice::<Head<'_>>(message).is_ok_and(|head| {
        head.method.is_none() && head.id.is_some_and(|its| same_id(its.get(), id))
    })
}

/// The error of an answer, as it was written.
pub(super) fn error_of(message: &[u8]) -> Option<&str> {
    #[derive(Deserialize)]
    struct Failed<'a> {
        #[serde(borrow)]
        error: &'a RawValue,
    }
    serde_json::from_slice::<Failed<'_>>(message).ok().map(|failed| failed.error.get())
}

/// Compares ids. A string may be escaped in more than one way.
fn same_id(one: &str, other: &str) -> bool {
    let read = |id| serde_json::from_str::<Cow<'_, str>>(id).ok();
    one == other || read(one).is_some_and(|one| Some(one) == read(other))
}

/// A message of the server's on one line. Line breaks in JSON are only ever between tokens.
pub(super) fn on_one_line(message: Bytes) -> Bytes {
    if !message.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return message;
    }
    let mut line = message.to_vec();
    for byte in &mut line {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    line.into()
}

/// A JSON-RPC error answer. `id` as it was written; `null` where it is not known.
pub(super) fn error(id: Option<&str>, code: i64, message: &str) -> Bytes {
    let error = json!({ "code": code, "message": message });
    failed(id.unwrap_or("null"), &error.to_string())
}

/// An error answer whose error object is JSON text.
pub(super) fn failed(id: &str, error: &str) -> Bytes {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#).into()
}

/// A success answer.
pub(super) fn result(request: &ClientRequest, mut result: serde_json::Value) -> Bytes {
    if request.modern.is_some()
        && let Some(result) = result.as_object_mut()
    {
        result.insert("resultType".into(), "complete".into());
    }
    format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, request.id).into()
}

/// A tool result with `isError` and one sentence for the agent.
pub(super) fn tool_error(request: &ClientRequest, sentence: &str) -> Bytes {
    let content = json!([{ "type": "text", "text": sentence }]);
    result(request, json!({ "content": content, "isError": true }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &'static str) -> Result<MessageKind, InvalidLine> {
        ClientMessage::read(Bytes::from_static(line.as_bytes())).map(|message| message.kind)
    }

    #[test]
    fn requests_of_both_eras() {
        let Ok(MessageKind::Request(old)) =
            read(r#"{"method":"tools/call","params":{"name":"a\u0062"},"jsonrpc":"2.0","id":"x"}"#)
        else {
            panic!("a request")
        };
        assert_eq!((&*old.id, old.name.as_deref(), old.modern), (r#""x""#, Some("ab"), None));
        let Ok(MessageKind::Request(new)) = read(
            r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"a:b","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
        ) else {
            panic!("a request")
        };
        assert_eq!(
            (new.name.as_deref(), new.modern.as_deref()),
            (Some("a:b"), Some(mcp::LATEST_REVISION))
        );
    }

    #[test]
    fn odd_params_are_the_gateways_to_refuse() {
        for params in ["[1]", "3", r#"{"name":7,"_meta":[]}"#] {
            let line =
                format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
            let message = ClientMessage::read(line.into()).unwrap();
            assert!(matches!(
                message.kind,
                MessageKind::Request(ClientRequest { name: None, modern: None, .. })
            ));
        }
    }

    #[test]
    fn other_kinds() {
        assert!(matches!(
            read(r#"{"jsonrpc":"2.0","id":1,"result":null}"#),
            Ok(MessageKind::Response)
        ));
        assert!(matches!(
            read(r#"{"jsonrpc":"2.0","id":1,"error":{}}"#),
            Ok(MessageKind::Response)
        ));
        let Ok(MessageKind::Notification(cancelled)) =
            read(r#"{"method":"notifications/cancelled","params":{"requestId":5}}"#)
        else {
            panic!("a notification")
        };
        assert_eq!(cancelled.cancels.as_deref(), Some("5"));
    }

    #[test]
    fn what_is_no_message() {
        for text in ["", "{", "nonsense", r#"{"id":1"#, "{\"a\":\"\u{1}\"}"] {
            let line = Bytes::copy_from_slice(text.as_bytes());
            assert_eq!(ClientMessage::read(line).unwrap_err(), InvalidLine::NotJson, "{text}");
        }
        assert_eq!(
            ClientMessage::read(Bytes::from_static(b"\xff")).unwrap_err(),
            InvalidLine::NotJson
        );
        for (text, id) in [
            ("3", None),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, None),
            (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, None),
            (r#"{"jsonrpc":"2.0","id":{"a":1},"method":"tools/call"}"#, None),
            (r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, None),
            (r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, None),
            (r#"{"jsonrpc":"2.0","id":false,"method":"notifications/initialized"}"#, None),
            (r#"{"jsonrpc":"2.0","id":4,"method":5}"#, Some("4")),
            (r#"{"jsonrpc":"2.0","id":4}"#, Some("4")),
        ] {
            match read(text) {
                Err(InvalidLine::NotAMessage { id: its, .. }) => assert_eq!(its.as_deref(), id),
                other => panic!("{text}: {other:?}"),
            }
        }
        let Err(InvalidLine::Batch(two)) = read(r#"[{"id":1}, {"id":2}]"#) else {
            panic!("a batch")
        };
        assert_eq!(two, [r#"{"id":1}"#, r#"{"id":2}"#]);
    }

    #[test]
    fn answers_are_known_by_their_id() {
        assert!(answers(br#"{"jsonrpc":"2.0","id":1,"result":{"id":2}}"#, "1"));
        assert!(answers(br#"{"id":"a\u0062","error":{}}"#, r#""ab""#));
        assert!(!answers(br#"{"id":1,"method":"ping"}"#, "1"));
        assert!(!answers(br#"{"id":"1","result":{}}"#, "1"));
        assert!(!answers(br#"{"method":"notifications/message"}"#, "1"));
    }

    #[test]
    fn lines_are_one_line() {
        let pretty = Bytes::from_static(b"{\r\n \"a\": \"b\\n\"\n}");
        assert_eq!(on_one_line(pretty), &b"{   \"a\": \"b\\n\" }"[..]);
    }
}
