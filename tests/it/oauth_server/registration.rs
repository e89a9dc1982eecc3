//! Dynamic client registration (RFC 7591).

use std::collections::HashSet;

use agentport_tests::{
    OAuthAgent, TokenSet, Wire,
    oauth_agent::{AuthorizePage, Discovery, FormClient, fixtures},
    wire::Reply,
};
use futures::future::join_all;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{DAY, assert_refused, oauth_error, status};
use crate::scene::Scene;

/// Registrations of new clients a minute.
const FLOOD_CEILING: usize = 60;

async fn register(scene: &Scene, body: &Value) -> Reply {
    let endpoint = format!("{}/oauth/register", scene.gateway.base());
    FormClient::default().post_json(&endpoint, body).await
}

#[track_caller]
fn registered(reply: &Reply) -> Value {
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
    reply.json()
}

#[tokio::test]
async fn the_body_of_each_real_client_is_answered_with_what_it_sent() {
    let scene = Scene::empty().await;
    let fixtures = fixtures::all();
    assert!(fixtures.len() > 12);
    for (name, body) in fixtures {
        let reply = register(&scene, &body).await;
        let answer = registered(&reply);
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{name}");
        assert_eq!(answer["redirect_uris"], body["redirect_uris"], "{name}");
        assert_eq!(answer["client_name"], body["client_name"], "{name}");
        assert_eq!(answer["token_endpoint_auth_method"], "none", "{name}");
        assert_eq!(answer["response_types"], json!(["code"]), "{name}");
        assert!(answer["client_id"].as_str().is_some_and(|id| !id.is_empty()), "{name}");
        assert!(answer["client_id_issued_at"].is_u64(), "{name}: {answer}");
        assert!(answer.get("client_secret").is_none(), "{name}: {answer}");
        let grants: Vec<_> = answer["grant_types"].as_array().expect("a list").iter().collect();
        assert!(grants.contains(&&json!("authorization_code")), "{name}: {answer}");
        assert!(grants.contains(&&json!("refresh_token")), "{name}: {answer}");
        for (field, value) in answer.as_object().expect("an object") {
            // Clients read an empty string in such a field as an address that is none.
            assert!(!value.is_null() && value != "", "{name}: {field} is empty: {answer}");
        }
        for field in ["client_uri", "software_id", "application_type"] {
            if let Some(sent) = body.get(field).filter(|value| *value != "") {
                assert_eq!(answer[field], *sent, "{name}: {field}");
            }
        }
    }
    scene.stop().await;
}

