//! Authentication of agents, and requests that are refused before it.

use agentport_tests::{Wire, wire::status_of};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::scene::Scene;

const BAD_KEY: &str = "ap_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[tokio::test]
async fn requests_without_a_valid_credential_are_refused() {
    let scene = Scene::empty().await;
    let nobody = Wire::new(scene.gateway.base());
    let good = scene.key.key.as_str();
    let refused = [
        nobody.clone(),
        nobody.clone().with_key(BAD_KEY),
        nobody.clone().with_key("not even a key"),
        nobody.clone().with("authorization", &format!("Bearer {BAD_KEY}")),
        nobody.clone().with("authorization", "Basic YTpi"),
        // A bad Bearer never falls back to the key header.
        nobody.clone().with("authorization", &format!("Bearer {BAD_KEY}")).with_key(good),
    ];
    for wire in refused {
        for path in ["/mcp", "/mcp/"] {
            let reply = wire.send(wire.modern(path, "tools/list", json!({}))).await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{:?}", wire.headers);
            let challenge = reply.header("www-authenticate").expect("a challenge");
            assert!(challenge.starts_with("Bearer"), "{challenge}");
            let pointer = format!(
                "resource_metadata=\"{}/.well-known/oauth-protected-resource{path}\"",
                scene.gateway.base()
            );
            assert!(challenge.contains(&pointer), "{challenge}");
        }
        assert_eq!(wire.get("/api/users/me").await.status, StatusCode::UNAUTHORIZED);
    }
    for wire in [
        nobody.clone().with_key(good),
        nobody.clone().with("authorization", &format!("Bearer {good}")),
    ] {
        for path in ["/mcp", "/mcp/"] {
            let reply = wire.send(wire.modern(path, "tools/list", json!({}))).await;
            assert_eq!(reply.status, StatusCode::OK, "without a redirect: {}", reply.text);
        }
    }
    scene.stop().await;
}

#[tokio::test]
async fn host_and_origin_must_be_our_own() {
    let scene = Scene::empty().await;
    let port = scene.gateway.port();
    let try_with = async |host: &str, origin: Option<&str>| {
        let mut wire = scene.wire.clone().with("host", host);
        if let Some(origin) = origin {
            wire = wire.with("origin", origin);
        }
        wire.send(wire.modern("/mcp", "tools/list", json!({}))).await
    };
    let own = format!("127.0.0.1:{port}");
    for (host, origin) in [
        (own.clone(), None),
        (format!("localhost:{port}"), None),
        (format!("[::1]:{port}"), None),
        (own.clone(), Some(format!("http://{own}"))),
        (own.clone(), Some(format!("http://localhost:{port}"))),
    ] {
        let reply = try_with(&host, origin.as_deref()).await;
        assert_eq!(reply.status, StatusCode::OK, "{host} {origin:?}: {}", reply.text);
        assert!(reply.header("access-control-allow-origin").is_none(), "no CORS");
    }
    let foreign_hosts = [
        "evil.example",
        "evil.example:80",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
    ];
    for host in foreign_hosts
        .map(ToOwned::to_owned)
        .into_iter()
        .chain([format!("evil.example:{port}"), format!("127.0.0.2:{port}")])
    {
        let reply = try_with(&host, None).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{host}: {}", reply.text);
    }
    for origin in [
        "http://evil.example",
        "null",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "file://",
        "https://localhost",
    ] {
        let reply = try_with(&own, Some(origin)).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{origin}: {}", reply.text);
    }
    let preflight = scene
        .wire
        .request(Method::OPTIONS, "/mcp")
        .header("origin", "http://evil.example")
        .header("access-control-request-method", "POST");
    let reply = scene.wire.send(preflight).await;
    assert!(!reply.status.is_success() && reply.header("access-control-allow-origin").is_none());
    scene.stop().await;
}

