//! The owner consents in the app; the page in the browser only waits.

use agentport_api::{ApproveConsent, ConsentState};
use agentport_tests::{
    OAuthAgent, TokenSet, Wire,
    oauth_agent::{AuthorizePage, WaitState, bearer, fixtures},
};
use http::{Method, StatusCode};
use serde_json::json;

use super::status;
use crate::scene::Scene;

/// A client with an open page.
async fn waiting(
    scene: &Scene,
) -> (OAuthAgent, agentport_tests::oauth_agent::AuthorizationRequest, AuthorizePage) {
    let client = OAuthAgent::register(&scene.gateway).await;
    let request = client.request();
    let page = AuthorizePage::open(&request.url()).await;
    page.waits();
    (client, request, page)
}

#[tokio::test]
async fn nothing_happens_until_the_owner_decides() {
    let scene = Scene::empty().await;
    let (client, request, page) = waiting(&scene).await;
    let consent = scene.owner.one_consent().await;
    assert_eq!(consent.client_name, "Claude Code");
    assert!(page.reply.text.contains(&consent.code), "the page shows the same digits");
    assert!(!page.reply.text.contains(&consent.id.to_string()), "the owner's id is not the page's");
    assert!(consent.known_as.is_none());
    assert!(consent.expires_at.0 - consent.created_at.0 >= 5 * 60 * 1000, "time to decide");
    assert_eq!(page.look().await, WaitState::Waiting);
    assert!(scene.owner.oauth_agents().await.is_empty());

    scene.owner.give_consent(&consent).await;
    let callback = page.callback().await;
    assert_eq!(callback.get("state").as_deref(), Some(request.state.as_str()));
    assert_eq!(callback.get("iss").as_deref(), Some(client.found.issuer()));
    let tokens = TokenSet::of(&client.exchange(&callback.code(), &request).await);
    assert_eq!(status(&tokens.wire(&scene.gateway)).await, StatusCode::OK);
    assert_eq!(scene.owner.consent(consent.id).await.state, ConsentState::Approved);
    let agent = scene.owner.oauth_agent().await;
    assert_eq!(agent.name, consent.suggested_name);
    scene.stop().await;
}

#[tokio::test]
async fn a_refusal_goes_back_to_the_client() {
    let scene = Scene::empty().await;
    let (client, request, page) = waiting(&scene).await;
    let consent = scene.owner.one_consent().await;
    assert_eq!(scene.owner.refuse_consent(consent.id).await.status, StatusCode::NO_CONTENT);
    let callback = page.callback().await;
    assert_eq!(callback.target(), request.redirect_uri);
    assert_eq!(callback.get("error").as_deref(), Some("access_denied"));
    assert_eq!(callback.get("state").as_deref(), Some(request.state.as_str()));
    assert_eq!(callback.get("iss").as_deref(), Some(client.found.issuer()));
    assert_eq!(callback.get("code"), None);
    assert_eq!(scene.owner.consent(consent.id).await.state, ConsentState::Denied);
    assert!(scene.owner.oauth_agents().await.is_empty());
    // A second decision changes nothing.
    let late = scene.owner.try_consent(consent.id, &ApproveConsent::default()).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text);
    scene.stop().await;
}

#[tokio::test]
async fn a_consent_is_given_once() {
    let scene = Scene::empty().await;
    let (_, _, page) = waiting(&scene).await;
    let consent = scene.owner.consents_once().await;
    let again = scene.owner.try_consent(consent.id, &ApproveConsent::default()).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);
    assert_eq!(scene.owner.refuse_consent(consent.id).await.status, StatusCode::CONFLICT);
    page.callback().await.code();
    let nowhere = agentport_core::ConsentId(uuid::Uuid::new_v4());
    let unknown = scene.owner.try_consent(nowhere, &ApproveConsent::default()).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    scene.stop().await;
}

#[tokio::test]
async fn a_reloaded_page_is_the_same_request() {
    let scene = Scene::empty().await;
    let (client, request, page) = waiting(&scene).await;
    let consent = scene.owner.one_consent().await;
    let reloaded = AuthorizePage::open(&request.url()).await;
    assert_eq!(reloaded.look().await, WaitState::Waiting);
    assert_eq!(scene.owner.one_consent().await.id, consent.id, "the owner is asked once");
    scene.owner.give_consent(&consent).await;
    let callback = reloaded.callback().await;
    TokenSet::of(&client.exchange(&callback.code(), &request).await);
    // The first page comes to an end as well.
    assert_ne!(page.look().await, WaitState::Waiting);
    scene.stop().await;
}

