//! Client identity: dynamic registration (RFC 7591), the owner's own client, and authentication at the token endpoint.

use agentport_api::{ClientSource, SignInState};
use agentport_tests::oauth_provider::{
    ClientAuth, ProviderBehaviour, RegistrationBehaviour, RegistrationRule,
};
use http::{Method, StatusCode};
use serde_json::json;
use tokio::net::TcpListener;

use super::{OAuthScene, PROVIDER, needs_sign_in, parameter};

fn registering(registration: RegistrationBehaviour) -> ProviderBehaviour {
    ProviderBehaviour { registration, ..Default::default() }
}

#[tokio::test]
async fn without_registration_the_owner_is_asked_for_a_client_and_shown_the_redirect() {
    let rule = RegistrationRule::Absent;
    let scene =
        OAuthScene::with(registering(RegistrationBehaviour { rule, ..Default::default() })).await;
    let view = scene.begin(scene.addition()).await;
    let end = scene.scene.owner.sign_in_end(view.id).await;
    let SignInState::ClientNeeded { message } = &end.state else { panic!("{end:?}") };
    let redirect = end.redirect_uri.expect("the redirect to register");
    assert!(redirect.starts_with("http://127.0.0.1:"), "{redirect}");
    assert!(message.contains("client"), "{message}");
    assert!(!scene.is_installed(PROVIDER).await);

    let secret = scene.provider.add_client("own-client", &redirect);
    let mut body = scene.addition();
    body["client_id"] = json!("own-client");
    body["client_secret"] = json!(secret);
    let account = scene.account(&scene.complete(body).await).await;
    assert_eq!(account.client_source, Some(ClientSource::Own));
    assert_eq!(account.client_id.as_deref(), Some("own-client"));
    for request in scene.provider.log().authorizations() {
        assert_eq!(request.parameter("client_id"), Some("own-client"));
        assert_eq!(request.parameter("redirect_uri"), Some(redirect.as_str()));
    }
    scene.stop().await;
}

#[tokio::test]
async fn a_refused_registration_says_that_only_approved_clients_are_admitted() {
    let rule = RegistrationRule::ForbiddenText;
    let scene =
        OAuthScene::with(registering(RegistrationBehaviour { rule, ..Default::default() })).await;
    let view = scene.begin(scene.addition()).await;
    let message = scene.failure(&view.id).await;
    let redirect = scene.scene.owner.sign_in_view(view.id).await.redirect_uri.expect("a redirect");
    for part in ["approved clients only", "403", "token", "client of your own", &redirect] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(scene.provider.log().registrations().len(), 1, "it is not tried again");
    assert!(!scene.is_installed(PROVIDER).await);
    scene.stop().await;
}

#[tokio::test]
async fn a_registration_that_refuses_scope_is_tried_once_without() {
    let rule = RegistrationRule::RefusesScope;
    let scene =
        OAuthScene::with(registering(RegistrationBehaviour { rule, ..Default::default() })).await;
    scene.sign_in().await;
    assert!(scene.provider.log().registrations().len() <= 2);
    scene.stop().await;
}

#[tokio::test]
async fn a_provider_that_only_takes_localhost_gets_localhost() {
    let rule = RegistrationRule::OnlyHost("localhost".to_owned());
    let scene =
        OAuthScene::with(registering(RegistrationBehaviour { rule, ..Default::default() })).await;
    let mut body = scene.addition();
    body["settings"] = json!({"redirect": {"host": "localhost"}});
    scene.complete(body).await;
    scene.stop().await;
}

#[tokio::test]
async fn the_method_of_the_registration_answer_is_used_for_every_token_request() {
    for method in [ClientAuth::Post, ClientAuth::Basic] {
        let scene = OAuthScene::with(registering(RegistrationBehaviour {
            secret: Some(method),
            ..Default::default()
        }))
        .await;
        scene.sign_in().await;
        scene.refresh_by_call().await.ran();
        let scene = scene.restart().await;
        scene.refresh_by_call().await.ran();
        let log = scene.provider.log();
        assert_eq!(log.exchanges().len(), 1);
        assert_eq!(log.refreshes().len(), 2);
        for request in log.exchanges().into_iter().chain(log.refreshes()) {
            let in_body = request.field("client_secret").is_some();
            let in_header = request.header("authorization").is_some();
            let expected = (method == ClientAuth::Post, method == ClientAuth::Basic);
            assert_eq!((in_body, in_header), expected, "{method:?}");
        }
        scene.stop().await;
    }
}

#[tokio::test]
async fn redirects_of_the_registration_answer_are_not_adopted() {
    let answered = vec!["http://127.0.0.1:1/other".to_owned()];
    let scene = OAuthScene::with(registering(RegistrationBehaviour {
        answered_redirects: Some(answered),
        ..Default::default()
    }))
    .await;
    scene.sign_in().await;
    scene.stop().await;
}

