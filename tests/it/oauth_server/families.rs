//! Refresh tokens: rotation, the grace for clients that send one several times, and reuse after it (RFC 9700 section 4.14).

use std::collections::HashSet;

use agentport_api::Event;
use agentport_tests::{OAuthAgent, TokenSet, Wire, within};
use futures::future::join_all;
use http::{Method, StatusCode};

use super::{DAY, MINUTE, assert_refused, oauth_error, status};
use crate::scene::Scene;

#[track_caller]
fn dead(reply: &agentport_tests::wire::Reply) {
    assert_refused(reply, StatusCode::BAD_REQUEST, "invalid_grant");
}

/// An open GET stream of a session that was opened with this token.
async fn open_stream(wire: &Wire) -> reqwest::Response {
    let session = wire.open_session().await;
    let stream = wire
        .request(Method::GET, "/mcp")
        .header("accept", "text/event-stream")
        .header("mcp-session-id", &session);
    let stream = stream.send().await.expect("the gateway answers");
    assert_eq!(stream.status(), StatusCode::OK);
    stream
}

async fn alerts(scene: &Scene) -> usize {
    let rows = scene.owner.send(Method::GET, "/control/audit", None).await;
    rows.text.matches("agent.token_reused").count()
}

#[tokio::test]
async fn one_refresh_token_sent_five_times_at_once_and_again_after_eight_minutes_works_each_time() {
    let scene = Scene::empty().await;
    let (client, tokens) = scene.signed_in().await;
    let answers = join_all((0..5).map(|_| client.refresh(&tokens.refresh_token))).await;
    let mut got: Vec<_> = answers.iter().map(TokenSet::of).collect();
    let scene = scene.after(8 * MINUTE).await;
    got.push(TokenSet::of(&client.refresh(&tokens.refresh_token).await));
    let different: HashSet<_> = got.iter().map(|set| set.access_token.as_str()).collect();
    assert_eq!(different.len(), 6);
    for set in &got {
        assert_eq!(status(&set.wire(&scene.gateway)).await, StatusCode::OK);
        assert_eq!(set.scope, tokens.scope);
    }
    // Each of them can be refreshed, too.
    for set in &got {
        TokenSet::of(&client.refresh(&set.refresh_token).await);
    }
    assert_eq!(alerts(&scene).await, 0);
    let agent = scene.owner.oauth_agent().await;
    assert_eq!(
        agent.oauth.expect("it signed in").valid,
        1,
        "one sign-in, however often it was renewed"
    );
    scene.stop().await;
}

#[tokio::test]
async fn a_refresh_token_that_comes_back_after_the_grace_ends_its_family_and_alerts_the_owner() {
    let scene = Scene::empty().await;
    let (client, first) = scene.signed_in().await;
    let second = TokenSet::of(&client.refresh(&first.refresh_token).await);
    let (other, others) = scene.signed_in_as("bystander").await;
    let scene = scene.after(16 * MINUTE).await;
    let third = TokenSet::of(&client.refresh(&second.refresh_token).await);
    let stream = open_stream(&third.wire(&scene.gateway)).await;
    let mut events = scene.owner.events().await;

    dead(&client.refresh(&first.refresh_token).await);

    let name = scene.owner.oauth_agents().await.into_iter().find(|agent| agent.name != "bystander");
    let name = name.expect("the agent").name;
    events
        .wait_for(
            "the alert",
            |event| matches!(event, Event::TokenReused { agent } if *agent == name),
        )
        .await;
    agentport_tests::soon("the open stream closes", stream.text()).await.ok();
    for set in [&first, &second, &third] {
        assert_eq!(status(&set.wire(&scene.gateway)).await, StatusCode::UNAUTHORIZED);
        dead(&client.refresh(&set.refresh_token).await);
    }
    assert_eq!(alerts(&scene).await, 1, "once");
    // Nobody else is touched.
    assert_eq!(status(&others.wire(&scene.gateway)).await, StatusCode::OK);
    TokenSet::of(&other.refresh(&others.refresh_token).await);
    // And the client can sign in again.
    let again = client.sign_in(&scene.owner).await;
    assert_eq!(status(&again.wire(&scene.gateway)).await, StatusCode::OK);
    scene.stop().await;
}

#[tokio::test]
async fn a_sign_in_lasts_thirty_days_from_its_last_refresh() {
    let scene = Scene::empty().await;
    let (client, tokens) = scene.signed_in().await;
    let scene = scene.after(29 * DAY).await;
    let tokens = TokenSet::of(&client.refresh(&tokens.refresh_token).await);
    let scene = scene.after(29 * DAY).await;
    let tokens = TokenSet::of(&client.refresh(&tokens.refresh_token).await);
    let scene = scene.after(31 * DAY).await;
    dead(&client.refresh(&tokens.refresh_token).await);
    assert_eq!(alerts(&scene).await, 0, "nothing was reused");
    let tokens = client.sign_in(&scene.owner).await;
    assert_eq!(status(&tokens.wire(&scene.gateway)).await, StatusCode::OK);
    assert_eq!(scene.owner.oauth_agents().await.len(), 1, "the same agent signed in again");
    scene.stop().await;
}

