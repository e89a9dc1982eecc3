//! Token answers in the shapes that providers send, at the exchange and at the refresh.

use std::time::Duration;

use agentport_api::AccountView;
use agentport_tests::oauth_provider::{
    AccessTokenField, CannedAnswer, CannedReply, ExpiresIn, MCP_PATH, ProviderSite,
    RefreshTokenField, ScopeField, TokenEncoding, TokenRefusal, TokenShape,
};
use serde_json::json;

use super::{OAuthScene, PROVIDER, needs_sign_in};

/// When the account's token ends, as the gateway understood it.
#[derive(Debug, Clone, Copy)]
enum Expiry {
    InAnHour,
    Now,
    Unknown,
}

fn shapes() -> Vec<(TokenShape, Expiry)> {
    let plain = TokenShape::default;
    let expires = |expires_in| TokenShape { expires_in, ..plain() };
    let scope = |scope| TokenShape { scope, ..plain() };
    vec![
        (TokenShape { status: 201, ..plain() }, Expiry::InAnHour),
        (expires(ExpiresIn::Text), Expiry::InAnHour),
        (expires(ExpiresIn::Float), Expiry::InAnHour),
        (expires(ExpiresIn::Missing), Expiry::Unknown),
        (expires(ExpiresIn::Null), Expiry::Unknown),
        (expires(ExpiresIn::Seconds(0)), Expiry::Now),
        (TokenShape { token_type: None, ..plain() }, Expiry::InAnHour),
        (scope(ScopeField::Array), Expiry::InAnHour),
        (scope(ScopeField::Commas), Expiry::InAnHour),
        (scope(ScopeField::Empty), Expiry::InAnHour),
        (scope(ScopeField::Missing), Expiry::InAnHour),
        (TokenShape { encoding: TokenEncoding::Form, ..plain() }, Expiry::InAnHour),
        (TokenShape { encoding: TokenEncoding::JsonAsText, ..plain() }, Expiry::InAnHour),
    ]
}

fn check_expiry(shape: &TokenShape, expected: Expiry, view: &AccountView) {
    let left = view.expires_at.map(|end| end.0 - agentport_gateway::clock::now().0);
    let fits = match (expected, left) {
        (Expiry::InAnHour, Some(left)) => (3_400_000..=3_600_000).contains(&left),
        (Expiry::Now, Some(left)) => left <= 0,
        (Expiry::Unknown, None) => true,
        _ => false,
    };
    assert!(fits, "{shape:?}: expected {expected:?}, seen {view:?}");
}

#[tokio::test]
async fn odd_token_answers_connect_with_the_right_expiry_when_exchanged_and_when_refreshed() {
    let scene = OAuthScene::new().await;
    for (index, (shape, expiry)) in shapes().into_iter().enumerate() {
        scene.provider.change(|behaviour| {
            behaviour.exchange = shape.clone().into();
            behaviour.refresh = shape.clone().into();
        });
        let id = format!("case{index}");
        let body = json!({"integration": id, "url": scene.provider.mcp_url()});
        let account = scene.complete(body).await;
        let view = scene.account(&account).await;
        check_expiry(&shape, expiry, &view);
        if matches!(shape.scope, ScopeField::Array | ScopeField::Commas) {
            assert_eq!(view.scopes, ["read", "write"], "{shape:?}");
        }
        scene.scene.owner.allow_all(&id).await;
        let whoami = async || scene.scene.wire.call_tool(&id, "whoami", json!({})).await;
        whoami().await.ran();
        let before = scene.provider.log().refreshes().len();
        scene.provider.end_access_tokens();
        let answer = whoami().await;
        assert!(!answer.is_error, "{shape:?}: {}", answer.text);
        assert_eq!(scene.provider.log().refreshes().len(), before + 1, "{shape:?}");
        check_expiry(&shape, expiry, &scene.account(&account).await);
    }
    scene.stop().await;
}

