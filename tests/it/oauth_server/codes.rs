//! Authorization codes (RFC 6749 sections 4.1.2 to 4.1.4) and PKCE (RFC 7636).

use agentport_tests::{
    OAuthAgent, TokenSet,
    oauth_agent::{AuthorizationRequest, AuthorizePage, FormClient},
    wire::Reply,
};
use futures::future::join_all;
use http::StatusCode;

use super::{assert_refused, oauth_error, status};
use crate::scene::Scene;

/// A client with a code that nobody has used.
async fn with_code(scene: &Scene) -> (OAuthAgent, AuthorizationRequest, String) {
    let client = OAuthAgent::register(&scene.gateway).await;
    let request = client.request();
    let code = client.consented(&scene.owner, &request).await.code();
    (client, request, code)
}

/// The error of a request that is refused before anybody is asked: by the redirect, which is known to be the client's.
#[track_caller]
fn refused_by_redirect(
    client: &OAuthAgent,
    page: &AuthorizePage,
    request: &AuthorizationRequest,
) -> String {
    let callback = page.sent_back();
    assert_eq!(callback.target(), request.redirect_uri);
    assert_eq!(callback.get("state").as_deref(), Some(request.state.as_str()));
    assert_eq!(callback.get("iss").as_deref(), Some(client.found.issuer()));
    assert_eq!(callback.get("code"), None);
    callback.get("error").expect("an error")
}

#[tokio::test]
async fn a_code_is_exchanged_for_tokens_in_the_form_clients_expect() {
    let scene = Scene::empty().await;
    let (client, request, code) = with_code(&scene).await;
    let reply = client.exchange(&code, &request).await;
    let tokens = TokenSet::of(&reply);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert!(reply.header("content-type").is_some_and(|kind| kind.starts_with("application/json")));
    assert_eq!(tokens.expires_in, 3600);
    assert!(!tokens.scope.is_empty());
    assert_ne!(tokens.access_token, tokens.refresh_token);
    assert!(
        tokens.access_token.len() >= 43 && tokens.refresh_token.len() >= 43,
        "32 bytes at least"
    );
    assert_eq!(status(&tokens.wire(&scene.gateway)).await, StatusCode::OK);
    scene.stop().await;
}

#[tokio::test]
async fn a_code_that_comes_a_second_time_ends_what_the_first_got() {
    let scene = Scene::empty().await;
    let (client, request, code) = with_code(&scene).await;
    let tokens = TokenSet::of(&client.exchange(&code, &request).await);
    assert_eq!(status(&tokens.wire(&scene.gateway)).await, StatusCode::OK);
    assert_refused(
        &client.exchange(&code, &request).await,
        StatusCode::BAD_REQUEST,
        "invalid_grant",
    );
    assert_eq!(status(&tokens.wire(&scene.gateway)).await, StatusCode::UNAUTHORIZED);
    let refreshed = client.refresh(&tokens.refresh_token).await;
    assert_refused(&refreshed, StatusCode::BAD_REQUEST, "invalid_grant");
    scene.stop().await;
}

#[tokio::test]
async fn of_sixteen_exchanges_at_once_at_most_one_gets_tokens() {
    let scene = Scene::empty().await;
    let (client, request, code) = with_code(&scene).await;
    let answers = join_all((0..16).map(|_| client.exchange(&code, &request))).await;
    let good: Vec<_> = answers.iter().filter(|reply| reply.status == StatusCode::OK).collect();
    assert!(good.len() <= 1, "{}", good.len());
    for reply in good {
        let tokens = TokenSet::of(reply);
        let after = status(&tokens.wire(&scene.gateway)).await;
        assert_eq!(after, StatusCode::UNAUTHORIZED, "the code was used again");
    }
    for reply in answers.iter().filter(|reply| reply.status != StatusCode::OK) {
        assert_refused(reply, StatusCode::BAD_REQUEST, "invalid_grant");
    }
    scene.stop().await;
}

/// Exchanges a fresh code with one parameter changed, or left out.
async fn exchange_changed(scene: &Scene, changed: &str, value: Option<&str>) -> Reply {
    let (client, request, code) = with_code(scene).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", request.redirect_uri.as_str()),
        ("client_id", client.client_id.as_str()),
        ("code_verifier", request.verifier.as_str()),
    ];
    let changed = fields.into_iter().filter_map(|(name, own)| {
        if name == changed { value.map(|value| (name, value)) } else { Some((name, own)) }
    });
    let reply = client.token(&changed.collect::<Vec<_>>()).await;
    // What was wrong once cannot be tried again with the right values.
    if oauth_error(&reply) == "invalid_grant" {
        let again = client.exchange(&code, &request).await;
        let kept = again.status == StatusCode::OK;
        assert!(!kept || value == Some(UNKNOWN_CODE), "{name:?}: {}", again.text, name = value);
    }
    reply
}

