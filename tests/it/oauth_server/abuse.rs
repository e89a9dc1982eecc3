//! What strangers do with the OAuth server short of an attack on an agent: floods, replays of addresses, pages of other sites.

use std::time::Instant;

use agentport_api::Event;
use agentport_tests::{
    OAuthAgent, SOON, TokenSet,
    oauth_agent::{AuthorizePage, FormClient, fixtures},
};
use http::{Method, StatusCode};
use serde_json::json;

use super::{MINUTE, assert_refused, status};
use crate::scene::Scene;

#[tokio::test]
async fn many_parameters_are_refused_and_hold_nothing_up() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    let flood = "a&".repeat(16_000);
    let begun = Instant::now();
    for path in ["/oauth/authorize?", "/oauth/authorize/wait?"] {
        let reply = scene.wire.get(&format!("{path}{}", &flood[..7_000])).await;
        assert!(reply.status.is_client_error(), "{path}: {}", reply.status);
    }
    for path in ["/oauth/token", "/oauth/revoke"] {
        let request = scene.wire.request(Method::POST, path).body(flood.clone());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        assert_refused(&scene.wire.send(request).await, StatusCode::BAD_REQUEST, "invalid_request");
    }
    assert!(begun.elapsed() < SOON);
    client.sign_in(&scene.owner).await;
    scene.stop().await;
}

/// A page of another site can make a browser load any address: as a picture, a frame, a script.
#[tokio::test]
async fn only_the_navigation_of_a_tab_asks_for_consent() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    let url = client.request().url();
    let path = url.strip_prefix(scene.gateway.base()).expect("ours");
    for dest in ["image", "iframe", "script", "empty"] {
        let wire = scene.wire.clone().with("sec-fetch-dest", dest);
        let reply = wire.with("sec-fetch-site", "cross-site").get(path).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{dest}");
    }
    let head = scene.wire.send(scene.wire.request(Method::HEAD, path)).await;
    assert_eq!(head.status, StatusCode::BAD_REQUEST);
    assert!(scene.owner.waiting_consents().await.is_empty());
    let page = AuthorizePage::open(&url).await;
    let wait = page.wait_url();
    let wait = wait.strip_prefix(scene.gateway.base()).expect("ours");
    let other = scene.wire.clone().with("sec-fetch-site", "cross-site").get(wait).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    scene.stop().await;
}

#[tokio::test]
async fn a_client_that_was_refused_three_times_is_not_asked_about_again() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    for _ in 0..3 {
        AuthorizePage::open(&client.request().url()).await.waits();
        let consent = scene.owner.one_consent().await;
        scene.owner.refuse_consent(consent.id).await;
    }
    let page = AuthorizePage::open(&client.request().url()).await;
    assert!(page.explains().contains("refused"), "{}", page.reply.text);
    assert!(scene.owner.waiting_consents().await.is_empty());
    let other = OAuthAgent::register_named(&scene.gateway, "another").await;
    AuthorizePage::open(&other.request().url()).await.waits();
    scene.stop().await;
}

/// The address of an authorization can be seen by other programs: in the arguments of the browser, in its history.
#[tokio::test]
async fn the_address_alone_gives_no_code_and_ends_nothing_once_the_client_is_in() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    let request = client.request();
    let page = AuthorizePage::open(&request.url()).await;
    scene.owner.consents_once().await;
    let code = page.callback().await.code();
    let tokens = TokenSet::of(&client.exchange(&code, &request).await);
    let again = AuthorizePage::open(&request.url()).await;
    assert_eq!(again.reply.status, StatusCode::OK);
    assert_eq!(again.reply.header("location"), None);
    assert!(!again.reply.text.contains(&code), "{}", again.reply.text);
    let waited = FormClient::default().get(&page.wait_url()).await;
    assert_eq!(waited.json(), json!({ "state": "done" }));
    // Who saw the code, but does not know the verifier.
    let mut stranger = request.clone();
    stranger.verifier = "a".repeat(50);
    assert_refused(
        &client.exchange(&code, &stranger).await,
        StatusCode::BAD_REQUEST,
        "invalid_grant",
    );
    assert_eq!(status(&tokens.wire(&scene.gateway)).await, StatusCode::OK);
    scene.stop().await;
}

/// Rotating again and again pushes no evidence out.
#[tokio::test]
async fn a_thief_cannot_hide_that_a_token_was_used_before() {
    let scene = Scene::empty().await;
    let (client, first) = scene.signed_in().await;
    let mut thief = first.clone();
    for _ in 0..45 {
        thief = TokenSet::of(&client.refresh(&thief.refresh_token).await);
    }
    let scene = scene.after(16 * MINUTE).await;
    let mut events = scene.owner.events().await;
    let late = client.refresh(&first.refresh_token).await;
    assert_refused(&late, StatusCode::BAD_REQUEST, "invalid_grant");
    events.wait_for("the alert", |event| matches!(event, Event::TokenReused { .. })).await;
    assert_eq!(status(&thief.wire(&scene.gateway)).await, StatusCode::UNAUTHORIZED);
    scene.stop().await;
}

#[tokio::test]
async fn a_sign_in_that_is_renewed_without_end_is_told_to_wait() {
    let scene = Scene::empty().await;
    let (client, tokens) = scene.signed_in().await;
    let mut last = None;
    for _ in 0..70 {
        let reply = client.refresh(&tokens.refresh_token).await;
        if reply.status != StatusCode::OK {
            last = Some(reply);
            break;
        }
    }
    let refused = last.expect("a ceiling");
    assert_refused(&refused, StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(status(&tokens.wire(&scene.gateway)).await, StatusCode::OK, "it is still signed in");
    scene.stop().await;
}

/// Of a client that the owner never let in, not even an error is a way to another site.
#[tokio::test]
async fn a_stranger_s_redirect_to_a_site_is_not_followed_without_the_owner() {
    let scene = Scene::empty().await;
    let mut body = fixtures::named("phisher");
    body["redirect_uris"] = json!(["https://phish.example/a"]);
    let client = OAuthAgent::register_as(&scene.gateway.said.mcp_url, &body).await;
    let bad = client.request().without("response_type");
    AuthorizePage::open(&bad.url()).await.explains();
    scene.stop().await;
}

#[tokio::test]
async fn pages_that_wait_take_no_more_than_their_places() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    let page = AuthorizePage::open(&client.request().url()).await;
    let url = page.wait_url();
    let mut held = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let url = url.clone();
        held.spawn(async move { FormClient::default().get(&url).await });
    }
    // Once both are held, the next is answered at once; which of them is held does not matter.
    let reply = agentport_tests::soon("an answer at once", async {
        let client = FormClient::default();
        loop {
            let reply = client.get(&url);
            if let Ok(reply) = tokio::time::timeout(MINUTE / 30, reply).await {
                return reply;
            }
        }
    })
    .await;
    assert_eq!(reply.json()["state"], "waiting");
    held.shutdown().await;
    scene.stop().await;
}
