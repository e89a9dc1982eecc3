//! Attacks on the OAuth server and on agents that signed in by it (RFC 9700, RFC 9207).

use agentport_core::approval::State;
use agentport_tests::{
    OAuthAgent, Wire,
    oauth_agent::{AuthorizePage, Callback, fixtures},
};
use http::{Method, StatusCode};
use serde_json::json;

use super::{assert_refused, list, status};
use crate::scene::Scene;

#[tokio::test]
async fn one_agents_token_opens_no_session_or_approval_of_another() {
    let scene = Scene::new().await;
    let (_, victim) = scene.signed_in_as("victim").await;
    let (_, thief) = scene.signed_in_as("thief").await;
    let (victim, thief) = (victim.wire(&scene.gateway), thief.wire(&scene.gateway));
    let session = victim.open_session().await;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    for wire in [&thief, &scene.wire] {
        let stolen = wire.clone().with("mcp-session-id", &session);
        assert_eq!(stolen.post_mcp("/mcp", body.clone()).await.status, StatusCode::NOT_FOUND);
        let get = stolen.request(Method::GET, "/mcp").header("accept", "text/event-stream");
        assert_eq!(stolen.send(get).await.status, StatusCode::NOT_FOUND);
        let delete = stolen.request(Method::DELETE, "/mcp");
        assert_eq!(stolen.send(delete).await.status, StatusCode::NOT_FOUND);
    }
    let id = victim.call_tool("fx", "counter", json!({})).await.request();
    scene.owner.approve(id, agentport_api::GrantChoice::Once).await;
    thief.await_approval(&id.to_string()).await.refused();
    scene.wire.await_approval(&id.to_string()).await.refused();
    assert_eq!(scene.runs("counter"), 0);
    victim.await_approval(&id.to_string()).await.ran();
    assert_eq!(scene.runs("counter"), 1);
    scene.stop().await;
}

#[tokio::test]
async fn a_session_belongs_to_the_agent_whichever_of_its_tokens_is_shown() {
    let scene = Scene::new().await;
    let (client, tokens) = scene.signed_in().await;
    let session = tokens.wire(&scene.gateway).open_session().await;
    let fresh = agentport_tests::TokenSet::of(&client.refresh(&tokens.refresh_token).await);
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    let wire = fresh.wire(&scene.gateway).with("mcp-session-id", &session);
    let reply = wire.post_mcp("/mcp", body).await;
    assert_eq!(reply.status, StatusCode::OK, "a refresh ends no session: {}", reply.text);
    scene.stop().await;
}

#[tokio::test]
async fn a_token_opens_no_route_of_the_owners_and_decides_nothing() {
    let scene = Scene::new().await;
    let (_, tokens) = scene.signed_in().await;
    let wire = tokens.wire(&scene.gateway);
    let id = wire.call_tool("fx", "counter", json!({})).await.request();
    let agent = scene.owner.oauth_agent().await;
    for (method, path) in [
        (Method::GET, "/control/status".to_owned()),
        (Method::GET, "/control/events".to_owned()),
        (Method::POST, "/control/keys".to_owned()),
        (Method::GET, "/control/activity".to_owned()),
        (Method::PATCH, "/control/settings".to_owned()),
        (Method::PATCH, format!("/control/keys/{}", agent.id)),
        (Method::POST, format!("/control/approvals/{id}/approve")),
        (Method::POST, format!("/control/keys/{}/trust", agent.id)),
    ] {
        for token in [&tokens.access_token, &tokens.refresh_token] {
            let wire = scene.bearer(token);
            let body = json!({"grant": {"kind": "always"}, "name": "x", "minutes": 60});
            let reply = wire.send(wire.request(method.clone(), &path).json(&body)).await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{method} {path}: {}", reply.text);
        }
    }
    assert_eq!(scene.owner.approval(id).await.state, State::Pending);
    scene.stop().await;
}