const UNKNOWN_CODE: &str = "apc_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[tokio::test]
async fn a_code_is_worth_nothing_without_what_belongs_to_it() {
    let scene = Scene::empty().await;
    let other = OAuthAgent::register_named(&scene.gateway, "other").await;
    let verifier = other.request().verifier;
    for (changed, value, error) in [
        ("code_verifier", Some(verifier.as_str()), "invalid_grant"),
        ("code_verifier", Some("short"), "invalid_grant"),
        ("code_verifier", None, "invalid_request"),
        ("redirect_uri", Some("http://localhost:3118/other"), "invalid_grant"),
        ("redirect_uri", Some("http://localhost:3119/callback"), "invalid_grant"),
        ("client_id", Some(other.client_id.as_str()), "invalid_grant"),
        ("code", Some(UNKNOWN_CODE), "invalid_grant"),
        ("code", None, "invalid_request"),
        ("grant_type", Some("password"), "unsupported_grant_type"),
        ("grant_type", Some("client_credentials"), "unsupported_grant_type"),
        ("grant_type", None, "invalid_request"),
    ] {
        let reply = exchange_changed(&scene, changed, value).await;
        assert_refused(&reply, StatusCode::BAD_REQUEST, error);
    }
    let unknown = exchange_changed(&scene, "client_id", Some("nobody")).await;
    assert_refused(&unknown, StatusCode::UNAUTHORIZED, "invalid_client");
    scene.stop().await;
}

#[tokio::test]
async fn only_pkce_with_sha256_is_taken() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    let request = client.request();
    let verifier = request.verifier.clone();
    for bad in [
        request.clone().without("code_challenge"),
        request.clone().without("code_challenge").without("code_challenge_method"),
        request.clone().with("code_challenge_method", "plain").with("code_challenge", &verifier),
        // Without the method it is plain (RFC 7636, section 4.3).
        request.clone().without("code_challenge_method"),
        request.clone().with("code_challenge", "short"),
        request.clone().with("code_challenge", ""),
        request.clone().with("code_challenge_method", "s256"),
    ] {
        let page = AuthorizePage::open(&bad.url()).await;
        assert_eq!(refused_by_redirect(&client, &page, &bad), "invalid_request", "{}", bad.url());
    }
    assert!(scene.owner.consents().await.is_empty(), "nobody is asked");
    scene.stop().await;
}

#[tokio::test]
async fn only_the_code_flow_is_offered() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    for kind in ["token", "id_token", "code token", "none"] {
        let request = client.request().with("response_type", kind);
        let page = AuthorizePage::open(&request.url()).await;
        let error = refused_by_redirect(&client, &page, &request);
        assert_eq!(error, "unsupported_response_type", "{kind}");
    }
    let request = client.request().without("response_type");
    let page = AuthorizePage::open(&request.url()).await;
    assert_eq!(refused_by_redirect(&client, &page, &request), "invalid_request");
    scene.stop().await;
}

#[tokio::test]
async fn a_parameter_that_comes_twice_is_refused() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    let request = client.request();
    for (name, value) in [("redirect_uri", "http://localhost:3118/other"), ("client_id", "other")] {
        AuthorizePage::open(&request.clone().and(name, value).url()).await.explains();
    }
    let code = client.consented(&scene.owner, &request).await.code();
    let reply = client
        .token(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("code", "other"),
            ("redirect_uri", &request.redirect_uri),
            ("client_id", &client.client_id),
            ("code_verifier", &request.verifier),
        ])
        .await;
    assert_refused(&reply, StatusCode::BAD_REQUEST, "invalid_request");
    scene.stop().await;
}

#[tokio::test]
async fn the_token_endpoint_answers_nonsense_in_the_form_of_oauth() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    for fields in [
        &[][..],
        &[("grant_type", "")],
        &[("grant_type", "authorization_code")],
        &[("grant_type", "refresh_token")],
        &[("grant_type", "urn:ietf:params:oauth:grant-type:device_code")],
    ] {
        oauth_error(&client.token(fields).await);
    }
    let endpoint = client.found.endpoint("token_endpoint");
    let body = serde_json::json!({"grant_type": "refresh_token"});
    oauth_error(&FormClient::default().post_json(endpoint, &body).await);
    let get = FormClient::default().get(&format!("{endpoint}?grant_type=refresh_token")).await;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED, "{}", get.text);
    scene.stop().await;
}