/// Two windows of one editor may ask at once; a client that asks on and on does not fill the owner's screen.
#[tokio::test]
async fn three_requests_of_one_client_wait_and_a_fourth_takes_the_place_of_the_oldest() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    let mut pages = Vec::new();
    for _ in 0..4 {
        let request = client.request();
        let page = AuthorizePage::open(&request.url()).await;
        page.waits();
        pages.push((request, page));
    }
    let waiting = scene.owner.waiting_consents().await;
    assert_eq!(waiting.len(), 3);
    assert_eq!(pages[0].1.look().await, WaitState::Other, "the oldest has ended");
    for (consent, (request, page)) in waiting.iter().zip(&pages[1..]) {
        scene.owner.give_consent(consent).await;
        TokenSet::of(&client.exchange(&page.callback().await.code(), request).await);
    }
    scene.stop().await;
}

#[tokio::test]
async fn the_page_can_be_framed_cached_and_scripted_by_nobody() {
    let scene = Scene::empty().await;
    let (client, _, page) = waiting(&scene).await;
    let explaining = AuthorizePage::open(&client.request().with("client_id", "nobody").url()).await;
    for reply in [&page.reply, &explaining.reply] {
        let policy = reply.header("content-security-policy").expect("a policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(reply.header("x-frame-options"), Some("DENY"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert!(reply.header("access-control-allow-origin").is_none());
        assert!(reply.header("set-cookie").is_none());
    }
    scene.stop().await;
}

#[tokio::test]
async fn what_a_client_calls_itself_stays_text() {
    let scene = Scene::empty().await;
    let evil = "<img src=x onerror=alert(1)>\u{202e}\"'</main><script>alert(1)</script>";
    let body = fixtures::named(evil);
    let client = OAuthAgent::register_as(&scene.gateway.said.mcp_url, &body).await;
    let page =
        AuthorizePage::open(&client.request().with("state", "\"><script>alert(2)</script>").url())
            .await;
    page.waits();
    for bad in ["<img", "<script>alert", "\u{202e}"] {
        assert!(!page.reply.text.contains(bad), "{bad}: {}", page.reply.text);
    }
    let consent = scene.owner.one_consent().await;
    assert!(!consent.client_name.contains('\u{202e}'), "{:?}", consent.client_name);
    scene.stop().await;
}

#[tokio::test]
async fn a_page_of_another_origin_decides_nothing() {
    let scene = Scene::empty().await;
    let (_, request, page) = waiting(&scene).await;
    let consent = scene.owner.one_consent().await;
    let nobody = Wire::new(scene.gateway.base());
    let authorize = request.url().replace(scene.gateway.base(), "");
    let decisions = [
        format!("/control/consents/{}/approve", consent.id),
        format!("/control/consents/{}/deny", consent.id),
        authorize.clone(),
        format!("{authorize}&approve=1&decision=approve&consent=yes"),
        format!("/oauth/authorize/wait?request={}&decision=approve", page.waits()),
        format!("/oauth/authorize/approve?request={}", page.waits()),
    ];
    for origin in [None, Some("http://evil.example"), Some("null"), Some(scene.gateway.base())] {
        let wire =
            origin.map_or_else(|| nobody.clone(), |origin| nobody.clone().with("origin", origin));
        for path in &decisions {
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                let form = wire
                    .request(method.clone(), path)
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body("decision=approve&approve=true");
                let reply = wire.send(form).await;
                assert!(!reply.status.is_success(), "{method} {path} {origin:?}: {}", reply.status);
            }
        }
    }
    // A page elsewhere cannot read what the waiting page is answered either.
    for origin in ["http://evil.example", "null"] {
        let reply = nobody
            .clone()
            .with("origin", origin)
            .get(&page.wait_url().replace(scene.gateway.base(), ""))
            .await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{}", reply.text);
    }
    assert_eq!(scene.owner.consent(consent.id).await.state, ConsentState::Waiting);
    assert_eq!(page.look().await, WaitState::Waiting);
    scene.stop().await;
}

#[tokio::test]
async fn no_agent_can_see_or_give_consent() {
    let scene = Scene::empty().await;
    let (_, tokens) = scene.signed_in().await;
    let other = OAuthAgent::register_named(&scene.gateway, "other").await;
    let page = AuthorizePage::open(&other.request().url()).await;
    page.waits();
    let consent = scene.owner.one_consent().await;
    let wires = [
        Wire::new(scene.gateway.base()),
        scene.wire.clone(),
        tokens.wire(&scene.gateway),
        bearer(scene.gateway.base(), page.waits()),
    ];
    for wire in wires {
        for (method, path) in [
            (Method::GET, "/control/consents".to_owned()),
            (Method::GET, format!("/control/consents/{}", consent.id)),
            (Method::POST, format!("/control/consents/{}/approve", consent.id)),
            (Method::POST, format!("/control/consents/{}/deny", consent.id)),
        ] {
            let reply = wire.send(wire.request(method.clone(), &path).json(&json!({}))).await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{method} {path}: {}", reply.text);
        }
    }
    assert_eq!(scene.owner.consent(consent.id).await.state, ConsentState::Waiting);
    scene.stop().await;
}

