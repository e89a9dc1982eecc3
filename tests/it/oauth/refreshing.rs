//! Refresh: one for all callers, kept before it is used, and refusals that end it.

use agentport_api::AccountState;
use agentport_tests::oauth_provider::{
    CannedAnswer, CannedReply, DeadTokenAnswer, MCP_PATH, ProviderSite, RotationRule, TokenRefusal,
    TokenReply, TokenShape,
};
use futures::future::join_all;
use serde_json::json;
use tokio_util::task::TaskTracker;

use super::{OAuthScene, PROVIDER, needs_sign_in};

#[tokio::test]
async fn sixteen_calls_with_a_revoked_token_cause_one_refresh_and_all_succeed() {
    const CALLS: usize = 16;
    let (scene, _) = OAuthScene::signed_in().await;
    scene.whoami().await.ran();
    scene.provider.change(|behaviour| behaviour.mcp.gathered_refusals = CALLS);
    scene.provider.end_access_tokens();
    let calls = join_all((0..CALLS).map(|_| scene.whoami())).await;
    for answer in calls {
        answer.ran();
    }
    let log = scene.provider.log();
    assert_eq!(log.refreshes().len(), 1);
    let refused = log.calls().iter().filter(|call| call.status == Some(401)).count();
    assert_eq!(refused, CALLS, "all of them were refused first");
    scene.stop().await;
}

#[tokio::test]
async fn a_refresh_that_ends_older_access_tokens_disturbs_nobody() {
    let (scene, _) = OAuthScene::signed_in().await;
    scene.provider.change(|behaviour| behaviour.rotation = RotationRule::EndOldAccessTokens);
    scene.provider.end_access_tokens();
    for answer in join_all((0..4).map(|_| scene.whoami())).await {
        answer.ran();
    }
    assert_eq!(scene.provider.log().refreshes().len(), 1);
    scene.stop().await;
}

