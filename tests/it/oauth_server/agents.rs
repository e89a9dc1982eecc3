//! Agents that signed in by OAuth, as the owner manages them.

use agentport_core::approval::StateName;
use agentport_tests::{OAuthAgent, TokenSet, oauth_agent::AuthorizePage, soon};
use http::{Method, StatusCode};
use serde_json::json;

use super::{assert_refused, status};
use crate::scene::Scene;

#[tokio::test]
async fn a_revoked_agent_is_out_with_its_next_request() {
    let scene = Scene::new().await;
    let (client, tokens) = scene.signed_in().await;
    let wire = tokens.wire(&scene.gateway);
    let session = wire.open_session().await;
    let stream = wire
        .request(Method::GET, "/mcp")
        .header("accept", "text/event-stream")
        .header("mcp-session-id", &session);
    let stream = stream.send().await.expect("the gateway answers");
    assert_eq!(stream.status(), StatusCode::OK);
    let waiting = wire.call_tool("fx", "counter", json!({})).await.request();
    let agent = scene.owner.oauth_agent().await;

    scene.owner.revoke_agent(agent.id).await;

    soon("the open stream closes", stream.text()).await.ok();
    assert_eq!(status(&wire).await, StatusCode::UNAUTHORIZED);
    let refreshed = client.refresh(&tokens.refresh_token).await;
    assert_refused(&refreshed, StatusCode::BAD_REQUEST, "invalid_grant");
    scene.owner.approval_until(waiting, StateName::Withdrawn).await;
    assert_eq!(scene.runs("counter"), 0);
    let view = scene.owner.oauth_agent().await;
    assert!(view.revoked_at.is_some());
    assert_eq!(view.oauth.expect("it signed in").valid, 0);
    // The key beside it goes on.
    assert_eq!(status(&scene.wire).await, StatusCode::OK);
    scene.stop().await;
}

#[tokio::test]
async fn a_revoked_agent_has_to_be_let_in_anew() {
    let scene = Scene::empty().await;
    let (client, _) = scene.signed_in().await;
    let agent = scene.owner.oauth_agent().await;
    scene.owner.revoke_agent(agent.id).await;
    let request = client.request();
    let page = AuthorizePage::open(&request.url()).await;
    page.waits();
    let consent = scene.owner.one_consent().await;
    assert!(consent.known_as.is_none(), "what was revoked is not proposed: {consent:?}");
    scene.owner.give_consent(&consent).await;
    let tokens = TokenSet::of(&client.exchange(&page.callback().await.code(), &request).await);
    assert_eq!(status(&tokens.wire(&scene.gateway)).await, StatusCode::OK);
    let agents = scene.owner.oauth_agents().await;
    assert_eq!(agents.iter().filter(|agent| agent.revoked_at.is_none()).count(), 1);
    scene.stop().await;
}

#[tokio::test]
async fn revoking_while_a_code_is_out_leaves_the_code_worthless() {
    let scene = Scene::empty().await;
    let (client, _) = scene.signed_in().await;
    let agent = scene.owner.oauth_agent().await;
    let request = client.request();
    let code = client.consented(&scene.owner, &request).await.code();
    scene.owner.revoke_agent(agent.id).await;
    assert_refused(
        &client.exchange(&code, &request).await,
        StatusCode::BAD_REQUEST,
        "invalid_grant",
    );
    scene.stop().await;
}

