//! Requests to `/sse` and `/messages` that are refused, and clients that want too much.

use std::time::Duration;

use agentport_tests::{
    EventStream, SOON, Wire,
    http_sse::{hello, post, request},
    soon, within,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::scene::Scene;

const BAD_KEY: &str = "ap_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[tokio::test]
async fn without_a_valid_credential_the_answer_is_that_of_mcp() {
    let scene = Scene::empty().await;
    let nobody = Wire::new(scene.gateway.base());
    let good = scene.key.key.as_str();
    for wire in [
        nobody.clone(),
        nobody.clone().with_key(BAD_KEY),
        nobody.clone().with("authorization", &format!("Bearer {BAD_KEY}")),
        nobody.clone().with("authorization", &format!("Bearer {BAD_KEY}")).with_key(good),
    ] {
        let there = wire.send(wire.modern("/mcp", "tools/list", json!({}))).await;
        let message =
            post(&wire, "/messages?sessionId=x", request(1, "ping", json!({})).to_string()).await;
        let streams =
            [wire.get("/sse").await, wire.get("/sse/").await, wire.get("/sse?mode=nonsense").await];
        for reply in streams.into_iter().chain([message]) {
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{}", reply.text);
            assert_eq!(reply.text, there.text);
            let challenge = reply.header("www-authenticate").expect("a challenge");
            assert!(challenge.starts_with("Bearer"), "{challenge}");
            assert!(
                challenge.contains("/.well-known/oauth-protected-resource/sse\""),
                "{challenge}"
            );
        }
    }
    for wire in
        [nobody.clone().with_key(good), nobody.with("authorization", &format!("Bearer {good}"))]
    {
        for path in ["/sse", "/sse/"] {
            let mut stream = EventStream::try_open(&wire, path).await.expect("a stream");
            assert!(stream.endpoint.starts_with("/messages?sessionId="), "{}", stream.endpoint);
            stream.initialize().await;
        }
    }
    scene.stop().await;
}

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused() {
    let scene = Scene::empty().await;
    let stream = EventStream::ready(&scene.wire, "").await;
    let own = format!("127.0.0.1:{}", scene.gateway.port());
    for (host, origin) in [
        ("evil.example", None),
        ("127.0.0.1:1", None),
        (own.as_str(), Some("http://evil.example")),
        (own.as_str(), Some("null")),
    ] {
        let mut wire = scene.wire.clone().with("host", host);
        if let Some(origin) = origin {
            wire = wire.with("origin", origin);
        }
        let refused = EventStream::try_open(&wire, "/sse").await.expect_err("no stream");
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{host} {origin:?}");
        assert!(refused.header("access-control-allow-origin").is_none());
        let refused =
            post(&wire, &stream.endpoint, request(1, "ping", json!({})).to_string()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{host} {origin:?}");
    }
    drop(stream);
    scene.stop().await;
}

#[tokio::test]
async fn other_methods_and_queries_are_refused() {
    let scene = Scene::empty().await;
    let stream = EventStream::ready(&scene.wire, "").await;
    for (path, allowed) in [("/sse", "GET"), (stream.endpoint.as_str(), "POST")] {
        for method in
            [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::HEAD, Method::OPTIONS]
        {
            if method == allowed {
                continue;
            }
            let reply = scene.wire.send(scene.wire.request(method.clone(), path)).await;
            assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(reply.header("allow"), Some(allowed));
        }
    }
    for bad in
        ["", "?sessionId=", "?session_id=x", &format!("?sessionId={}&mode=direct", stream.session)]
    {
        let reply = post(
            &scene.wire,
            &format!("/messages{bad}"),
            request(1, "ping", json!({})).to_string(),
        )
        .await;
        assert!(reply.status.is_client_error(), "{bad}: {}", reply.text);
        assert!(reply.text.contains("session"), "{bad}: {}", reply.text);
    }
    for bad in ["mode=", "mode=everything", "profile=nowhere", "tags=", "sessionId=x"] {
        let refused = EventStream::try_open(&scene.wire, &format!("/sse?{bad}"))
            .await
            .expect_err("no stream");
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{bad}: {}", refused.text);
    }
    let json = scene.wire.request(Method::GET, "/sse").header("accept", "application/json");
    assert_eq!(scene.wire.send(json).await.status, StatusCode::NOT_ACCEPTABLE);
    drop(stream);
    scene.stop().await;
}

#[tokio::test]
async fn malformed_messages_are_refused_and_the_session_goes_on() {
    let scene = Scene::empty().await;
    let mut stream = EventStream::ready(&scene.wire, "").await;
    let ping = request(1, "ping", json!({}));
    for bad in [
        "{",
        "",
        "null",
        "42",
        "[]",
        &json!([ping]).to_string(),
        r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#,
        r#"{"jsonrpc":"2.0","result":{}}"#,
    ] {
        let reply = stream.post(bad.to_owned()).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{bad}: {}", reply.text);
        assert!(reply.json()["error"]["message"].is_string(), "{bad}: {}", reply.text);
    }
    let form = scene
        .wire
        .request(Method::POST, &stream.endpoint)
        .header("content-type", "text/plain")
        .body(ping.to_string());
    assert_eq!(scene.wire.send(form).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let padding = "x".repeat(4 * 1024 * 1024);
    let large = request(1, "ping", json!({"padding": padding}));
    assert_eq!(stream.post(large.to_string()).await.status, StatusCode::PAYLOAD_TOO_LARGE);

    // A request whose parameters are wrong is answered like any other: on the stream.
    for (id, method, params, named) in [
        (21, "tools/call", json!({}), "params.name is missing"),
        (
            22,
            "tools/call",
            json!({"name": "agentport__whoami", "arguments": "{}"}),
            "params.arguments",
        ),
    ] {
        let answer = stream.ask(id, method, params).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        assert!(
            answer["error"]["message"].as_str().is_some_and(|text| text.contains(named)),
            "{answer}"
        );
    }
    stream
        .say(
            &serde_json::from_str::<Value>(
                r#"{"jsonrpc":"2.0","id":"no-such-request","result":{}}"#,
            )
            .expect("JSON"),
        )
        .await;
    stream.ask(23, "ping", json!({})).await;
    assert!(!scene.gateway.stderr().contains("panicked"), "{}", scene.gateway.stderr());
    drop(stream);
    scene.stop().await;
}

#[tokio::test]
async fn a_session_begins_with_initialize() {
    let scene = Scene::open().await;
    let mut stream = EventStream::open(&scene.wire, "").await;
    let early = stream.ask(1, "tools/list", json!({})).await;
    assert!(early["error"]["message"].is_string(), "{early}");
    let params = json!({"name": "agentport__call_tool", "arguments": {
        "integration_id": "fx", "tool_name": "counter", "arguments": {},
    }});
    let early = stream.ask(2, "tools/call", params).await;
    assert!(early["error"]["message"].is_string(), "{early}");
    assert_eq!(scene.runs("counter"), 0);
    stream.initialize().await;
    stream.ask(3, "tools/list", json!({})).await["result"]["tools"].as_array().expect("tools");
    drop(stream);
    scene.stop().await;
}

#[tokio::test]
async fn a_flood_of_streams_is_bounded() {
    let scene = Scene::empty().await;
    let mut streams = Vec::new();
    let refused = loop {
        match EventStream::try_open(&scene.wire, "/sse").await {
            Ok(stream) => streams.push(stream),
            Err(refused) => break refused,
        }
        assert!(streams.len() < 100, "there is no bound");
    };
    assert_eq!(
        (refused.status, streams.len()),
        (StatusCode::TOO_MANY_REQUESTS, 16),
        "{}",
        refused.text
    );
    // Others are not concerned, and neither are the agent's other ways in.
    EventStream::ready(&scene.another().await, "").await;
    scene.wire.rpc("tools/list", json!({})).await["tools"].as_array().expect("tools");
    streams.pop();
    let again = async || EventStream::try_open(&scene.wire, "/sse").await.ok();
    let mut again = scene.owner.until("a place comes back", again).await;
    again.initialize().await;
    drop((streams, again));
    scene.stop().await;
}

#[tokio::test]
async fn running_requests_of_a_session_are_bounded() {
    let scene = Scene::open().await;
    let mut stream = EventStream::ready(&scene.wire, "").await;
    let slow = |id| {
        request(
            id,
            "tools/call",
            json!({"name": "agentport__call_tool", "arguments": {
                "integration_id": "fx", "tool_name": "slow", "arguments": {"ms": 60_000},
            }}),
        )
    };
    let mut running = 0;
    let refused = loop {
        let reply = stream.post(slow(100 + running).to_string()).await;
        if reply.status != StatusCode::ACCEPTED {
            break reply;
        }
        running += 1;
        assert!(running < 1_000, "there is no bound");
    };
    assert_eq!((refused.status, running), (StatusCode::TOO_MANY_REQUESTS, 64), "{}", refused.text);
    // To cancel needs no place, and gives one back.
    stream.say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 100}})).await;
    let taken = async || {
        (stream.post(request(1, "ping", json!({})).to_string()).await.status
            == StatusCode::ACCEPTED)
            .then_some(())
    };
    scene.owner.until("a place comes back", taken).await;
    stream.until("the answer", |message| message["id"] == 1).await;
    drop(stream);
    scene.stop().await;
}