#[tokio::test]
async fn the_owner_names_the_agent_and_chooses_what_it_sees() {
    let scene = Scene::new().await;
    let profile = json!({"name": "nothing", "integrations": [], "mode": "direct"});
    scene.owner.put_profile("nothing", profile).await;
    let (client, request, page) = waiting(&scene).await;
    let consent = scene.owner.one_consent().await;
    let taken = ApproveConsent { name: Some("tester".to_owned()), ..Default::default() };
    let reply = scene.owner.try_consent(consent.id, &taken).await;
    assert_eq!(reply.status, StatusCode::CONFLICT, "the name of another agent: {}", reply.text);
    let unknown = ApproveConsent { profile: Some("nowhere".to_owned()), ..Default::default() };
    let reply = scene.owner.try_consent(consent.id, &unknown).await;
    assert!(reply.status.is_client_error(), "{}", reply.text);
    let chosen = ApproveConsent {
        code: None,
        name: Some("my editor".to_owned()),
        profile: Some("nothing".to_owned()),
        agent: None,
    };
    let reply = scene.owner.try_consent(consent.id, &chosen).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT, "{}", reply.text);
    let tokens = TokenSet::of(&client.exchange(&page.callback().await.code(), &request).await);
    let agent = scene.owner.oauth_agent().await;
    assert_eq!((agent.name.as_str(), agent.profile.as_deref()), ("my editor", Some("nothing")));
    let listed = tokens.wire(&scene.gateway).rpc("tools/list", json!({})).await;
    assert!(!listed.to_string().contains("fx__"), "{listed}");
    scene.stop().await;
}

#[tokio::test]
async fn a_client_that_signs_in_again_is_proposed_as_the_agent_it_was() {
    let scene = Scene::empty().await;
    let (client, first) = scene.signed_in().await;
    let agent = scene.owner.oauth_agent().await;
    scene.owner.rename_agent(agent.id, "my editor").await;
    let request = client.request();
    let page = AuthorizePage::open(&request.url()).await;
    let consent = scene.owner.one_consent().await;
    let known = consent.known_as.clone().expect("it was here before");
    assert_eq!((known.id, known.name.as_str()), (agent.id, "my editor"));
    assert_eq!(page.look().await, WaitState::Waiting, "knowing it is no consent");
    scene.owner.give_consent(&consent).await;
    let second = TokenSet::of(&client.exchange(&page.callback().await.code(), &request).await);
    for tokens in [first, second] {
        assert_eq!(status(&tokens.wire(&scene.gateway)).await, StatusCode::OK);
    }
    assert_eq!(scene.owner.oauth_agent().await.id, agent.id);
    scene.stop().await;
}

#[tokio::test]
async fn consent_to_one_client_is_none_to_another_of_the_same_name() {
    let scene = Scene::empty().await;
    let (_, _) = scene.signed_in().await;
    let agent = scene.owner.oauth_agent().await;
    let twin = fixtures::with_redirects("Claude Code", &["http://localhost:3118/other"]);
    let twin = OAuthAgent::register_as(&scene.gateway.said.mcp_url, &twin).await;
    let page = AuthorizePage::open(&twin.request().url()).await;
    let consent = scene.owner.one_consent().await;
    assert!(consent.known_as.is_none(), "{consent:?}");
    assert_ne!(consent.suggested_name, agent.name);
    let forged = ApproveConsent { agent: Some(agent.id), ..Default::default() };
    let reply = scene.owner.try_consent(consent.id, &forged).await;
    assert!(reply.status.is_client_error(), "another client's agent: {}", reply.text);
    assert_eq!(page.look().await, WaitState::Waiting);
    scene.stop().await;
}

#[tokio::test]
async fn every_decision_is_in_the_audit_log() {
    let scene = Scene::empty().await;
    scene.signed_in().await;
    let other = OAuthAgent::register_named(&scene.gateway, "unwanted").await;
    AuthorizePage::open(&other.request().url()).await.waits();
    let consent = scene.owner.one_consent().await;
    scene.owner.refuse_consent(consent.id).await;
    let audit = scene.owner.send(Method::GET, "/control/audit", None).await.text;
    for word in ["agent.consented", "agent.refused", "unwanted"] {
        assert!(audit.contains(word), "{word}: {audit}");
    }
    scene.stop().await;
}
