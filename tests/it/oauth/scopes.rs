//! Scopes, `resource` (RFC 8707), and servers that say late that a sign-in or a scope is missing.

use agentport_api::{Health, Items, SignInState, SignInView};
use agentport_tests::oauth_provider::{
    DeadTokenAnswer, DiscoveryBehaviour, McpProtection, ProviderBehaviour, ProviderSite,
    RecordedRequest, ResourceName, ResourceRule, ScopeRule,
};
use http::Method;
use serde_json::json;

use super::{OAuthScene, PROVIDER, parameter};

#[tokio::test]
async fn a_server_that_wants_a_sign_in_only_for_calls_shows_it_with_the_first_call() {
    let scene = OAuthScene::new().await;
    scene.provider.change(|behaviour| behaviour.mcp.protection = McpProtection::Calls);
    let url = scene.provider.mcp_url();
    let view = scene.scene.owner.add_remote(PROVIDER, &url).await;
    assert_eq!(view.tools.total, 2, "the list is open");
    scene.scene.owner.allow_all(PROVIDER).await;
    let answer = scene.whoami().await;
    assert!(answer.refused().contains("wants a credential"), "{}", answer.text);
    let needs = |health: &Health| matches!(health, Health::NeedsAuth { .. });
    scene
        .scene
        .owner
        .integration_until(PROVIDER, "the sign-in to be shown", |view| needs(&view.health))
        .await;
    scene.scene.owner.remove(PROVIDER).await;
    scene.sign_in().await;
    assert!(scene.whoami().await.ran().text.contains("account=ada"));
    scene.stop().await;
}

fn resources<'a>(requests: impl IntoIterator<Item = &'a RecordedRequest>) -> Vec<Option<String>> {
    let of = |request: &RecordedRequest| {
        request.field("resource").or_else(|| request.parameter("resource").map(ToOwned::to_owned))
    };
    requests.into_iter().map(of).collect()
}

#[tokio::test]
async fn the_resource_is_sent_as_the_metadata_write_it_also_after_a_restart() {
    let behaviour = ProviderBehaviour {
        discovery: DiscoveryBehaviour { resource_name: ResourceName::Origin, ..Default::default() },
        resource_rule: ResourceRule::Required,
        ..Default::default()
    };
    let scene = OAuthScene::with(behaviour).await;
    scene.sign_in().await;
    scene.refresh_by_call().await.ran();
    let scene = scene.restart().await;
    scene.refresh_by_call().await.ran();
    let expected = Some(scene.provider.url(ProviderSite::Resource, ""));
    let log = scene.provider.log();
    assert_eq!(resources(log.authorizations()), std::slice::from_ref(&expected));
    assert_eq!(resources(log.exchanges()), std::slice::from_ref(&expected));
    assert_eq!(resources(log.refreshes()), [expected.clone(), expected]);
    scene.stop().await;
}

#[tokio::test]
async fn the_resource_can_be_switched_off() {
    let behaviour =
        ProviderBehaviour { resource_rule: ResourceRule::Refused, ..Default::default() };
    let scene = OAuthScene::with(behaviour).await;
    let mut body = scene.addition();
    body["settings"] = json!({"send_resource": false});
    scene.complete(body).await;
    scene.scene.owner.allow_all(PROVIDER).await;
    scene.refresh_by_call().await.ran();
    let scene = scene.restart().await;
    scene.refresh_by_call().await.ran();
    let log = scene.provider.log();
    assert_eq!(resources(log.authorizations()), [None]);
    assert_eq!(resources(log.exchanges()), [None]);
    assert_eq!(resources(log.refreshes()), [None, None]);
    scene.stop().await;
}

