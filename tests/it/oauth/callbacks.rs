//! The loopback callback (RFC 8252, section 7.3): what it believes, and that a wrong one spoils nothing.

use agentport_api::SignInState;
use agentport_tests::{
    Wire,
    oauth_provider::{IssParameter, Page, ProviderSite},
    wire::status_of,
};
use http::Method;
use serde_json::json;
use url::Url;

use super::{OAuthScene, PROVIDER};

/// `url` with another value of one parameter, or without it.
fn with_parameter(url: &str, name: &str, value: Option<&str>) -> String {
    let mut changed = Url::parse(url).expect("a URL");
    let pairs: Vec<_> = changed
        .query_pairs()
        .filter(|(key, _)| key != name)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    changed.query_pairs_mut().clear().extend_pairs(pairs);
    if let Some(value) = value {
        changed.query_pairs_mut().append_pair(name, value);
    }
    changed.into()
}

async fn nothing_redeemed(scene: &OAuthScene, page: &Page) {
    assert!(scene.provider.log().exchanges().is_empty(), "{page:?}");
    assert!(page.text.len() > 40, "the page says why: {page:?}");
    assert!(!scene.is_installed(PROVIDER).await);
}

/// A sign-in that follows a failed one works.
async fn the_next_try_works(scene: &OAuthScene) {
    scene.sign_in().await;
    scene.whoami().await.ran();
}

#[tokio::test]
async fn a_callback_with_a_wrong_state_is_not_believed_and_the_right_one_still_is() {
    let scene = OAuthScene::new().await;
    let view = scene.begin(scene.addition()).await;
    let callback = scene.browser.callback(&scene.consent_url(&view.id).await, "ada").await;
    for state in [Some("another"), Some(""), None] {
        let page = scene.browser.open(&with_parameter(&callback, "state", state)).await;
        assert!(page.status.is_client_error(), "{page:?}");
        nothing_redeemed(&scene, &page).await;
    }
    scene.browser.open(&callback).await;
    scene.done(&view.id).await;
    scene.stop().await;
}

#[tokio::test]
async fn a_wrong_or_missing_issuer_in_the_callback_is_not_believed_and_the_right_one_still_is() {
    let scene = OAuthScene::new().await;
    let elsewhere = scene.provider.url(ProviderSite::Elsewhere, "");
    for iss in [IssParameter::Wrong(elsewhere), IssParameter::Missing] {
        let view = scene.begin(scene.addition()).await;
        let url = scene.consent_url(&view.id).await;
        scene.provider.change(|behaviour| behaviour.authorization.iss = iss);
        let page = scene.browser.approve(&url).await;
        nothing_redeemed(&scene, &page).await;
        assert!(page.text.contains(&scene.provider.issuer()), "{}", page.text);
        scene.provider.change(|behaviour| behaviour.authorization.iss = IssParameter::Sent);
        scene.browser.approve(&url).await;
        scene.done(&view.id).await;
        scene.scene.owner.remove(PROVIDER).await;
        scene.provider.clear_log();
    }
    scene.stop().await;
}

#[tokio::test]
async fn a_missing_issuer_is_tolerated_where_reviewed_data_say_so() {
    let scene = OAuthScene::new().await;
    scene.provider.change(|behaviour| behaviour.authorization.iss = IssParameter::Missing);
    let mut body = scene.addition();
    body["settings"] = json!({"allow_missing_iss": true});
    scene.complete(body).await;
    scene.stop().await;
}

#[tokio::test]
async fn a_refused_consent_says_so_and_leaves_nothing() {
    let scene = OAuthScene::new().await;
    let view = scene.begin(scene.addition()).await;
    let page = scene.browser.deny(&scene.consent_url(&view.id).await).await;
    nothing_redeemed(&scene, &page).await;
    let message = scene.failure(&view.id).await.to_lowercase();
    assert!(message.contains("denied") || message.contains("cancel"), "{message}");
    the_next_try_works(&scene).await;
    scene.stop().await;
}