/// Opens a stream on a connection of its own, and reads no more than the first event.
async fn unread_stream(scene: &Scene) -> (TcpStream, String) {
    let port = scene.gateway.port();
    let mut connection =
        TcpStream::connect(("127.0.0.1", port)).await.expect("the gateway listens");
    let head = format!(
        "GET /sse HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-API-Key: {}\r\nAccept: text/event-stream\r\n\r\n",
        scene.key.key
    );
    connection.write_all(head.as_bytes()).await.expect("it reads");
    let mut read = Vec::new();
    let endpoint = loop {
        soon("the first event", connection.read_buf(&mut read)).await.expect("it answers");
        let text = String::from_utf8_lossy(&read);
        if let Some((_, rest)) = text.split_once("data: ")
            && let Some((endpoint, _)) = rest.split_once('\n')
        {
            break format!("/{endpoint}");
        }
    };
    (connection, endpoint)
}

#[tokio::test]
async fn a_stream_that_is_not_read_is_closed() {
    let scene = Scene::open().await;
    let (connection, endpoint) = unread_stream(&scene).await;
    let accepted =
        post(&scene.wire, &endpoint, request(0, "initialize", hello("2024-11-05")).to_string())
            .await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED);
    let text = "x".repeat(1024 * 1024);
    let echo = |id| {
        request(
            id,
            "tools/call",
            json!({"name": "agentport__call_tool", "arguments": {
                "integration_id": "fx", "tool_name": "echo", "arguments": {"text": text},
            }}),
        )
    };
    let closed = async {
        for id in 1..200 {
            let reply = post(&scene.wire, &endpoint, echo(id).to_string()).await;
            match reply.status {
                StatusCode::ACCEPTED => {}
                // The upstream is slower than the posts.
                StatusCode::TOO_MANY_REQUESTS => {
                    tokio::time::sleep(Duration::from_millis(20)).await
                }
                StatusCode::NOT_FOUND => return,
                other => panic!("{other}: {}", reply.text),
            }
        }
        panic!("it takes answers without end");
    };
    within(SOON * 3, "the session ends", closed).await;
    drop(connection);
    scene.stop().await;
}
