//! Malformed requests: the answer names the field at fault. Unusual spellings are accepted.

use agentport_tests::{Wire, wire::Reply};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::scene::Scene;

/// Without a session, and in one: the fast path and the protocol library.
async fn both_ways(scene: &Scene) -> [Wire; 2] {
    let session = scene.wire.open_session().await;
    [scene.wire.clone(), scene.wire.clone().with("mcp-session-id", &session)]
}

fn error(reply: &Reply) -> (i64, String, Value) {
    let json = reply.json();
    let message = json["error"]["message"].as_str().unwrap_or_default().to_owned();
    (json["error"]["code"].as_i64().unwrap_or_default(), message, json["id"].clone())
}

#[tokio::test]
async fn an_id_that_is_no_string_and_no_integer_is_refused_on_every_path() {
    let scene = Scene::empty().await;
    let long = json!("i".repeat(2_000)).to_string();
    for wire in both_ways(&scene).await {
        for id in ["{}", r#"{"a":1}"#, "[]", "[1]", "true", "false", "1.5", "1e2", "null", &long] {
            for rest in [
                r#""method":"tools/call","params":{"name":"agentport__whoami","arguments":{}}"#,
                r#""method":"tools/list""#,
                r#""method":"ping""#,
                r#""result":{}"#,
            ] {
                let body = format!(r#"{{"jsonrpc":"2.0","id":{id},{rest}}}"#);
                let reply = wire.post_mcp("/mcp", body.clone()).await;
                assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body:.100}: {}", reply.text);
                let (code, message, answered) = error(&reply);
                assert_eq!((code, answered), (-32600, Value::Null), "{body:.100}: {message}");
                assert!(message.contains("id "), "{body:.100}: {message}");
            }
        }
    }
    scene.stop().await;
}

#[tokio::test]
async fn the_field_at_fault_is_named() {
    let scene = Scene::empty().await;
    for wire in both_ways(&scene).await {
        for (body, status, code, named) in [
            (json!({"id": 7, "method": "ping"}), 400, -32600, "jsonrpc is missing"),
            (json!({"jsonrpc": 2, "id": 7, "method": "ping"}), 400, -32600, "jsonrpc has to be"),
            (json!({"jsonrpc": "2.0", "id": 7}), 400, -32600, "method is missing"),
            (json!({"jsonrpc": "2.0", "id": 7, "method": 3}), 400, -32600, "method has to be"),
            (
                json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": []}),
                400,
                -32600,
                "params has to be an object",
            ),
            (
                json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {}}),
                200,
                -32602,
                "params.name is missing",
            ),
            (
                json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call",
                       "params": {"name": "agentport__whoami", "arguments": "{}"}}),
                200,
                -32602,
                "params.arguments has to be an object, not a string",
            ),
            (
                json!({"jsonrpc": "2.0", "id": 7, "method": "initialize",
                       "params": {"capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}}),
                200,
                -32602,
                "params.protocolVersion is missing",
            ),
        ] {
            let reply = wire.post_mcp("/mcp", body.to_string()).await;
            let (got, message, id) = error(&reply);
            assert_eq!(
                (u64::from(reply.status.as_u16()), got, id),
                (status, code, json!(7)),
                "{body}: {message}"
            );
            assert!(message.contains(named), "{body}: {message}");
        }
        let no_id = json!({"jsonrpc": "2.0", "method": "tools/list"}).to_string();
        let reply = wire.post_mcp("/mcp", no_id).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{}", reply.text);
        assert!(error(&reply).1.contains("id is missing"), "{}", reply.text);
    }
    scene.stop().await;
}

#[tokio::test]
async fn an_accept_header_that_allows_both_types_is_taken_in_any_spelling() {
    let scene = Scene::empty().await;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "x", "version": "1"},
    }});
    let post = async |accept: &[&str], kind: &str| {
        let mut request = scene.wire.request(Method::POST, "/mcp").header("content-type", kind);
        for value in accept {
            request = request.header("accept", *value);
        }
        scene.wire.send(request.body(body.to_string())).await
    };
    for accept in [
        &["*/*"][..],
        &["application/*, text/*"],
        &["Application/JSON, TEXT/event-stream;q=0.5"],
        &["text/event-stream;q=0.1, application/json;charset=utf-8"],
        &["application/json", "text/event-stream"],
    ] {
        let reply = post(accept, "Application/JSON; charset=utf-8").await;
        assert_eq!(reply.status, StatusCode::OK, "{accept:?}: {}", reply.text);
    }
    let reply = post(&["application/json"], "application/json").await;
    assert_eq!(reply.status, StatusCode::NOT_ACCEPTABLE, "{}", reply.text);
    assert!(reply.text.contains("Accept") && reply.text.contains("text/event-stream"));
    let reply = post(&["*/*"], "text/plain").await;
    assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{}", reply.text);
    assert!(reply.text.contains("Content-Type"), "{}", reply.text);
    scene.stop().await;
}

#[tokio::test]
async fn a_key_pasted_with_more_around_it_is_mended_or_refused_with_the_reason() {
    let scene = Scene::empty().await;
    let key = scene.key.key.as_str();
    let nobody = Wire::new(scene.gateway.base());
    for (header, value) in [
        ("authorization", format!("Bearer Bearer {key}")),
        ("authorization", format!("bearer   {key} ")),
        ("authorization", format!("Bearer\t{key}")),
        ("authorization", format!("Bearer \"{key}\"")),
        ("x-api-key", format!(" {key} ")),
        ("x-api-key", format!("Bearer {key}")),
    ] {
        let reply = nobody.clone().with(header, &value).get("/api/users/me").await;
        assert_eq!(reply.status, StatusCode::OK, "{header}: {value:?}: {}", reply.text);
    }
    for (header, value, named) in [
        ("authorization", format!("Basic {key}"), "Bearer"),
        ("authorization", format!("Bearer {key}x"), "32 characters"),
        ("authorization", format!("Bearer {}", &key[..20]), "32 characters"),
        ("x-api-key", format!("{key} {key}"), "32 characters"),
        ("x-api-key", format!("ap_{}", "A".repeat(32)), "not known"),
    ] {
        let wire = nobody.clone().with(header, &value);
        for reply in [wire.get("/api/users/me").await, wire.post_mcp("/mcp", "{}".to_owned()).await]
        {
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{header}: {value:?}");
            assert!(reply.text.contains(named), "{header}: {value:?}: {}", reply.text);
        }
    }
    scene.stop().await;
}
