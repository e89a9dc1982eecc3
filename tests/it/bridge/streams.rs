//! Event streams in every allowed form, and lost sessions.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures::StreamExt as _;
use http::StatusCode;
use serde_json::json;

use super::fake::{Fake, broken_events, event_pieces, events, json_answer, status};

#[tokio::test]
async fn all_that_an_event_stream_may_be() {
    let fake = Fake::start(|asked| {
        let id = &asked.body["id"];
        asked.calls("tools/call").then(|| {
            events(format!(
                "\u{feff}: a comment\r\nretry: 10\r\n\r\nid: 1\ndata:\n\nevent: message\rdata: {{\"jsonrpc\":\"2.0\",\rdata: \"method\":\"notifications/message\",\rdata: \"params\":{{}}}}\r\r\
                 event: other\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"not/ours\"}}\n\n\
                 id: 2\ndata:{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":[]}}}}\n\n"
            ))
        })
    })
    .await;
    let mut client = fake.client().await;
    let id = client.send("tools/call", json!({"name": "any"})).await;
    let line = client.line().await.expect("a line");
    assert_eq!(line, r#"{"jsonrpc":"2.0", "method":"notifications/message", "params":{}}"#);
    assert_eq!(client.hear().await["id"], id);
}

#[tokio::test]
async fn a_stream_that_ends_early_is_resumed_after_the_last_event() {
    let fake = Fake::start(|asked| {
        let note =
            |id: u8| format!("id: {id}\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"n/{id}\"}}\n\n");
        if asked.calls("tools/call") {
            return Some(events(format!("id: 0\nretry: 1\ndata:\n\n{}", note(1))));
        }
        let resumed = asked.method == "GET" && asked.header("last-event-id") == Some("1");
        // The last one comes twice, as some servers do.
        resumed.then(|| {
            let answer =
                "id: 3\ndata: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"resumed\":true}}\n\n";
            events(format!("{}{}{answer}", note(1), note(2)))
        })
    })
    .await;
    let mut client = fake.client().await;
    let id = client.send("tools/call", json!({"name": "any"})).await;
    assert_eq!(id, 2);
    assert_eq!(client.hear().await["method"], "n/1");
    assert_eq!(client.hear().await["method"], "n/2");
    assert_eq!(client.hear().await["result"]["resumed"], true);
    assert_eq!(fake.all(|asked| asked.calls("tools/call")).len(), 1, "it is sent once");
}

#[tokio::test]
async fn a_call_that_may_have_run_is_not_sent_again() {
    let fake = Fake::start(|asked| {
        let breaks = asked.calls("tools/call") || asked.calls("tools/list");
        breaks.then(|| broken_events(futures::stream::iter([": begun\n\n".to_owned()])))
    })
    .await;
    let mut client = fake.client().await;
    let answer = client.tool("files__write", json!({})).await;
    assert!(answer.refused().contains("Activity"), "{}", answer.text);
    assert_eq!(fake.all(|asked| asked.calls("tools/call")).len(), 1);
    // What only looks is, though not for ever.
    let answer = client.ask("tools/list", json!({})).await;
    assert!(answer["error"]["message"].is_string(), "{answer}");
    let tries = fake.all(|asked| asked.calls("tools/list")).len();
    assert!((2..=10).contains(&tries), "{tries}");
}

#[tokio::test]
async fn a_session_that_is_gone_is_opened_again() {
    let fake = Fake::start(|asked| {
        let old = asked.header("mcp-session-id") == Some("session-1");
        (old && asked.calls("tools/call")).then(|| status(StatusCode::NOT_FOUND))
    })
    .await;
    let mut client = fake.client().await;
    client.ask("logging/setLevel", json!({"level": "debug"})).await;
    client.ask("resources/subscribe", json!({"uri": "a:1"})).await;
    client.ask("resources/subscribe", json!({"uri": "a:2"})).await;
    client.ask("resources/unsubscribe", json!({"uri": "a:1"})).await;
    let answer = client.tool("any", json!({"x": 1})).await;
    assert!(!answer.is_error, "{}", answer.text);
    let hellos = fake.all(|asked| asked.calls("initialize"));
    assert_eq!(hellos.len(), 2);
    assert_eq!(hellos[0].body, hellos[1].body, "in the client's own words");
    assert_eq!(hellos[1].header("mcp-session-id"), None);
    let again = fake.all(|asked| asked.header("mcp-session-id") == Some("session-2"));
    let methods: Vec<_> = again.iter().filter_map(|asked| asked.body["method"].as_str()).collect();
    assert_eq!(
        methods,
        ["notifications/initialized", "logging/setLevel", "resources/subscribe", "tools/call"]
    );
    assert_eq!(again[2].body["params"]["uri"], "a:2");
    assert_eq!(client.ask("ping", json!({})).await, json!({}), "and nothing else was heard");
}

#[tokio::test]
async fn server_initiated_messages_arrive() {
    let once = Arc::new(AtomicBool::new(true));
    let fake = Fake::start(move |asked| {
        if asked.method != "GET" {
            return None;
        }
        if once.swap(false, Ordering::Relaxed) {
            let ask = json!({"jsonrpc": "2.0", "id": "s1", "method": "roots/list"});
            return Some(events(format!("id: 7\nretry: 1\ndata: {ask}\n\n")));
        }
        let open = futures::stream::iter([format!(
            "data: {}\n\n",
            json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        )])
        .chain(futures::stream::pending());
        Some(event_pieces(open))
    })
    .await;
    let mut client = fake.client().await;
    let asked = client.next_message_of_method("roots/list").await;
    let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"roots": []}});
    client.say(&answer).await;
    let posted = fake.asked("the client's answer", |asked| asked.body["result"].is_object()).await;
    assert_eq!(posted.body, answer);
    assert_eq!(posted.header("mcp-session-id"), Some("session-1"));
    client.next_message_of_method("notifications/tools/list_changed").await;
    let resumed = fake.all(|asked| asked.header("last-event-id").is_some());
    assert_eq!(resumed[0].header("last-event-id"), Some("7"));
}

#[tokio::test]
async fn headers_of_both_eras() {
    let fake = Fake::start(|asked| {
        asked.calls("resources/read").then(|| {
            json_answer(
                &json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32602, "message": "no"}}),
            )
        })
    })
    .await;
    let mut client = fake.client().await;
    client.ask("tools/list", json!({})).await;
    let list = fake.asked("a list", |asked| asked.calls("tools/list")).await;
    assert_eq!(list.header("mcp-session-id"), Some("session-1"));
    assert_eq!(list.header("mcp-protocol-version"), Some("2025-11-25"));
    assert_eq!(list.header("accept"), Some("application/json, text/event-stream"));
    assert!(list.header("host").is_some_and(|host| host.starts_with("127.0.0.1:")));
    assert_eq!(list.header("mcp-method"), None);
    let hello = fake.asked("hello", |asked| asked.calls("initialize")).await;
    assert_eq!(hello.header("mcp-protocol-version"), None);

    let mut client = fake.bridge();
    let params = agentport_tests::stdio::modern(json!({"uri": "file:///ä"}));
    client.ask("resources/read", params).await;
    let read = fake.asked("a read", |asked| asked.calls("resources/read")).await;
    assert_eq!(read.header("mcp-session-id"), None);
    assert_eq!(read.header("mcp-protocol-version"), Some("2026-07-28"));
    assert_eq!(read.header("mcp-method"), Some("resources/read"));
    assert_eq!(read.header("mcp-name"), Some("=?base64?ZmlsZTovLy/DpA==?="));
}