#[tokio::test]
async fn a_taken_callback_port_never_leads_to_an_unregistered_redirect() {
    let (scene, account) = OAuthScene::signed_in().await;
    let log = scene.provider.log();
    let first = log.authorizations()[0].parameter("redirect_uri").expect("a redirect").to_owned();
    let port = url::Url::parse(&first).expect("a URL").port().expect("a port");
    let again = json!({"integration": PROVIDER, "account": account});

    // The port is free: the same redirect, and no new registration.
    assert_eq!(scene.complete(again.clone()).await, account);
    let log = scene.provider.log();
    assert_eq!(log.registrations().len(), 1);
    assert_eq!(log.authorizations()[1].parameter("redirect_uri"), Some(first.as_str()));

    // The provider compares redirects byte for byte, so a wrong one would end on its page.
    let taken = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    assert_eq!(scene.complete(again).await, account);
    let log = scene.provider.log();
    assert_eq!(log.registrations().len(), 2);
    assert_ne!(log.authorizations()[2].parameter("redirect_uri"), Some(first.as_str()));
    drop(taken);
    scene.stop().await;
}

#[tokio::test]
async fn a_client_the_provider_forgot_is_registered_anew_by_the_next_sign_in() {
    let (scene, account) = OAuthScene::signed_in().await;
    let again = json!({"integration": PROVIDER, "account": account});
    scene.provider.forget_clients();

    // The page of the provider redirects nowhere, so the owner gives up.
    let view = scene.begin(again.clone()).await;
    let page = scene.browser.open(&scene.consent_url(&view.id).await).await;
    assert_eq!((page.status, page.location), (StatusCode::UNPROCESSABLE_ENTITY, None));
    let path = format!("/control/sign-ins/{}", view.id);
    assert!(scene.scene.owner.send(Method::DELETE, &path, None).await.status.is_success());
    assert_eq!(scene.provider.log().registrations().len(), 1);

    assert_eq!(scene.complete(again.clone()).await, account);
    assert_eq!(scene.provider.log().registrations().len(), 2, "one for each sign-in at most");
    scene.whoami().await.ran();

    // The owner begins again without giving up first.
    scene.provider.forget_clients();
    let view = scene.begin(again.clone()).await;
    scene.browser.open(&scene.consent_url(&view.id).await).await;
    assert_eq!(scene.complete(again).await, account);
    assert_eq!(scene.provider.log().registrations().len(), 3);
    scene.stop().await;
}

#[tokio::test]
async fn invalid_client_at_a_refresh_drops_the_registration() {
    let (scene, account) = OAuthScene::signed_in().await;
    scene.provider.forget_clients();
    let answer = scene.refresh_by_call().await;
    assert!(answer.is_error, "{}", answer.text);
    scene.account_until(&account, "the owner to be asked", needs_sign_in).await;
    scene.complete(json!({"integration": PROVIDER, "account": account})).await;
    assert_eq!(scene.provider.log().registrations().len(), 2);
    scene.whoami().await.ran();
    scene.stop().await;
}

#[tokio::test]
async fn a_registration_outlives_a_restart() {
    let (scene, account) = OAuthScene::signed_in().await;
    let log = scene.provider.log();
    let client = log.authorizations()[0].parameter("client_id").expect("an id").to_owned();
    let scene = scene.restart().await;
    scene.complete(json!({"integration": PROVIDER, "account": account})).await;
    let log = scene.provider.log();
    assert_eq!(log.registrations().len(), 1);
    assert_eq!(log.authorizations()[1].parameter("client_id"), Some(client.as_str()));
    assert_eq!(scene.account(&account).await.client_id, Some(client));
    scene.stop().await;
}

#[tokio::test]
async fn the_registration_can_be_forgotten_by_the_owner() {
    let (scene, account) = OAuthScene::signed_in().await;
    let path = format!("/control/accounts/{account}/forget-registration");
    let reply = scene.scene.owner.send(Method::POST, &path, None).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT, "{}", reply.text);
    // It is kept with the account: a refresh and a restart do not bring it back.
    scene.refresh_by_call().await.ran();
    let scene = scene.restart().await;
    scene.whoami().await.ran();
    let old = scene.account(&account).await.client_id;
    let view = scene.begin(json!({"integration": PROVIDER, "account": account})).await;
    let url = scene.consent_url(&view.id).await;
    assert_eq!(scene.provider.log().registrations().len(), 2);
    assert_ne!(parameter(&url, "client_id"), old);
    scene.browser.approve(&url).await;
    scene.done(&view.id).await;
    let scene = scene.restart().await;
    scene.complete(json!({"integration": PROVIDER, "account": account})).await;
    assert_eq!(scene.provider.log().registrations().len(), 2, "the new one is kept");
    scene.stop().await;
}
