//! What the external port refuses.

use agentport_api::ApproveConsent;
use agentport_tests::{Wire, oauth_agent::bearer};
use http::{Method, StatusCode};
use serde_json::json;

use super::{External, at, external_port, reverse_proxy::HOST, sign_in};

#[tokio::test]
async fn nothing_but_the_agent_api_is_there() {
    let external = External::start().await;
    for path in [
        "/",
        "/index.html",
        "/control/status",
        "/control/login",
        "/control/consents",
        "/approve/019a9f00-0000-7000-8000-000000000001",
        "/.well-known/openid-configuration",
    ] {
        for method in [Method::GET, Method::POST, Method::PUT] {
            let reply = external.wire.send(external.wire.request(method.clone(), path)).await;
            assert_eq!(reply.status, StatusCode::NOT_FOUND, "{method} {path}: {}", reply.text);
        }
    }
    assert_eq!(external.wire.get("/health").await.status, StatusCode::OK);
    external.scene.stop().await;
}

#[tokio::test]
async fn its_documents_name_the_external_origin_and_nothing_else() {
    let external = External::start().await;
    let refused = external.wire.get("/mcp").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let metadata = format!("{}/.well-known/oauth-protected-resource/mcp", external.origin);
    let challenge = refused.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains(&metadata), "{challenge}");
    let resource = external.wire.get("/.well-known/oauth-protected-resource/mcp").await;
    assert_eq!(resource.json()["resource"], format!("{}/mcp", external.origin));
    assert_eq!(resource.json()["authorization_servers"], json!([external.origin]));
    let server = external.wire.get("/.well-known/oauth-authorization-server").await;
    for text in [&resource.text, &server.text] {
        assert!(!text.contains("127.0.0.1") && !text.contains("localhost"), "{text}");
    }
    external.scene.stop().await;
}

#[tokio::test]
async fn keys_and_tokens_of_the_other_side_let_nothing_in() {
    let external = External::start().await;
    let list = |wire: Wire| async move {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
        let body = request.to_string();
        wire.post_mcp("/mcp", body).await.status
    };
    let key = external.wire.clone().with_key(&external.scene.key.key);
    assert_eq!(list(key).await, StatusCode::UNAUTHORIZED, "a key");
    let far = external.sign_in().await;
    let near = sign_in(&external.scene, &Wire::new(external.scene.gateway.base())).await;
    let with =
        |wire: &Wire, token: &str| wire.clone().with("authorization", &format!("Bearer {token}"));
    assert_ne!(list(with(&external.wire, &far)).await, StatusCode::UNAUTHORIZED);
    assert_eq!(list(with(&external.wire, &near)).await, StatusCode::UNAUTHORIZED);
    let base = external.scene.gateway.base();
    assert_eq!(list(bearer(base, &far)).await, StatusCode::UNAUTHORIZED);
    assert_ne!(list(bearer(base, &near)).await, StatusCode::UNAUTHORIZED);
    let agents = external.scene.owner.oauth_agents().await;
    let remote = agents.iter().filter(|agent| agent.oauth.as_ref().is_some_and(|way| way.remote));
    assert_eq!((agents.len(), remote.count()), (2, 1));
    external.scene.stop().await;
}

/// Of a token, the last place it can be used in: a program that reads only what the proxy says of the client.
#[tokio::test]
async fn other_hosts_and_what_a_proxy_says_of_them_are_not_believed() {
    let external = External::start().await;
    let port = external_port(&external.scene).await;
    let own = format!("127.0.0.1:{port}");
    let gateway = format!("127.0.0.1:{}", external.scene.gateway.port());
    for host in ["localhost", "evil.example.com", "agents.example.com.evil.example", &own, &gateway]
    {
        let wire = at(port).with("host", host).with("x-forwarded-host", HOST);
        let reply = wire.with("forwarded", &format!("host={HOST}")).get("/health").await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{host}");
    }
    let twice = format!("GET /health HTTP/1.1\r\nHost: {HOST}\r\nHost: evil.example\r\n\r\n");
    let elsewhere = format!("GET http://evil.example/health HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    for request in [twice, elsewhere] {
        let answer = at(port).bytes(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{request}: {answer}");
    }
    for origin in ["https://evil.example", "http://agents.example.com", "null"] {
        let reply = external.wire.clone().with("origin", origin).get("/health").await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{origin}");
    }
    let forwarded = external
        .wire
        .clone()
        .with("x-forwarded-host", &gateway)
        .with("x-forwarded-for", "127.0.0.1")
        .with("x-forwarded-proto", "http");
    assert_eq!(forwarded.get("/control/status").await.status, StatusCode::NOT_FOUND);
    let document = forwarded.get("/.well-known/oauth-authorization-server").await;
    assert_eq!(document.json()["issuer"], external.origin);
    // The gateway's own port does not answer for the external host.
    let inside = Wire::new(external.scene.gateway.base()).with("host", HOST);
    assert_eq!(inside.get("/health").await.status, StatusCode::FORBIDDEN);
    external.scene.stop().await;
}

/// The digits of the page are typed, so that nobody lets in what somebody else asked for.
#[tokio::test]
async fn a_request_from_outside_needs_the_digits_of_its_page() {
    let external = External::start().await;
    let body = json!({ "client_name": "Far away", "redirect_uris": ["http://localhost:3030/cb"] });
    let client = external.wire.post("/oauth/register", &body).await.json()["client_id"].clone();
    let query = format!(
        "response_type=code&client_id={}&redirect_uri=http%3A%2F%2Flocalhost%3A3030%2Fcb&\
         code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        client.as_str().expect("a client id")
    );
    external.wire.get(&format!("/oauth/authorize?{query}")).await;
    let consent = external.scene.owner.one_consent().await;
    let wrong = if consent.code == "0000" { "0001" } else { "0000" };
    for code in [None, Some(wrong.to_owned())] {
        let body = ApproveConsent { code, ..ApproveConsent::default() };
        let reply = external.scene.owner.try_consent(consent.id, &body).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", reply.text);
        assert_eq!(reply.json()["field"], "code");
    }
    external.scene.owner.give_consent(&consent).await;
    external.scene.stop().await;
}

/// Renewing a token is never counted as part of a flood.
#[tokio::test]
async fn a_flood_without_a_token_is_turned_away_and_agents_go_on() {
    let external = External::start().await;
    let token = external.sign_in().await;
    let mut last = StatusCode::UNAUTHORIZED;
    for _ in 0..400 {
        last = external.wire.get("/mcp").await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let signed_in = external.wire.clone().with("authorization", &format!("Bearer {token}"));
    let call = signed_in.call_tool("fx", "echo", json!({ "text": "still here" })).await;
    assert_eq!(call.ran().text, "still here");
    external.scene.stop().await;
}