#[tokio::test]
async fn malformed_bodies_get_an_error_and_no_silence() {
    let scene = Scene::empty().await;
    let session = scene.wire.open_session().await;
    let in_session = scene.wire.clone().with("mcp-session-id", &session);
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let bodies = [
        "{",
        "",
        "null",
        "42",
        "\"text\"",
        "[]",
        &json!([list]).to_string(),
        &json!({"jsonrpc": "2.0", "id": null, "method": "tools/list"}).to_string(),
        &json!({"jsonrpc": "1.0", "id": 1, "method": "tools/list"}).to_string(),
        &json!({"id": 1}).to_string(),
    ]
    .map(ToOwned::to_owned);
    for wire in [&scene.wire, &in_session] {
        for body in &bodies {
            let reply = wire.post_mcp("/mcp", body.clone()).await;
            assert!(reply.status.is_client_error(), "{body:?}: {} {}", reply.status, reply.text);
            assert!(!reply.text.is_empty(), "{body:?} is answered in words");
        }
    }
    for batch in ["[]".to_owned(), json!([list]).to_string()] {
        let reply = in_session.post_mcp("/mcp", batch).await;
        assert!(
            reply.json().pointer("/error/message").is_some_and(Value::is_string),
            "{}",
            reply.text
        );
    }
    // The gateway has taken no harm.
    let reply = in_session.post_mcp("/mcp", list.to_string()).await;
    assert_eq!(reply.status, StatusCode::OK);
    scene.stop().await;
}

#[tokio::test]
async fn too_large_is_413() {
    let scene = Scene::empty().await;
    let padding = "x".repeat(4 * 1024 * 1024);
    let large =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"padding": padding}});
    let reply = scene.wire.post_mcp("/mcp", large.to_string()).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", reply.text);
    // Announced, and never sent: the gateway need not wait for it.
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nX-API-Key: {}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n{{",
        scene.gateway.port(),
        scene.key.key
    );
    assert_eq!(status_of(&scene.wire.bytes(head.as_bytes()).await), 413);
    scene.stop().await;
}

#[tokio::test]
async fn unknown_ways_to_narrow_are_refused() {
    let scene = Scene::empty().await;
    let status = async |query: &str| {
        let request = scene.wire.modern(&format!("/mcp?{query}"), "tools/list", json!({}));
        let reply = scene.wire.send(request).await;
        (reply.status.as_u16(), reply.text)
    };
    for bad in [
        "profile=nowhere",
        "profile=",
        "tags=",
        "tags=nothing-has-this",
        "mode=everything",
        "mode=",
    ] {
        let (status, text) = status(bad).await;
        assert_eq!(status, 400, "{bad}: {text}");
    }
    assert_eq!(status("mode=direct").await.0, 200);
    assert_eq!(status("mode=meta").await.0, 200);
    scene.stop().await;
}

#[tokio::test]
async fn a_revoked_key_is_out_at_once() {
    let scene = Scene::empty().await;
    let session = scene.wire.open_session().await;
    let stream = scene
        .wire
        .request(Method::GET, "/mcp")
        .header("accept", "text/event-stream")
        .header("mcp-session-id", &session);
    let stream = stream.send().await.expect("the gateway answers");
    assert_eq!(stream.status(), StatusCode::OK);
    scene.owner.revoke(&scene.key).await;
    agentport_tests::soon("the open stream closes", stream.text()).await.ok();
    let list = scene.wire.modern("/mcp", "tools/list", json!({}));
    assert_eq!(scene.wire.send(list).await.status, StatusCode::UNAUTHORIZED);
    let views = scene.owner.keys().await;
    assert!(views.iter().any(|key| key.id == scene.key.id && key.revoked_at.is_some()));
    scene.stop().await;
}

#[tokio::test]
async fn an_expired_key_is_out() {
    let scene = Scene::empty().await;
    let past = json!({"name": "late", "expires_at": "2020-01-01T00:00:00Z"});
    let reply = scene.owner.send(Method::POST, "/control/keys", Some(past)).await;
    assert!(
        reply.status.is_client_error(),
        "a key that has expired already is a mistake: {}",
        reply.text
    );
    assert!(
        !scene.owner.keys().await.iter().any(|key| key.name == "late"),
        "and leaves nothing behind"
    );
    let far = json!({"name": "later", "expires_at": "2099-01-01T00:00:00Z"});
    let key = scene.owner.create_key_with(far).await;
    assert_eq!(key.key.len(), 35);
    scene.gateway.wire(&key).rpc("tools/list", json!({})).await;
    let used =
        scene.owner.keys().await.into_iter().find(|view| view.id == key.id).expect("it is listed");
    assert_eq!(used.prefix, key.key[..12]);
    scene
        .owner
        .until("last_used_at", async || {
            let keys = scene.owner.keys().await;
            keys.into_iter().find(|view| view.id == key.id)?.last_used_at
        })
        .await;
    scene.stop().await;
}
