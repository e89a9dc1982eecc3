//! Metadata documents: RFC 9728 and RFC 8414, by each name of the gateway.

use agentport_tests::{
    OAuthAgent, TokenSet, Wire,
    oauth_agent::{Discovery, bearer, fixtures},
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::status;
use crate::scene::Scene;

/// The gateway's names, with its port.
fn origins(scene: &Scene) -> [String; 3] {
    ["127.0.0.1", "localhost", "[::1]"]
        .map(|host| format!("http://{host}:{}", scene.gateway.port()))
}

const RESOURCE_FORMS: [(&str, &str); 3] = [
    ("/.well-known/oauth-protected-resource", "/mcp"),
    ("/.well-known/oauth-protected-resource/mcp", "/mcp"),
    ("/.well-known/oauth-protected-resource/mcp/", "/mcp/"),
];
const SERVER: &str = "/.well-known/oauth-authorization-server";

/// A request to the IPv4 listener, by another name.
fn as_host(scene: &Scene, origin: &str) -> Wire {
    let host = origin.strip_prefix("http://").expect("an origin");
    Wire::new(scene.gateway.base()).with("host", host)
}

#[tokio::test]
async fn the_resource_is_the_address_that_was_asked_to_the_byte() {
    let scene = Scene::empty().await;
    for origin in origins(&scene) {
        for (path, resource) in RESOURCE_FORMS {
            let reply = as_host(&scene, &origin).get(path).await;
            assert_eq!(reply.status, StatusCode::OK, "{origin}{path}: {}", reply.text);
            assert!(
                reply
                    .header("content-type")
                    .is_some_and(|kind| kind.starts_with("application/json"))
            );
            let document = reply.json();
            assert_eq!(document["resource"], format!("{origin}{resource}"), "{path}");
            assert_eq!(document["bearer_methods_supported"], json!(["header"]), "{path}");
            let servers = document["authorization_servers"].as_array().expect("a list");
            assert_eq!(servers.len(), 1, "{document}");
        }
    }
    scene.stop().await;
}

#[tokio::test]
async fn the_issuer_is_one_text_by_every_name() {
    let scene = Scene::empty().await;
    let mut issuers = Vec::new();
    for origin in origins(&scene) {
        let wire = as_host(&scene, &origin);
        for (path, _) in RESOURCE_FORMS {
            let resource = wire.get(path).await.json();
            issuers
                .push(resource["authorization_servers"][0].as_str().expect("an issuer").to_owned());
        }
        issuers
            .push(wire.get(SERVER).await.json()["issuer"].as_str().expect("an issuer").to_owned());
    }
    assert!(!issuers[0].ends_with('/'), "{}", issuers[0]);
    assert!(issuers.iter().all(|issuer| *issuer == issuers[0]), "{issuers:?}");
    let client = OAuthAgent::register(&scene.gateway).await;
    let callback = client.consented(&scene.owner, &client.request()).await;
    assert_eq!(callback.get("iss").as_deref(), Some(issuers[0].as_str()));
    scene.stop().await;
}

#[tokio::test]
async fn the_server_says_what_clients_look_for() {
    let scene = Scene::empty().await;
    let found = Discovery::of(&scene.gateway.said.mcp_url).await;
    let server = &found.server;
    for (field, value) in [
        ("response_types_supported", json!(["code"])),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("token_endpoint_auth_methods_supported", json!(["none"])),
        ("authorization_response_iss_parameter_supported", json!(true)),
    ] {
        assert_eq!(server[field], value, "{field}: {server}");
    }
    let list = |field: &str| server[field].as_array().cloned().unwrap_or_default();
    for grant in ["authorization_code", "refresh_token"] {
        assert!(list("grant_types_supported").contains(&json!(grant)), "{server}");
    }
    for endpoint in
        ["authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"]
    {
        assert!(found.endpoint(endpoint).starts_with(found.issuer()), "{endpoint}: {server}");
    }
    let scopes = list("scopes_supported");
    assert!(!scopes.is_empty(), "{server}");
    assert_eq!(found.resource["scopes_supported"], Value::Array(scopes), "equal in both documents");
    // Only where the owner has allowed the look-up.
    assert_ne!(server["client_id_metadata_document_supported"], json!(true), "{server}");
    scene.stop().await;
}

#[tokio::test]
async fn an_allowed_look_up_of_client_documents_is_advertised() {
    let scene = Scene::empty().await;
    scene.owner.settings(json!({"client_id_documents": true})).await;
    let server = scene.wire.get(SERVER).await.json();
    assert_eq!(server["client_id_metadata_document_supported"], json!(true));
    scene.owner.settings(json!({"client_id_documents": false})).await;
    let server = scene.wire.get(SERVER).await.json();
    assert_ne!(server["client_id_metadata_document_supported"], json!(true));
    scene.stop().await;
}

#[tokio::test]
async fn the_other_forms_clients_try_are_not_found() {
    let scene = Scene::empty().await;
    let nobody = Wire::new(scene.gateway.base());
    for path in [
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known/oauth-authorization-server/mcp/",
        "/.well-known/oauth-authorization-server/",
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/mcp",
        "/mcp/.well-known/openid-configuration",
        "/mcp/.well-known/oauth-authorization-server",
        "/mcp/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/other",
        "/.well-known/jwks.json",
    ] {
        for method in [Method::GET, Method::HEAD] {
            let reply = nobody.send(nobody.request(method.clone(), path)).await;
            assert_eq!(reply.status, StatusCode::NOT_FOUND, "{method} {path}: {}", reply.text);
            assert!(reply.header("www-authenticate").is_none(), "{path}");
        }
    }
    scene.stop().await;
}

#[tokio::test]
async fn metadata_needs_no_credential_and_minds_none() {
    let scene = Scene::empty().await;
    let nobody = Wire::new(scene.gateway.base());
    let wrong = bearer(scene.gateway.base(), "apa_nonsense");
    for path in RESOURCE_FORMS.map(|(path, _)| path).into_iter().chain([SERVER]) {
        for wire in [&nobody, &wrong, &scene.wire] {
            let head = wire.send(wire.request(Method::HEAD, path)).await;
            assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""), "{path}");
            assert_eq!(wire.get(path).await.status, StatusCode::OK, "{path}");
        }
        let foreign = nobody.clone().with("host", "evil.example").get(path).await;
        assert_eq!(foreign.status, StatusCode::FORBIDDEN, "{path}: {}", foreign.text);
    }
    scene.stop().await;
}

#[tokio::test]
async fn a_token_got_by_one_name_works_by_the_others() {
    let scene = Scene::empty().await;
    let all: Vec<_> = origins(&scene)
        .into_iter()
        .flat_map(|origin| ["/mcp", "/mcp/"].map(|path| (origin.clone(), path)))
        // Not every machine has IPv6.
        .filter(|(origin, _)| !origin.contains("[::1]"))
        .collect();
    for (number, (origin, path)) in all.iter().enumerate() {
        let body = fixtures::named(&format!("client {number}"));
        let client = OAuthAgent::register_as(&format!("{origin}{path}"), &body).await;
        assert_eq!(client.found.resource(), format!("{origin}{path}"));
        let tokens = client.sign_in(&scene.owner).await;
        for (origin, path) in &all {
            let wire = bearer(origin, &tokens.access_token);
            let reply = wire.send(wire.modern(path, "tools/list", json!({}))).await;
            assert_eq!(reply.status, StatusCode::OK, "{origin}{path}: {}", reply.text);
        }
        let fresh = TokenSet::of(&client.refresh(&tokens.refresh_token).await);
        assert_eq!(status(&fresh.wire(&scene.gateway)).await, StatusCode::OK);
    }
    scene.stop().await;
}