#[tokio::test]
async fn refused_refreshes_end_after_two_requests_and_ask_the_owner_once() {
    let refusals = [
        TokenRefusal::oauth(400, "invalid_grant", "expired"),
        TokenRefusal::oauth(403, "unauthorized_client", "refresh_token is invalid"),
        TokenRefusal::body(400, "application/json", r#"{"errors":["refresh token not found"]}"#),
        TokenRefusal::body(422, "application/json", r#"[{"message":"no"}]"#),
        TokenRefusal::body(401, "text/html", "<h1>Signed out</h1>"),
    ];
    let (scene, account) = OAuthScene::signed_in().await;
    for refusal in refusals {
        let again = json!({"integration": PROVIDER, "account": account});
        scene.provider.change(|behaviour| behaviour.refresh = refusal.clone().into());
        scene.provider.end_access_tokens();
        scene.provider.clear_log();
        for _ in 0..20 {
            assert!(scene.whoami().await.is_error, "{refusal:?}");
        }
        let requests = scene.provider.log().refreshes().len();
        assert!((1..=2).contains(&requests), "{refusal:?}: {requests} requests");
        let view = scene.account(&account).await;
        assert!(needs_sign_in(&view.state), "{refusal:?}: {view:?}");
        let at_server = scene.provider.log().calls().len();
        assert!(at_server <= 3, "{at_server} calls reached a server that refuses them");
        scene.provider.change(|behaviour| behaviour.refresh = TokenShape::default().into());
        assert_eq!(scene.complete(again).await, account);
        scene.whoami().await.ran();
    }
    scene.stop().await;
}

#[tokio::test]
async fn the_reason_of_a_refused_refresh_is_in_the_answer_and_at_the_account() {
    let (scene, account) = OAuthScene::signed_in().await;
    scene.provider.end_grants();
    let answer = scene.whoami().await;
    assert!(answer.refused().to_lowercase().contains("sign in"), "{}", answer.text);
    let view = scene.account(&account).await;
    let AccountState::SignInNeeded { message } = view.state else { panic!("{view:?}") };
    assert!(!message.is_empty());
    assert!(!answer.text.contains("expired"), "nothing has expired: {}", answer.text);
    scene.stop().await;
}

#[tokio::test]
async fn a_refresh_answer_that_arrived_before_a_kill_is_kept() {
    let (scene, _) = OAuthScene::signed_in().await;
    scene.whoami().await.ran();
    scene.provider.end_access_tokens();
    // The call with the new token is held at the server: the answer has arrived, nothing more has happened.
    scene.provider.change(|behaviour| behaviour.mcp.holds_calls = true);
    let OAuthScene { scene: inner, provider, browser } = scene;
    let wire = inner.wire.clone();
    let call = TaskTracker::new().spawn(async move {
        let arguments = json!({"integration_id": PROVIDER, "tool_name": "whoami", "arguments": {}});
        wire.send(wire.modern(
            "/mcp",
            "tools/call",
            json!({"name": "agentport__call_tool", "arguments": arguments}),
        ))
        .await
    });
    provider
        .until("a call with the new token", |log| {
            let held = log.calls().into_iter().filter(|call| call.status.is_none()).count();
            !log.refreshes().is_empty() && held == 1
        })
        .await;
    let setup = inner.gateway.kill().await;
    call.abort();
    provider.change(|behaviour| behaviour.mcp.holds_calls = false);
    let gateway = setup.start().await;
    let owner = gateway.owner().await;
    let wire = gateway.wire(&inner.key);
    wire.call_tool(PROVIDER, "whoami", json!({})).await.ran();
    assert_eq!(provider.log().refreshes().len(), 1, "the refresh token was not sent again");
    drop((owner, browser));
    gateway.stop().await;
}

#[tokio::test]
async fn a_refresh_answer_lost_by_a_kill_asks_the_owner_once() {
    let (scene, account) = OAuthScene::signed_in().await;
    scene.whoami().await.ran();
    scene.provider.change(|behaviour| behaviour.refresh = TokenReply::Lost);
    scene.provider.end_access_tokens();
    let OAuthScene { scene: inner, provider, browser } = scene;
    let wire = inner.wire.clone();
    let call = TaskTracker::new().spawn(async move {
        let arguments = json!({"integration_id": PROVIDER, "tool_name": "whoami", "arguments": {}});
        let params = json!({"name": "agentport__call_tool", "arguments": arguments});
        wire.send(wire.modern("/mcp", "tools/call", params)).await
    });
    provider.until("the refresh", |log| !log.refreshes().is_empty()).await;
    let setup = inner.gateway.kill().await;
    call.abort();
    provider.change(|behaviour| behaviour.refresh = TokenShape::default().into());
    let gateway = setup.start().await;
    let owner = gateway.owner().await;
    let wire = gateway.wire(&inner.key);
    let scene = OAuthScene {
        scene: crate::scene::Scene { gateway, owner, key: inner.key, wire },
        provider,
        browser,
    };
    for _ in 0..5 {
        assert!(scene.whoami().await.is_error);
    }
    scene.account_until(&account, "the owner to be asked", needs_sign_in).await;
    // The lost one, and the one after the restart that showed the family to be dead.
    assert_eq!(scene.provider.log().refreshes().len(), 2);
    scene.complete(json!({"integration": PROVIDER, "account": account})).await;
    scene.whoami().await.ran();
    scene.stop().await;
}

#[tokio::test]
async fn status_500_for_a_dead_token_causes_one_refresh() {
    let (scene, _) = OAuthScene::signed_in().await;
    scene.whoami().await.ran();
    scene.provider.change(|behaviour| behaviour.mcp.dead_token = DeadTokenAnswer::ServerError);
    scene.provider.end_access_tokens();
    scene.provider.clear_log();
    let answer = scene.write().await;
    assert!(answer.is_error, "{}", answer.text);
    assert_eq!(scene.provider.log().calls().len(), 1, "a write is never repeated by itself");
    for _ in 0..3 {
        scene.whoami().await.ran();
    }
    assert_eq!(scene.provider.log().refreshes().len(), 1);

    // A server that is broken does not become well by new tokens.
    let broken = CannedReply::Status(500);
    scene.provider.change(|behaviour| {
        behaviour.canned = vec![CannedAnswer::new(ProviderSite::Resource, MCP_PATH, broken)];
    });
    for _ in 0..5 {
        assert!(scene.whoami().await.is_error);
    }
    assert_eq!(scene.provider.log().refreshes().len(), 1);
    scene.stop().await;
}