#[tokio::test]
async fn a_refresh_token_is_worth_nothing_to_another_client() {
    let scene = Scene::empty().await;
    let (client, tokens) = scene.signed_in().await;
    let other = OAuthAgent::register_named(&scene.gateway, "thief").await;
    dead(&other.refresh(&tokens.refresh_token).await);
    let nobody = client
        .token(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", &tokens.refresh_token),
            ("client_id", "nobody"),
        ])
        .await;
    assert_refused(&nobody, StatusCode::UNAUTHORIZED, "invalid_client");
    dead(&client.refresh(&tokens.access_token).await);
    dead(&client.refresh("apr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await);
    // Its own client has lost nothing.
    assert_eq!(status(&tokens.wire(&scene.gateway)).await, StatusCode::OK);
    TokenSet::of(&client.refresh(&tokens.refresh_token).await);
    scene.stop().await;
}

#[tokio::test]
async fn a_refresh_may_narrow_nothing_and_widen_nothing() {
    let scene = Scene::empty().await;
    let (client, tokens) = scene.signed_in().await;
    for scope in ["", "openid offline_access", tokens.scope.as_str(), "everything"] {
        let reply = client
            .token(&[
                ("grant_type", "refresh_token"),
                ("refresh_token", &tokens.refresh_token),
                ("client_id", &client.client_id),
                ("scope", scope),
            ])
            .await;
        assert_eq!(TokenSet::of(&reply).scope, tokens.scope, "{scope}");
    }
    scene.stop().await;
}

#[tokio::test]
async fn revoking_either_token_ends_the_sign_in() {
    let scene = Scene::empty().await;
    for by_refresh_token in [true, false] {
        let (client, tokens) = scene.signed_in().await;
        let stream = open_stream(&tokens.wire(&scene.gateway)).await;
        let token = if by_refresh_token { &tokens.refresh_token } else { &tokens.access_token };
        assert_eq!(client.revoke(token).await.status, StatusCode::OK);
        within(agentport_tests::SOON, "the open stream closes", stream.text()).await.ok();
        assert_eq!(status(&tokens.wire(&scene.gateway)).await, StatusCode::UNAUTHORIZED);
        dead(&client.refresh(&tokens.refresh_token).await);
        // Again, and of nothing: the client has what it wants (RFC 7009, section 2.2).
        assert_eq!(client.revoke(token).await.status, StatusCode::OK);
        assert_eq!(client.revoke("apr_unknown").await.status, StatusCode::OK);
    }
    assert_eq!(alerts(&scene).await, 0, "a client may sign out");
    scene.stop().await;
}

#[tokio::test]
async fn a_client_revokes_only_its_own_tokens() {
    let scene = Scene::empty().await;
    let (client, tokens) = scene.signed_in().await;
    let other = OAuthAgent::register_named(&scene.gateway, "other").await;
    for token in [&tokens.access_token, &tokens.refresh_token] {
        let reply = other.revoke(token).await;
        assert!(
            reply.status == StatusCode::OK || !oauth_error(&reply).is_empty(),
            "{}",
            reply.text
        );
    }
    assert_eq!(status(&tokens.wire(&scene.gateway)).await, StatusCode::OK);
    TokenSet::of(&client.refresh(&tokens.refresh_token).await);
    scene.stop().await;
}

#[tokio::test]
async fn two_sign_ins_of_one_client_live_side_by_side() {
    let scene = Scene::empty().await;
    let (client, first) = scene.signed_in().await;
    let second = client.sign_in(&scene.owner).await;
    assert_eq!(scene.owner.oauth_agent().await.oauth.expect("it signed in").valid, 2);
    client.revoke(&second.refresh_token).await;
    assert_eq!(status(&first.wire(&scene.gateway)).await, StatusCode::OK);
    assert_eq!(status(&second.wire(&scene.gateway)).await, StatusCode::UNAUTHORIZED);
    assert_eq!(scene.owner.oauth_agent().await.oauth.expect("it signed in").valid, 1);
    scene.stop().await;
}

#[tokio::test]
async fn tokens_outlive_a_restart() {
    let scene = Scene::empty().await;
    let (client, tokens) = scene.signed_in().await;
    let scene = scene.restart().await;
    assert_eq!(status(&tokens.wire(&scene.gateway)).await, StatusCode::OK);
    TokenSet::of(&client.refresh(&tokens.refresh_token).await);
    scene.stop().await;
}