#[tokio::test]
async fn a_token_is_taken_from_the_authorization_header_alone() {
    let scene = Scene::empty().await;
    let (_, tokens) = scene.signed_in().await;
    let token = tokens.access_token.as_str();
    let nobody = Wire::new(scene.gateway.base());
    for query in [format!("access_token={token}"), format!("token={token}"), format!("key={token}")]
    {
        let request = nobody.modern(&format!("/mcp?{query}"), "tools/list", json!({}));
        assert_eq!(nobody.send(request).await.status, StatusCode::UNAUTHORIZED);
    }
    for wire in [
        nobody.clone().with("cookie", &format!("access_token={token}")),
        nobody.clone().with("authorization", &format!("Basic {token}")),
        nobody.clone().with("authorization", &format!("DPoP {token}")),
        // A bad Bearer never falls back to a good key.
        nobody.clone().with("authorization", "Bearer apa_AAAA").with_key(&scene.key.key),
    ] {
        assert_eq!(status(&wire).await, StatusCode::UNAUTHORIZED, "{:?}", wire.headers);
    }
    scene.stop().await;
}

#[tokio::test]
async fn a_code_of_one_client_is_worth_nothing_to_another_even_with_its_verifier() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    let twin = fixtures::with_redirects("thief", &[client.redirect_uri.as_str()]);
    let thief = OAuthAgent::register_as(&scene.gateway.said.mcp_url, &twin).await;
    let request = client.request();
    let code = client.consented(&scene.owner, &request).await.code();
    assert_refused(
        &thief.exchange(&code, &request).await,
        StatusCode::BAD_REQUEST,
        "invalid_grant",
    );
    scene.stop().await;
}

#[tokio::test]
async fn a_code_that_is_pushed_into_another_session_of_the_client_fails_there() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    let attackers = client.request();
    let code = client.consented(&scene.owner, &attackers).await.code();
    // The victim's own verifier does not fit the attacker's code.
    let victims = client.request();
    assert_refused(
        &client.exchange(&code, &victims).await,
        StatusCode::BAD_REQUEST,
        "invalid_grant",
    );
    scene.stop().await;
}

/// Answers of this server carry its issuer, so that a client that talks to several does not mix them up.
#[tokio::test]
async fn every_answer_to_a_client_names_the_issuer() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    let issuer = client.found.issuer();
    let named = |callback: &Callback| {
        assert_eq!(callback.get("iss").as_deref(), Some(issuer), "{}", callback.url)
    };
    named(&client.consented(&scene.owner, &client.request()).await);
    let page = AuthorizePage::open(&client.request().url()).await;
    let consent = scene.owner.one_consent().await;
    scene.owner.refuse_consent(consent.id).await;
    named(&page.callback().await);
    let bad = client.request().with("response_type", "token");
    named(&AuthorizePage::open(&bad.url()).await.sent_back());
    scene.stop().await;
}

#[tokio::test]
async fn the_server_sends_nobody_to_an_address_a_stranger_wrote() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    for name in ["redirect", "redirect_url", "next", "return_to", "url", "client_uri"] {
        let request =
            client.request().with("client_id", "nobody").with(name, "https://evil.example/");
        let page = AuthorizePage::open(&request.url()).await;
        assert!(!page.explains().contains("evil.example"), "{name}");
    }
    // A bad request of an unregistered redirect is explained, not sent there.
    let request = client.request_to("https://evil.example/cb").with("response_type", "token");
    AuthorizePage::open(&request.url()).await.explains();
    let request = client.request().without("redirect_uri").with("response_type", "token");
    let page = AuthorizePage::open(&request.url()).await;
    if page.reply.status.is_redirection() {
        assert_eq!(page.sent_back().target(), client.redirect_uri, "its only one");
    } else {
        page.explains();
    }
    scene.stop().await;
}

