//! The environment of a local server: set later, inherited, and kept out of what is shown.

use agentport_api::{Connection, Health, IntegrationView};
use agentport_tests::{gateway::Setup, upstream::fingerprint, wire::Reply};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{ScriptedServer, described};
use crate::scene::Scene;

const PROXY_PASSWORD: &str = "obviously-fake-password";

async fn change(scene: &Scene, body: Value) -> Reply {
    scene.owner.send(Method::PATCH, "/control/integrations/fx", Some(body)).await
}

/// The fixture's tool `env` gives fingerprints of values.
async fn seen(scene: &Scene, name: &str) -> Value {
    scene.call("env", json!({"name": name})).await.raw
}

#[tokio::test]
async fn variables_of_a_local_server_can_be_set_later() {
    let scene = Scene::open().await;
    let secret = "obviously-fake-secret";
    let set = json!({"env": {"set": {"PLAIN": "one"}, "set_secret": {"KEY": secret}}});
    let changed = change(&scene, set).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    assert!(!changed.text.contains(secret), "{}", changed.text);
    let view: IntegrationView = serde_json::from_str(&changed.text).expect("a view");
    let Connection::LocalMcp { env, secret_env, .. } = view.connection else { panic!("local") };
    assert_eq!((env["PLAIN"].as_str(), secret_env.as_slice()), ("one", &["KEY".to_owned()][..]));
    assert!(seen(&scene, "PLAIN").await.to_string().contains(&fingerprint("one")));
    assert!(seen(&scene, "KEY").await.to_string().contains(&fingerprint(secret)));

    let changed = change(&scene, json!({"env": {"set": {"PLAIN": "two"}, "unset": ["KEY"]}})).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    assert!(seen(&scene, "PLAIN").await.to_string().contains(&fingerprint("two")));
    assert!(!seen(&scene, "KEY").await.to_string().contains(&fingerprint(secret)));

    let refused = change(&scene, json!({"env": {"unset": ["KEY"]}})).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["field"], "env", "{}", refused.text);
    let audit = scene.owner.send(Method::GET, "/control/audit", None).await.text;
    assert!(audit.contains("PLAIN") && !audit.contains(secret), "{audit}");
    scene.stop().await;
}

#[tokio::test]
async fn a_password_in_a_proxys_address_is_inherited_and_never_shown() {
    let proxy = format!("http://me:{PROXY_PASSWORD}@proxy.test:8080");
    let setup = Setup::default().env("HTTPS_PROXY", &proxy).env("RUST_LOG", "trace");
    let scene = Scene::with(setup).await;
    let script = "echo \"npm error code ENOTFOUND, asked $HTTPS_PROXY\" >&2; exit 1";
    let connection = json!({"type": "local_mcp", "command": "sh", "args": ["-c", script]});
    let body = json!({"id": "fx", "connection": connection, "keep_unreachable": true});
    let refused = scene
        .owner
        .send(
            Method::POST,
            "/control/integrations",
            Some(json!({"id": "x", "connection": connection})),
        )
        .await;
    assert_eq!(refused.status, StatusCode::BAD_GATEWAY);
    assert!(refused.text.contains("proxy.test"), "it is inherited: {}", refused.text);
    assert!(refused.text.contains("network problem"), "the cause is named: {}", refused.text);
    scene.owner.add(body).await;
    let _: Value = scene.owner.ask(Method::POST, "/control/integrations/fx/restart", None).await;
    let log = scene.owner.send(Method::GET, "/control/integrations/fx/log", None).await.text;
    assert!(log.contains("ENOTFOUND"), "{log}");
    let view = scene.owner.integration("fx").await;
    assert!(matches!(view.health, Health::Failed { .. }), "{:?}", view.health);
    let shown = format!("{}{log}{:?}{}", refused.text, view, scene.gateway.stderr());
    assert!(!shown.contains(PROXY_PASSWORD), "{shown}");
    scene.stop().await;
}

#[tokio::test]
async fn a_start_takes_as_long_as_its_owner_allows() {
    let scene = Scene::empty().await;
    let server = ScriptedServer::local(&scene, &json!([described("send", "Sends a note.")]));
    server.add_to(&scene).await;
    let changed = change(&scene, json!({"startup_timeout_seconds": 90})).await;
    assert_eq!(changed.json()["connection"]["startup_timeout_seconds"], 90, "{}", changed.text);
    let refused = change(&scene, json!({"startup_timeout_seconds": 0})).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    scene.stop().await;
}