#[tokio::test]
async fn an_error_of_another_state_does_not_end_a_sign_in() {
    let scene = OAuthScene::new().await;
    let view = scene.begin(scene.addition()).await;
    let callback = scene.browser.callback(&scene.consent_url(&view.id).await, "ada").await;
    let forged = with_parameter(&callback, "code", None);
    let forged = with_parameter(&forged, "state", Some("forged"));
    scene.browser.open(&with_parameter(&forged, "error", Some("access_denied"))).await;
    let state = scene.scene.owner.sign_in_view(view.id).await.state;
    assert!(matches!(state, SignInState::WaitingForConsent { .. }), "{state:?}");
    scene.browser.open(&callback).await;
    scene.done(&view.id).await;
    scene.stop().await;
}

#[tokio::test]
async fn a_second_hit_of_the_callback_redeems_nothing_more() {
    let scene = OAuthScene::new().await;
    let view = scene.begin(scene.addition()).await;
    let callback = scene.browser.callback(&scene.consent_url(&view.id).await, "ada").await;
    scene.browser.open(&callback).await;
    // The listener may be gone by now, or answer once more; either is right.
    let _ = agentport_tests::http_client().get(&callback).send().await;
    scene.done(&view.id).await;
    let _ = agentport_tests::http_client().get(&callback).send().await;
    assert_eq!(scene.provider.log().exchanges().len(), 1);
    scene.stop().await;
}

#[tokio::test]
async fn a_callback_under_a_foreign_host_is_refused() {
    let scene = OAuthScene::new().await;
    let view = scene.begin(scene.addition()).await;
    let callback = scene.browser.callback(&scene.consent_url(&view.id).await, "ada").await;
    let url = Url::parse(&callback).expect("a URL");
    let path = &url[url::Position::BeforePath..];
    let base = format!("http://127.0.0.1:{}", url.port().expect("a port"));
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: attacker.example\r\nConnection: close\r\n\r\n");
    let answer = Wire::new(&base).bytes(request.as_bytes()).await;
    assert!((400..500).contains(&status_of(&answer)), "{answer}");
    assert!(scene.provider.log().exchanges().is_empty());
    scene.browser.open(&callback).await;
    scene.done(&view.id).await;
    scene.stop().await;
}

#[tokio::test]
async fn a_callback_of_an_earlier_try_is_not_redeemed_by_a_later_one() {
    let scene = OAuthScene::new().await;
    let first = scene.begin(scene.addition()).await;
    let stale = scene.browser.callback(&scene.consent_url(&first.id).await, "mallory").await;
    let path = format!("/control/sign-ins/{}", first.id);
    scene.scene.owner.send(Method::DELETE, &path, None).await;
    let second = scene.begin(scene.addition()).await;
    let url = scene.consent_url(&second.id).await;
    // The listener of the first is closed; the second may have its port, and must not take its code.
    let _ = agentport_tests::http_client().get(&stale).send().await;
    assert!(scene.provider.log().exchanges().is_empty());
    scene.browser.approve(&url).await;
    scene.done(&second.id).await;
    scene.scene.owner.allow_all(PROVIDER).await;
    assert!(scene.whoami().await.ran().text.contains("account=ada"));
    scene.stop().await;
}

#[tokio::test]
async fn the_address_the_browser_was_sent_to_can_be_pasted() {
    let scene = OAuthScene::new().await;
    let view = scene.begin(scene.addition()).await;
    let callback = scene.browser.callback(&scene.consent_url(&view.id).await, "ada").await;
    let path = format!("/control/sign-ins/{}/callback", view.id);
    let wrong = with_parameter(&callback, "state", Some("another"));
    let reply = scene.scene.owner.send(Method::POST, &path, Some(json!({"url": wrong}))).await;
    assert!(reply.status.is_client_error(), "{} {}", reply.status, reply.text);
    assert!(scene.provider.log().exchanges().is_empty());
    let reply = scene.scene.owner.send(Method::POST, &path, Some(json!({"url": callback}))).await;
    assert!(reply.status.is_success(), "{} {}", reply.status, reply.text);
    scene.done(&view.id).await;
    scene.stop().await;
}
