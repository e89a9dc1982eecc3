//! What a request without a valid credential is answered (RFC 9728 section 5.1, RFC 6750 section 3).

use agentport_tests::{
    Wire,
    oauth_agent::{FormClient, challenge_parameter},
    wire::Reply,
};
use http::{Method, StatusCode};
use serde_json::json;

use super::{MINUTE, list};
use crate::scene::Scene;

/// Every method a client may use on the endpoint.
async fn every_method(wire: &Wire, path: &str) -> Vec<(Method, Reply)> {
    let mut answers = Vec::new();
    for method in [Method::GET, Method::POST, Method::DELETE] {
        let request = wire
            .request(method.clone(), path)
            .header("accept", "application/json, text/event-stream");
        let request = if method == Method::POST {
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
            request.json(&body)
        } else {
            request
        };
        answers.push((method, wire.send(request).await));
    }
    answers
}

#[track_caller]
fn assert_dead(reply: &Reply) {
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{}", reply.text);
    assert_eq!(challenge_parameter(reply, "error").as_deref(), Some("invalid_token"));
    assert!(challenge_parameter(reply, "resource_metadata").is_some(), "{:?}", reply.headers);
}

#[tokio::test]
async fn each_method_without_a_credential_is_pointed_to_the_metadata_of_the_address_it_used() {
    let scene = Scene::empty().await;
    for origin in
        [scene.gateway.base().to_owned(), format!("http://localhost:{}", scene.gateway.port())]
    {
        for path in ["/mcp", "/mcp/"] {
            for (method, reply) in every_method(&Wire::new(&origin), path).await {
                assert_eq!(
                    reply.status,
                    StatusCode::UNAUTHORIZED,
                    "{method} {origin}{path}: {}",
                    reply.text
                );
                assert_eq!(challenge_parameter(&reply, "error"), None, "nothing was shown");
                let scope = challenge_parameter(&reply, "scope");
                assert!(scope.is_some_and(|scope| !scope.is_empty()), "{:?}", reply.headers);
                let pointer = challenge_parameter(&reply, "resource_metadata").expect("a pointer");
                assert!(pointer.starts_with(&origin), "{pointer}");
                let document = FormClient::default().get(&pointer).await.json();
                assert_eq!(document["resource"], format!("{origin}{path}"), "{method}");
            }
        }
    }
    scene.stop().await;
}

#[tokio::test]
async fn an_unknown_token_is_named_as_the_reason() {
    let scene = Scene::empty().await;
    let (_, tokens) = scene.signed_in().await;
    let mut nearly = tokens.access_token.clone();
    let last = nearly.pop().expect("a character");
    nearly.push(if last == 'A' { 'Q' } else { 'A' });
    for token in [
        &nearly,
        &tokens.refresh_token,
        "ap_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "x",
        "eyJhbGciOiJub25lIn0.e30.",
    ] {
        for (_, reply) in every_method(&scene.bearer(token), "/mcp").await {
            assert_dead(&reply);
        }
    }
    assert_eq!(list(&scene.bearer(&tokens.access_token)).await.status, StatusCode::OK);
    scene.stop().await;
}

#[tokio::test]
async fn an_expired_token_is_refused_and_its_refresh_works() {
    let scene = Scene::empty().await;
    let (client, tokens) = scene.signed_in().await;
    assert_eq!(tokens.expires_in, 3600);
    let scene = scene.after(59 * MINUTE).await;
    assert_eq!(list(&scene.bearer(&tokens.access_token)).await.status, StatusCode::OK);
    let scene = scene.after(2 * MINUTE).await;
    for (_, reply) in every_method(&scene.bearer(&tokens.access_token), "/mcp").await {
        assert_dead(&reply);
    }
    let fresh = agentport_tests::TokenSet::of(&client.refresh(&tokens.refresh_token).await);
    assert_eq!(list(&scene.bearer(&fresh.access_token)).await.status, StatusCode::OK);
    scene.stop().await;
}

#[tokio::test]
async fn a_revoked_token_is_refused() {
    let scene = Scene::empty().await;
    let (client, tokens) = scene.signed_in().await;
    let reply = client.revoke(&tokens.access_token).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    for (_, reply) in every_method(&scene.bearer(&tokens.access_token), "/mcp").await {
        assert_dead(&reply);
    }
    scene.stop().await;
}

#[tokio::test]
async fn an_unknown_key_is_a_401_with_the_way_to_sign_in() {
    let scene = Scene::empty().await;
    let wire = Wire::new(scene.gateway.base()).with_key("ap_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let reply = list(&wire).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert!(challenge_parameter(&reply, "resource_metadata").is_some(), "{:?}", reply.headers);
    scene.stop().await;
}