#[tokio::test]
async fn a_name_and_a_profile_can_be_changed() {
    let scene = Scene::open().await;
    let (_, tokens) = scene.signed_in().await;
    let agent = scene.owner.oauth_agent().await;
    let wire = tokens.wire(&scene.gateway);
    wire.call_tool("fx", "echo", json!({"text": "seen"})).await.ran();
    scene.owner.rename_agent(agent.id, "my editor").await;
    let profile = json!({"name": "nothing", "integrations": []});
    scene.owner.put_profile("nothing", profile).await;
    scene.owner.change_agent(agent.id, json!({"profile": "nothing"})).await;
    let view = scene.owner.oauth_agent().await;
    assert_eq!((view.name.as_str(), view.profile.as_deref()), ("my editor", Some("nothing")));
    wire.call_tool("fx", "echo", json!({"text": "unseen"})).await.refused();
    scene.owner.change_agent(agent.id, json!({"profile": null})).await;
    wire.call_tool("fx", "echo", json!({"text": "seen again"})).await.ran();
    let path = format!("/control/keys/{}", agent.id);
    let taken = scene.owner.send(Method::PATCH, &path, Some(json!({"name": "tester"})));
    assert_eq!(taken.await.status, StatusCode::CONFLICT);
    scene.stop().await;
}

#[tokio::test]
async fn the_owner_sees_how_and_when_an_agent_signed_in() {
    let scene = Scene::open().await;
    let (client, tokens) = scene.signed_in().await;
    let view = scene.owner.oauth_agent().await;
    assert_eq!(view.prefix, "", "it has no key");
    assert!(view.last_used_at.is_none());
    let sign_in = view.oauth.expect("it signed in");
    assert_eq!(
        (sign_in.client_name.as_str(), sign_in.valid, sign_in.remote),
        ("Claude Code", 1, false)
    );
    let days = (sign_in.expires_at.expect("an end").0 - sign_in.granted_at.0)
        / super::DAY.as_millis() as i64;
    assert!((29..=30).contains(&days), "{days}");
    tokens.wire(&scene.gateway).call_tool("fx", "echo", json!({"text": "hello"})).await.ran();
    let used = async || scene.owner.oauth_agent().await.last_used_at;
    scene.owner.until("its last use", used).await;
    TokenSet::of(&client.refresh(&tokens.refresh_token).await);
    let refreshed = scene.owner.oauth_agent().await.oauth.expect("it signed in").refreshed_at;
    assert!(refreshed.is_some());
    let rows = scene.owner.activity("tool=echo").await.items;
    assert_eq!(rows.len(), 1);
    assert_eq!(serde_json::to_value(&rows[0]).expect("JSON")["agent"], json!(view.id), "{rows:?}");
    scene.stop().await;
}

#[tokio::test]
async fn what_is_granted_to_an_agent_ends_with_its_revocation() {
    let scene = Scene::new().await;
    let (client, tokens) = scene.signed_in().await;
    let wire = tokens.wire(&scene.gateway);
    let asked = wire.call_tool("fx", "counter", json!({})).await.request();
    scene.owner.approve(asked, agentport_api::GrantChoice::Always).await;
    wire.await_approval(&asked.to_string()).await.ran();
    wire.call_tool("fx", "counter", json!({})).await.ran();
    let agent = scene.owner.oauth_agent().await;
    scene.owner.revoke_agent(agent.id).await;
    let again = client.sign_in(&scene.owner).await;
    let answer = again.wire(&scene.gateway).call_tool("fx", "counter", json!({})).await;
    assert!(answer.needs_approval(), "the grant was the other agent's: {}", answer.text);
    scene.stop().await;
}

#[tokio::test]
async fn two_clients_are_two_agents() {
    let scene = Scene::new().await;
    let (_, one) = scene.signed_in_as("one").await;
    let (_, two) = scene.signed_in_as("two").await;
    assert_eq!(scene.owner.oauth_agents().await.len(), 2);
    let asked = one.wire(&scene.gateway).call_tool("fx", "counter", json!({})).await.request();
    scene.owner.approve(asked, agentport_api::GrantChoice::Always).await;
    one.wire(&scene.gateway).await_approval(&asked.to_string()).await.ran();
    let answer = two.wire(&scene.gateway).call_tool("fx", "counter", json!({})).await;
    assert!(answer.needs_approval(), "{}", answer.text);
    let _ = OAuthAgent::register(&scene.gateway).await;
    assert_eq!(scene.owner.oauth_agents().await.len(), 2, "registering lets nobody in");
    scene.stop().await;
}