#[tokio::test]
async fn the_id_of_a_waiting_page_cannot_be_guessed() {
    let scene = Scene::empty().await;
    let one = OAuthAgent::register_named(&scene.gateway, "one").await;
    let two = OAuthAgent::register_named(&scene.gateway, "two").await;
    let pages = [
        AuthorizePage::open(&one.request().url()).await,
        AuthorizePage::open(&two.request().url()).await,
    ];
    let ids = [pages[0].waits(), pages[1].waits()];
    assert_ne!(ids[0], ids[1]);
    assert!(ids.iter().all(|id| id.len() >= 32), "{ids:?}");
    let nobody = Wire::new(scene.gateway.base());
    let consent = scene.owner.consents().await[0].id.to_string();
    for guess in ["", "x", consent.as_str(), &ids[0][1..]] {
        let reply = nobody.get(&format!("/oauth/authorize/wait?request={guess}")).await;
        assert!(!reply.text.contains("code="), "{guess}: {}", reply.text);
        assert!(reply.status.is_client_error(), "{guess}: {} {}", reply.status, reply.text);
    }
    scene.stop().await;
}

#[tokio::test]
async fn tokens_and_codes_are_stored_as_hashes_and_logged_nowhere() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    let request = client.request();
    let code = client.consented(&scene.owner, &request).await.code();
    let first = agentport_tests::TokenSet::of(&client.exchange(&code, &request).await);
    let second = agentport_tests::TokenSet::of(&client.refresh(&first.refresh_token).await);
    assert_eq!(status(&second.wire(&scene.gateway)).await, StatusCode::OK);
    let audit = scene.owner.send(Method::GET, "/control/audit", None).await.text;
    let errors = scene.gateway.stderr();
    let secrets = [
        &code,
        &request.verifier,
        &first.access_token,
        &first.refresh_token,
        &second.access_token,
        &second.refresh_token,
    ];
    let setup = scene.gateway.stop().await;
    for file in walk(&setup.place.home()) {
        let bytes = std::fs::read(&file).expect("a file");
        for secret in secrets {
            let found = memchr::memmem::find(&bytes, secret.as_bytes());
            assert!(found.is_none(), "a secret in {}", file.display());
        }
    }
    assert!(secrets.iter().all(|secret| !audit.contains(*secret) && !errors.contains(*secret)));
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

#[tokio::test]
async fn hostile_bytes_do_no_harm_to_the_oauth_server() {
    let scene = Scene::empty().await;
    let (_, tokens) = scene.signed_in().await;
    let port = scene.gateway.port();
    let long = "x".repeat(300_000);
    for (path, body) in [
        ("/oauth/token", format!("grant_type=refresh_token&refresh_token={long}&client_id=x")),
        ("/oauth/token", "%zz=%ff&grant_type=%00".to_owned()),
        ("/oauth/token", "\u{0}\u{0}".to_owned()),
        ("/oauth/revoke", format!("token={long}")),
        ("/oauth/register", format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000))),
        ("/oauth/register", format!("{{\"redirect_uris\": [\"http://127.0.0.1/{long}\"]}}")),
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            if path == "/oauth/register" {
                "application/json"
            } else {
                "application/x-www-form-urlencoded"
            },
            body.len(),
        );
        let answer = scene.wire.bytes(head.as_bytes()).await;
        let status = agentport_tests::wire::status_of(&answer);
        assert!(
            (400..500).contains(&status) || (path == "/oauth/revoke" && status == 200),
            "{path}: {answer}"
        );
    }
    let page = Wire::new(scene.gateway.base())
        .get(&format!("/oauth/authorize?client_id={}", "y".repeat(20_000)))
        .await;
    assert!(page.status.is_client_error(), "{}", page.status);
    assert_eq!(list(&tokens.wire(&scene.gateway)).await.status, StatusCode::OK);
    assert!(!scene.gateway.stderr().contains("panicked"), "{}", scene.gateway.stderr());
    scene.stop().await;
}
