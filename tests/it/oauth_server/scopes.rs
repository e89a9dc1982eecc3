//! Scopes and resources (RFC 8707): what clients send besides, and what becomes of it.

use agentport_tests::{
    OAuthAgent, OAuthProvider, TokenSet, oauth_agent::AuthorizePage, oauth_provider::ConsentBrowser,
};
use http::StatusCode;
use serde_json::json;

use super::{assert_refused, oauth_error, status};
use crate::scene::Scene;

#[tokio::test]
async fn scopes_that_are_not_known_are_ignored_and_the_granted_ones_are_named() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    let known: Vec<_> = client.found.server["scopes_supported"].as_array().expect("a list").clone();
    let mut granted = None;
    for scope in [
        None,
        Some(""),
        Some("openid email profile"),
        Some("offline_access"),
        Some("agentport everything"),
        Some("\u{7f}é"),
    ] {
        let request = match scope {
            Some(scope) => client.request().with("scope", scope),
            None => client.request(),
        };
        let code = client.consented(&scene.owner, &request).await.code();
        let tokens = TokenSet::of(&client.exchange(&code, &request).await);
        for word in tokens.scope.split(' ') {
            assert!(known.contains(&json!(word)), "{scope:?}: {}", tokens.scope);
        }
        assert_eq!(*granted.get_or_insert(tokens.scope.clone()), tokens.scope, "{scope:?}");
        assert_eq!(status(&tokens.wire(&scene.gateway)).await, StatusCode::OK);
    }
    scene.stop().await;
}

#[tokio::test]
async fn the_resource_may_be_absent_or_end_with_a_slash_or_use_another_of_our_names() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    let port = scene.gateway.port();
    let own = client.found.resource().to_owned();
    let base = scene.gateway.base().to_owned();
    for resource in [
        None,
        Some(own.clone()),
        Some(format!("{own}/")),
        Some(format!("http://localhost:{port}/mcp")),
        Some(format!("http://[::1]:{port}/mcp")),
        Some(base.clone()),
        Some(format!("{base}/")),
    ] {
        let request = match &resource {
            Some(resource) => client.request().with("resource", resource),
            None => client.request().without("resource"),
        };
        let code = client.consented(&scene.owner, &request).await.code();
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", request.redirect_uri.as_str()),
            ("client_id", client.client_id.as_str()),
            ("code_verifier", request.verifier.as_str()),
        ];
        fields.extend(resource.as_deref().map(|resource| ("resource", resource)));
        let tokens = TokenSet::of(&client.token(&fields).await);
        assert_eq!(status(&tokens.wire(&scene.gateway)).await, StatusCode::OK, "{resource:?}");
        let mut fields = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.refresh_token.as_str()),
            ("client_id", client.client_id.as_str()),
        ];
        fields.extend(resource.as_deref().map(|resource| ("resource", resource)));
        let fresh = TokenSet::of(&client.token(&fields).await);
        assert_eq!(status(&fresh.wire(&scene.gateway)).await, StatusCode::OK, "{resource:?}");
    }
    scene.stop().await;
}

#[tokio::test]
async fn another_servers_resource_is_refused_at_each_step() {
    let scene = Scene::empty().await;
    let (client, tokens) = scene.signed_in().await;
    let port = scene.gateway.port();
    for resource in [
        "https://mcp.example/mcp".to_owned(),
        format!("http://127.0.0.1:{}/mcp", port.wrapping_add(1).max(1024)),
        format!("https://127.0.0.1:{port}/mcp"),
        format!("http://127.0.0.1:{port}/other"),
        "nonsense".to_owned(),
    ] {
        let request = client.request().with("resource", &resource);
        let callback = AuthorizePage::open(&request.url()).await.sent_back();
        assert_eq!(callback.get("error").as_deref(), Some("invalid_target"), "{resource}");
        let refresh = client
            .token(&[
                ("grant_type", "refresh_token"),
                ("refresh_token", &tokens.refresh_token),
                ("client_id", &client.client_id),
                ("resource", &resource),
            ])
            .await;
        assert_refused(&refresh, StatusCode::BAD_REQUEST, "invalid_target");
    }
    // That cost the client nothing.
    TokenSet::of(&client.refresh(&tokens.refresh_token).await);
    scene.stop().await;
}

#[tokio::test]
async fn an_unknown_client_is_401_at_the_token_endpoint_and_a_page_at_authorize() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    for id in ["nobody", "", "https://client.example/metadata.json", "' OR 1=1 --"] {
        let reply = client
            .token(&[
                ("grant_type", "authorization_code"),
                ("code", "apc_x"),
                ("redirect_uri", &client.redirect_uri),
                ("client_id", id),
                ("code_verifier", "x"),
            ])
            .await;
        assert_refused(&reply, StatusCode::UNAUTHORIZED, "invalid_client");
        let request = client.request().with("client_id", id);
        let page = AuthorizePage::open(&request.url()).await;
        let text = page.explains().to_lowercase();
        assert!(text.contains("sign in") || text.contains("again"), "it names the remedy: {text}");
    }
    let none = client.token(&[("grant_type", "refresh_token"), ("refresh_token", "apr_x")]).await;
    assert!(["invalid_client", "invalid_request"].contains(&oauth_error(&none).as_str()));
    scene.stop().await;
}

#[tokio::test]
async fn a_missing_sign_in_at_an_upstream_is_a_tool_error_and_never_our_401() {
    let scene = Scene::empty().await;
    let (_, tokens) = scene.signed_in().await;
    let provider = OAuthProvider::start().await;
    let body = json!({"integration": "prov", "url": provider.mcp_url(), "name": "Provider"});
    scene.owner.complete_sign_in(&ConsentBrowser::new(), body).await;
    scene.owner.allow_all("prov").await;
    let wire = tokens.wire(&scene.gateway);
    wire.call_tool("prov", "whoami", json!({})).await.ran();
    provider.end_grants();
    let params = json!({"name": "agentport__call_tool", "arguments":
        {"integration_id": "prov", "tool_name": "whoami", "arguments": {}}});
    let reply = wire.send(wire.modern("/mcp", "tools/call", params)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let answer = agentport_tests::Answer::from_json(reply.json()["result"].take());
    assert!(
        answer.refused().contains("prov") || answer.refused().contains("Provider"),
        "{}",
        answer.text
    );
    assert_eq!(status(&wire).await, StatusCode::OK, "its own token stays valid");
    scene.stop().await;
}
