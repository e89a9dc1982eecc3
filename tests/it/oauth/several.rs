//! Several accounts of one integration.

use agentport_api::Health;
use agentport_tests::oauth_provider::{
    ClientAuth, DiscoveryBehaviour, ProviderBehaviour, ProviderSite, REVOCATION_PATH,
    RegistrationBehaviour, RequestLog,
};
use http::{Method, StatusCode};
use serde_json::json;

use super::{OAuthScene, PROVIDER};

#[tokio::test]
async fn of_two_accounts_one_can_go_and_the_other_keeps_working() {
    let (scene, first) = OAuthScene::signed_in().await;
    let view = scene.begin(json!({"integration": PROVIDER, "label": "work"})).await;
    let url = scene.consent_url(&view.id).await;
    scene.browser.approve_as(&url, "grace").await;
    let second = scene.done(&view.id).await;
    assert_ne!(first, second);
    let accounts = scene.scene.owner.accounts().await;
    assert_eq!(accounts.len(), 2);
    assert!(accounts.iter().any(|account| account.label == "work" && !account.is_default));

    assert!(scene.whoami().await.ran().text.contains("account=ada"));
    let path = format!("/control/accounts/{second}");
    let change = Some(json!({"is_default": true}));
    let reply = scene.scene.owner.send(Method::PATCH, &path, change).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert!(scene.whoami().await.ran().text.contains("account=grace"));

    let path = format!("/control/accounts/{first}");
    let reply = scene.scene.owner.send(Method::DELETE, &path, None).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT, "{}", reply.text);
    // In the background: what the provider says to it changes nothing here.
    let revoked = |log: &RequestLog| {
        let requests = log.to(ProviderSite::Authorization, REVOCATION_PATH);
        requests.iter().any(|request| request.status == Some(200))
    };
    scene.provider.until("the revocation", revoked).await;
    assert_eq!(scene.provider.live_accounts(), ["grace"], "revoked at the provider");
    assert_eq!(scene.scene.owner.accounts().await.len(), 1);
    assert!(scene.whoami().await.ran().text.contains("account=grace"));
    scene.stop().await;
}

/// The client's own method counts, and not the first of those that the metadata list.
#[tokio::test]
async fn tokens_are_revoked_with_the_method_the_client_was_registered_for() {
    for method in [ClientAuth::Basic, ClientAuth::Post] {
        let behaviour = ProviderBehaviour {
            discovery: DiscoveryBehaviour {
                auth_methods: vec![ClientAuth::Basic, ClientAuth::Post],
                ..DiscoveryBehaviour::default()
            },
            registration: RegistrationBehaviour {
                secret: Some(method),
                ..RegistrationBehaviour::default()
            },
            ..ProviderBehaviour::default()
        };
        let scene = OAuthScene::with(behaviour).await;
        let account = scene.sign_in().await;
        let path = format!("/control/accounts/{account}");
        let reply = scene.scene.owner.send(Method::DELETE, &path, None).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT, "{}", reply.text);
        let answered = |log: &RequestLog| {
            let requests = log.to(ProviderSite::Authorization, REVOCATION_PATH);
            requests.iter().filter(|request| request.status.is_some()).count() == 2
        };
        let log = scene.provider.until("both revocations", answered).await;
        for request in log.to(ProviderSite::Authorization, REVOCATION_PATH) {
            assert_eq!(request.status, Some(200), "{method:?}");
            let in_body = request.field("client_secret").is_some();
            let in_header = request.header("authorization").is_some();
            let expected = (method == ClientAuth::Post, method == ClientAuth::Basic);
            assert_eq!((in_body, in_header), expected, "{method:?}");
        }
        assert!(scene.provider.live_accounts().is_empty(), "{method:?}");
        scene.stop().await;
    }
}

#[tokio::test]
async fn after_the_last_account_a_call_says_that_a_sign_in_is_needed() {
    let (scene, account) = OAuthScene::signed_in().await;
    scene.whoami().await.ran();
    let path = format!("/control/accounts/{account}");
    let reply = scene.scene.owner.send(Method::DELETE, &path, None).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT, "{}", reply.text);
    let answer = scene.whoami().await;
    assert!(answer.refused().contains("sign in"), "{}", answer.text);
    assert!(!answer.text.contains("cancelled"), "{}", answer.text);
    let health = scene.scene.owner.integration(PROVIDER).await.health;
    assert!(matches!(health, Health::NeedsAuth { .. }), "{health:?}");
    let scene = scene.restart().await;
    assert!(scene.whoami().await.refused().contains("sign in"), "also after a restart");
    scene.complete(json!({"integration": PROVIDER})).await;
    scene.whoami().await.ran();
    scene.stop().await;
}

#[tokio::test]
async fn an_agent_uses_the_account_that_was_chosen_for_it() {
    let (scene, _) = OAuthScene::signed_in().await;
    let view = scene.begin(json!({"integration": PROVIDER, "label": "work"})).await;
    scene.browser.approve_as(&scene.consent_url(&view.id).await, "grace").await;
    let second = scene.done(&view.id).await;
    let key = scene.scene.owner.create_key("other").await;
    let path = format!("/control/integrations/{PROVIDER}/accounts/chosen");
    let chosen = json!({"agents": {key.id.to_string(): second}});
    let reply = scene.scene.owner.send(Method::PUT, &path, Some(chosen)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let other = scene.scene.gateway.wire(&key);
    let answer = other.call_tool(PROVIDER, "whoami", json!({})).await.ran();
    assert!(answer.text.contains("account=grace"), "{}", answer.text);
    assert!(scene.whoami().await.ran().text.contains("account=ada"));
    scene.stop().await;
}

#[tokio::test]
async fn signing_in_again_keeps_rules_and_settings() {
    let (scene, account) = OAuthScene::signed_in().await;
    let before = scene.scene.owner.policy().await.len();
    scene.provider.end_grants();
    assert!(scene.whoami().await.is_error);
    scene.complete(json!({"integration": PROVIDER, "account": account})).await;
    scene.whoami().await.ran();
    assert_eq!(scene.scene.owner.policy().await.len(), before);
    assert_eq!(scene.scene.owner.accounts().await.len(), 1);
    scene.stop().await;
}
