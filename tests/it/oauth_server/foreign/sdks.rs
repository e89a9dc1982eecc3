//! The OAuth clients of the official SDKs.

use std::path::Path;

use agentport_tests::{external_program::ExternalProgram, process::Process};
use serde_json::{Value, json};

use super::{consent, folder, revoke, signed_in_once};
use crate::{oauth_server::MINUTE, scene::Scene};

/// An hour is the life of an access token.
const OVER_AN_HOUR: std::time::Duration = MINUTE.saturating_mul(61);

fn typescript() -> ExternalProgram {
    ExternalProgram::script("oauth-client.mjs")
}

fn python() -> ExternalProgram {
    ExternalProgram::python("oauth_client.py")
}

fn start(scene: &Scene, program: ExternalProgram, store: &Path, name: &str) -> Process {
    program
        .env("AGENTPORT_TEST_URL", &scene.gateway.said.mcp_url)
        .env("AGENTPORT_TEST_STORE", store)
        .start(&store.join(format!("stderr-{name}")))
}

/// What a program said until it ended. Pages it wanted opened are consented to.
async fn finish(scene: &Scene, mut process: Process, store: &Path, name: &str) -> Vec<Value> {
    let mut said = Vec::new();
    while let Some(line) = process.line().await {
        let value: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        if let Some(page) = value["open"].as_str() {
            consent(scene, page).await;
        }
        said.push(value);
    }
    let status = process.ended(agentport_tests::SOON).await;
    let errors = std::fs::read_to_string(store.join(format!("stderr-{name}"))).unwrap_or_default();
    assert_eq!(status.and_then(|status| status.code()), Some(0), "{said:?}\n{errors}");
    said
}

async fn run(scene: &Scene, program: ExternalProgram, store: &Path, name: &str) -> Vec<Value> {
    finish(scene, start(scene, program, store, name), store, name).await
}

fn pages(said: &[Value]) -> usize {
    said.iter().filter(|value| value["open"].is_string()).count()
}

#[track_caller]
fn worked(said: &[Value]) {
    assert!(said.contains(&json!({"tools": 12})), "{said:?}");
    assert!(said.contains(&json!({"echo": "from far away"})), "{said:?}");
}

#[tokio::test]
async fn the_typescript_sdk_signs_in_renews_is_revoked_and_signs_in_again() {
    let scene = Scene::open().await;
    let store = folder(&scene, "typescript");
    let said = run(&scene, typescript(), &store, "first").await;
    worked(&said);
    assert_eq!(pages(&said), 1);
    let said = run(&scene, typescript(), &store, "stored").await;
    worked(&said);
    assert_eq!(pages(&said), 0, "the stored token is good");

    let scene = scene.after(OVER_AN_HOUR).await;
    let said = run(&scene, typescript(), &store, "renewed").await;
    worked(&said);
    assert_eq!(pages(&said), 0, "renewed silently");
    assert!(signed_in_once(&scene).await);

    revoke(&scene).await;
    let said = run(&scene, typescript(), &store, "revoked").await;
    worked(&said);
    assert_eq!(pages(&said), 1, "it has to ask again");
    scene.stop().await;
}

#[tokio::test]
async fn two_programs_of_the_typescript_sdk_share_a_store() {
    let scene = Scene::open().await;
    let store = folder(&scene, "typescript");
    worked(&run(&scene, typescript(), &store, "first").await);
    let scene = scene.after(OVER_AN_HOUR).await;
    // Both find the old token refused, and send the same refresh token.
    let one = start(&scene, typescript(), &store, "one");
    let two = start(&scene, typescript(), &store, "two");
    let (one, two) =
        tokio::join!(finish(&scene, one, &store, "one"), finish(&scene, two, &store, "two"));
    for said in [&one, &two] {
        worked(said);
        assert_eq!(pages(said), 0, "{said:?}");
    }
    assert!(signed_in_once(&scene).await);
    worked(&run(&scene, typescript(), &store, "later").await);
    scene.stop().await;
}

#[tokio::test]
async fn the_python_sdk_signs_in_renews_is_revoked_and_signs_in_again() {
    let scene = Scene::open().await;
    let store = folder(&scene, "python");
    let said = run(&scene, python(), &store, "first").await;
    worked(&said);
    assert_eq!(pages(&said), 1);
    assert!(said.contains(&json!({"refreshed": true})), "{said:?}");
    assert!(said.contains(&json!({"echo": "after an hour"})), "{said:?}");
    let said = run(&scene, python(), &store, "stored").await;
    worked(&said);
    assert_eq!(pages(&said), 0, "the stored token is good");
    assert!(signed_in_once(&scene).await);

    revoke(&scene).await;
    let said = run(&scene, python(), &store, "revoked").await;
    worked(&said);
    assert_eq!(pages(&said), 1, "it has to ask again");
    scene.stop().await;
}

#[tokio::test]
async fn two_programs_of_the_python_sdk_share_a_store() {
    let scene = Scene::open().await;
    let store = folder(&scene, "python");
    worked(&run(&scene, python(), &store, "first").await);
    let one = start(&scene, python(), &store, "one");
    let two = start(&scene, python(), &store, "two");
    let (one, two) =
        tokio::join!(finish(&scene, one, &store, "one"), finish(&scene, two, &store, "two"));
    for said in [&one, &two] {
        worked(said);
        assert_eq!(pages(said), 0, "{said:?}");
        assert!(said.contains(&json!({"refreshed": true})), "{said:?}");
    }
    assert!(signed_in_once(&scene).await);
    scene.stop().await;
}