#[tokio::test]
async fn scopes_the_provider_does_not_know_are_left_out_at_the_second_try() {
    let scene = OAuthScene::new().await;
    scene.provider.change(|behaviour| behaviour.authorization.scopes = ScopeRule::Absent);
    let view = scene.begin(scene.addition()).await;
    let first = scene.consent_url(&view.id).await;
    assert!(parameter(&first, "scope").is_some());
    let page = scene.browser.follow(&first).await;
    let second = scene
        .scene
        .owner
        .sign_in_until(view.id, "a page without scopes", |state| {
            state.is_over()
                || matches!(state, SignInState::WaitingForConsent { authorization_url }
                    if parameter(authorization_url, "scope").is_none())
        })
        .await;
    let SignInState::WaitingForConsent { authorization_url } = second.state else {
        panic!("{second:?}, the page said {}", page.text);
    };
    scene.browser.approve(&authorization_url).await;
    scene.done(&view.id).await;
    scene.stop().await;
}

/// Sign-ins under way.
async fn under_way(scene: &OAuthScene) -> Vec<SignInView> {
    let all: Items<SignInView> =
        scene.scene.owner.ask(Method::GET, "/control/sign-ins", None).await;
    all.items
}

#[tokio::test]
async fn a_missing_scope_is_asked_for_beside_the_old_ones_and_is_no_expiry() {
    let scene = OAuthScene::new().await;
    scene
        .provider
        .change(|behaviour| behaviour.discovery.resource_scopes = vec!["read".to_owned()]);
    let account = scene.sign_in().await;
    assert_eq!(scene.account(&account).await.scopes, ["read"]);
    let answer = scene.write().await;
    let said = answer.refused();
    assert!(said.contains("write") && !said.contains("expired"), "{said}");
    assert!(scene.provider.log().refreshes().is_empty(), "a refresh brings no scope");
    scene.whoami().await.ran();

    assert!(under_way(&scene).await.is_empty(), "nothing is opened without the owner");
    let view = scene.begin(json!({"integration": PROVIDER, "account": account})).await;
    let url = scene.consent_url(&view.id).await;
    assert_eq!(parameter(&url, "scope").as_deref(), Some("read write"));
    scene.browser.approve(&url).await;
    scene.done(&view.id).await;
    scene.write().await.ran();
    scene.stop().await;
}

#[tokio::test]
async fn a_scope_that_is_never_granted_is_not_asked_for_without_end() {
    let scene = OAuthScene::new().await;
    scene.provider.change(|behaviour| {
        behaviour.discovery.resource_scopes = vec!["read".to_owned()];
        behaviour.authorization.granted_scopes = Some(vec!["read".to_owned()]);
    });
    let account = scene.sign_in().await;
    for _ in 0..5 {
        assert!(scene.write().await.is_error);
    }
    for round in 1..=3 {
        let refused = scene.write().await;
        assert!(refused.text.contains("by signing in again"), "{round}: {}", refused.text);
        scene.complete(json!({"integration": PROVIDER, "account": account})).await;
        assert!(scene.write().await.is_error);
    }
    let refused = scene.write().await;
    assert!(refused.text.contains("has not granted them 3 times"), "{}", refused.text);
    assert!(!refused.text.contains("expired"), "{}", refused.text);
    scene.whoami().await.ran();
    let log = scene.provider.log();
    assert!(log.refreshes().is_empty());
    assert_eq!(log.authorizations().len(), 4, "only what the owner began");
    scene.stop().await;
}

#[tokio::test]
async fn a_tool_error_that_quotes_401_renews_an_old_token_without_repeating_a_write() {
    let (scene, _) = OAuthScene::signed_in().await;
    scene.whoami().await.ran();
    scene.provider.change(|behaviour| behaviour.mcp.dead_token = DeadTokenAnswer::ToolError);
    scene.provider.end_access_tokens();
    scene.provider.clear_log();
    let answer = scene.write().await;
    assert!(answer.is_error);
    let writes = scene.provider.log().calls().len();
    assert_eq!(writes, 1, "a write is never repeated by itself");
    scene.stop().await;
}