#[tokio::test]
async fn an_empty_access_token_never_replaces_a_good_one() {
    let scene = OAuthScene::new().await;
    let empty = TokenShape { access_token: AccessTokenField::Empty, ..Default::default() };
    scene.provider.change(|behaviour| behaviour.exchange = empty.clone().into());
    let view = scene.begin(scene.addition()).await;
    scene.browser.approve(&scene.consent_url(&view.id).await).await;
    scene.failure(&view.id).await;
    assert!(!scene.is_installed(PROVIDER).await);

    scene.provider.change(|behaviour| behaviour.exchange = TokenShape::default().into());
    scene.sign_in().await;
    scene.provider.change(|behaviour| {
        behaviour.refresh = empty.into();
        let refusal = CannedReply::Status(401);
        behaviour.canned = vec![CannedAnswer::new(ProviderSite::Resource, MCP_PATH, refusal)];
    });
    assert!(scene.whoami().await.is_error);
    let log = scene.provider.log();
    let refreshes = log.refreshes().len();
    assert!((1..=2).contains(&refreshes), "{refreshes} refreshes");
    let bearers = log.calls().into_iter().filter_map(|call| call.header("authorization"));
    let bearers: Vec<_> = bearers.collect();
    assert!(bearers.iter().all(|bearer| bearer.starts_with("Bearer access-")), "{bearers:?}");
    scene.stop().await;
}

#[tokio::test]
async fn errors_under_status_200_are_refusals() {
    let bodies = [
        (
            r#"{"error":"bad_verification_code","error_description":"no such code"}"#,
            "bad_verification_code",
        ),
        (r#"{"ok":false,"error":"invalid_code"}"#, "invalid_code"),
    ];
    let scene = OAuthScene::new().await;
    for (body, code) in bodies {
        let refusal = TokenRefusal::body(200, "application/json", body);
        scene.provider.change(|behaviour| behaviour.exchange = refusal.into());
        let view = scene.begin(scene.addition()).await;
        scene.browser.approve(&scene.consent_url(&view.id).await).await;
        let message = scene.failure(&view.id).await;
        assert!(message.contains(code), "{message}");
        assert!(!scene.is_installed(PROVIDER).await);
    }
    scene.provider.change(|behaviour| behaviour.exchange = TokenShape::default().into());
    let account = scene.sign_in().await;
    for (body, _) in bodies {
        let refusal = TokenRefusal::body(200, "application/json", body);
        scene.provider.change(|behaviour| behaviour.refresh = refusal.into());
        assert!(scene.refresh_by_call().await.is_error);
        scene.account_until(&account, "the owner to be asked", needs_sign_in).await;
        scene.complete(json!({"integration": PROVIDER, "account": account})).await;
    }
    scene.stop().await;
}

#[tokio::test]
async fn a_token_without_an_expiry_is_used_until_it_is_refused() {
    let scene = OAuthScene::new().await;
    let shape = TokenShape { expires_in: ExpiresIn::Missing, ..Default::default() };
    scene.provider.change(|behaviour| behaviour.exchange = shape.into());
    scene.sign_in().await;
    for _ in 0..5 {
        scene.whoami().await.ran();
    }
    assert!(scene.provider.log().refreshes().is_empty());
    scene.refresh_by_call().await.ran();
    assert_eq!(scene.provider.log().refreshes().len(), 1);
    scene.stop().await;
}

#[tokio::test]
async fn a_refresh_answer_without_a_refresh_token_keeps_the_old_one() {
    let (scene, _) = OAuthScene::signed_in().await;
    let shape = TokenShape { refresh_token: RefreshTokenField::Missing, ..Default::default() };
    scene.provider.change(|behaviour| behaviour.refresh = shape.into());
    scene.refresh_by_call().await.ran();
    let scene = scene.restart().await;
    scene.refresh_by_call().await.ran();
    let log = scene.provider.log();
    let sent: Vec<_> =
        log.refreshes().iter().map(|request| request.field("refresh_token")).collect();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], sent[1]);
    scene.stop().await;
}

#[tokio::test]
async fn a_token_of_forty_seconds_is_renewed_by_the_clock_and_not_sooner_than_after_thirty() {
    let scene = OAuthScene::new().await;
    let short = TokenShape::living(Duration::from_secs(40));
    scene.provider.change(|behaviour| behaviour.exchange = short.into());
    scene.sign_in().await;
    let log = scene
        .provider
        .until_within(Duration::from_secs(60), "a renewal by the clock", |log| {
            !log.refreshes().is_empty()
        })
        .await;
    let after = log.refreshes()[0].at - log.exchanges()[0].at;
    assert!(after >= Duration::from_secs(30), "{after:?}");
    scene.whoami().await.ran();
    assert_eq!(scene.provider.log().refreshes().len(), 1);
    scene.stop().await;
}