#[tokio::test]
async fn thirty_equal_bodies_in_a_minute_are_one_client() {
    let scene = Scene::empty().await;
    let body = fixtures::of("copilot_cli");
    let answers = join_all((0..30).map(|_| register(&scene, &body))).await;
    let ids: HashSet<_> =
        answers.iter().map(|reply| registered(reply)["client_id"].to_string()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let other = registered(&register(&scene, &fixtures::named("Another")).await);
    assert!(!ids.contains(&other["client_id"].to_string()), "other metadata, another client");
    scene.stop().await;
}

#[tokio::test]
async fn a_client_is_the_same_after_a_restart_and_in_another_order_of_fields() {
    let scene = Scene::empty().await;
    let first = registered(&register(&scene, &fixtures::of("cursor")).await);
    let scene = scene.restart().await;
    let mut fields: Vec<_> =
        fixtures::of("cursor").as_object().expect("an object").clone().into_iter().collect();
    fields.reverse();
    let reordered: Vec<_> = fields.iter().map(|(key, value)| format!("{key:?}:{value}")).collect();
    let wire = Wire::new(scene.gateway.base());
    let request = wire.request(Method::POST, "/oauth/register");
    let request = request.header("content-type", "application/json");
    let again = wire.send(request.body(format!("{{{}}}", reordered.join(",")))).await;
    assert_eq!(registered(&again)["client_id"], first["client_id"]);
    scene.stop().await;
}

#[tokio::test]
async fn unacceptable_redirects_are_left_out_of_the_answer() {
    let scene = Scene::empty().await;
    let good = "http://127.0.0.1:7777/callback";
    for bad in [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox",
        "file:///etc/passwd",
        "blob:http://127.0.0.1/x",
        "about:blank",
        "http://evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://localhost.evil.example/callback",
        "http://localhost@evil.example/callback",
        "http://user:secret@127.0.0.1:7777/callback",
        "https://user@site.example/callback",
        "https://site.example/callback#fragment",
        "http://127.0.0.1:7777/callback#fragment",
        "http://192.168.1.10/callback",
        "/callback",
        "callback",
        "",
        "http://",
        "ws://127.0.0.1/callback",
        "ftp://127.0.0.1/callback",
    ] {
        let some =
            register(&scene, &fixtures::with_redirects(&format!("x {bad}"), &[bad, good])).await;
        assert_eq!(registered(&some)["redirect_uris"], json!([good]), "{bad}");
        let none = register(&scene, &fixtures::with_redirects("none", &[bad])).await;
        assert_refused(&none, StatusCode::BAD_REQUEST, "invalid_redirect_uri");
    }
    scene.stop().await;
}

#[tokio::test]
async fn a_registration_without_redirects_is_refused() {
    let scene = Scene::empty().await;
    for redirects in [json!([]), json!(null), json!("http://127.0.0.1/callback"), json!([1, null])]
    {
        let mut body = fixtures::named("x");
        body["redirect_uris"] = redirects;
        let reply = register(&scene, &body).await;
        assert!(
            ["invalid_redirect_uri", "invalid_client_metadata"]
                .contains(&oauth_error(&reply).as_str()),
            "{}",
            reply.text
        );
    }
    scene.stop().await;
}

#[tokio::test]
async fn bodies_that_are_no_metadata_are_refused_in_the_form_of_oauth() {
    let scene = Scene::empty().await;
    let wire = Wire::new(scene.gateway.base());
    let send = async |body: String, kind: &str| {
        let request = wire.request(Method::POST, "/oauth/register").header("content-type", kind);
        wire.send(request.body(body)).await
    };
    for body in ["", "{", "[]", "null", "\"x\"", "{\"redirect_uris\": {}}"] {
        let reply = send(body.to_owned(), "application/json").await;
        let error = oauth_error(&reply);
        assert!(error.starts_with("invalid_"), "{body}: {}", reply.text);
    }
    let long = fixtures::named(&"x".repeat(2_000_000)).to_string();
    let reply = send(long, "application/json").await;
    assert!(reply.status.is_client_error(), "{}", reply.status);
    let many: Vec<_> = (0..5_000).map(|n| format!("http://127.0.0.1:{}/c", 1024 + n)).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let reply = send(fixtures::with_redirects("many", &many).to_string(), "application/json").await;
    oauth_error(&reply);
    scene.stop().await;
}

#[tokio::test]
async fn what_a_public_client_cannot_have_is_replaced_by_what_it_gets() {
    let scene = Scene::empty().await;
    let mut body = fixtures::named("confidential");
    body["token_endpoint_auth_method"] = json!("client_secret_post");
    let answer = registered(&register(&scene, &body).await);
    assert_eq!(answer["token_endpoint_auth_method"], "none");
    assert!(answer.get("client_secret").is_none());
    let mut body = fixtures::named("sparse");
    for field in ["grant_types", "response_types", "token_endpoint_auth_method"] {
        body.as_object_mut().expect("an object").remove(field);
    }
    let answer = registered(&register(&scene, &body).await);
    assert_eq!(answer["token_endpoint_auth_method"], "none");
    assert_eq!(answer["response_types"], json!(["code"]));
    scene.stop().await;
}

#[tokio::test]
async fn a_flood_of_new_clients_meets_a_ceiling_that_disturbs_no_known_one() {
    let scene = Scene::empty().await;
    let (client, tokens) = scene.signed_in().await;
    let body = |n: usize| fixtures::named(&format!("flood {n}"));
    let answers = join_all((0..FLOOD_CEILING + 30).map(|n| {
        let (scene, body) = (&scene, body(n));
        async move { register(scene, &body).await }
    }))
    .await;
    let (taken, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|reply| reply.status == StatusCode::CREATED);
    // Some room comes back while they register.
    assert!((FLOOD_CEILING - 1..=FLOOD_CEILING + 8).contains(&taken.len()), "{}", taken.len());
    for reply in refused {
        assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS, "{}", reply.text);
        oauth_error(reply);
        let wait = reply.header("retry-after").and_then(|text| text.parse::<u64>().ok());
        assert!(wait.is_some_and(|seconds| (1..=60).contains(&seconds)), "{:?}", reply.headers);
    }
    // Everything else goes on meanwhile.
    assert_eq!(status(&tokens.wire(&scene.gateway)).await, StatusCode::OK);
    TokenSet::of(&client.refresh(&tokens.refresh_token).await);
    let found = Discovery::of(&scene.gateway.said.mcp_url).await;
    assert_eq!(found.issuer(), scene.gateway.base());
    scene.stop().await;
}

#[tokio::test]
async fn a_client_that_got_a_token_is_kept_and_others_go_after_thirty_days() {
    let scene = Scene::empty().await;
    let (used, _) = scene.signed_in().await;
    let unused = OAuthAgent::register_named(&scene.gateway, "unused").await;
    let scene = scene.after(31 * DAY).await;
    let request = used.request();
    used.consented(&scene.owner, &request).await.code();
    let page = AuthorizePage::open(&unused.request().url()).await;
    page.explains();
    scene.stop().await;
}
