//! The official conformance suite: against the fixture alone, through the whole gateway, and with the gateway as a client.
//!
//! If the first kind fails, the fault is the fixture's; if only the second does, it is the gateway's. What a gateway
//! truly cannot pass stands in `tests/conformance/*.yml`, each with its reason.

use std::{path::Path, time::Duration};

use agentport_api::NewKey;
use agentport_core::IntegrationId;
use agentport_tests::{
    HttpFixture, KeyProxy,
    external_program::{Ended, ExternalProgram},
    programs,
};
use serde_json::json;

use crate::scene::Scene;

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";
/// Milliseconds for one client scenario; several run at once.
const CLIENT_TIMEOUT: &str = "300000";
/// For all client scenarios of a revision.
const CLIENT_SUITE_TIMEOUT: Duration = Duration::from_secs(900);

/// `expected_failures` is a file of `tests/conformance`.
pub(crate) async fn run(
    name: &str,
    url: &str,
    requirements: &str,
    expected_failures: Option<&str>,
) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let results = programs::target().join("conformance").join(name);
    // Only what this run found; there may be nothing to remove.
    let _ = std::fs::remove_dir_all(&results);
    let mut suite = ExternalProgram::package("@modelcontextprotocol/conformance/dist/index.js")
        .args(["server", "--url", url, "--requirements", requirements, "--output-dir"])
        .args([&results]);
    if let Some(file) = expected_failures {
        suite = suite.args(["--expected-failures"]).args([directory.join(file)]);
    }
    assert_passed(&suite.run().await, &results);
}

fn assert_passed(ended: &Ended, results: &Path) {
    let summary = ended.stdout.split("=== SUMMARY ===").last().unwrap_or_default();
    assert_eq!(
        ended.code,
        Some(0),
        "details in {}:\n{summary}\n{}",
        results.display(),
        ended.stderr
    );
}

#[tokio::test]
async fn fixture_alone_2025_11_25() {
    let fixture = HttpFixture::start(&["--era", "legacy"]).await;
    run("fixture-2025-11-25", &fixture.url, LEGACY, None).await;
}

#[tokio::test]
async fn fixture_alone_2026_07_28() {
    let fixture = HttpFixture::start(&["--era", "modern"]).await;
    run("fixture-2026-07-28", &fixture.url, MODERN, None).await;
}

/// An agent that sees the fixture's tools under their own names, with prompts and resources.
async fn bare_agent(scene: &Scene) -> NewKey {
    scene.owner.change("fx", json!({"default_mode": "allow", "resources": true})).await;
    let only = IntegrationId::new("fx").expect("an id");
    let profile =
        json!({"name": "suite", "integrations": [only], "mode": "direct", "naming": "bare"});
    scene.owner.put_profile("suite", profile).await;
    scene.owner.create_key_with(json!({"name": "suite", "profile": "suite"})).await
}

async fn through_gateway(name: &str, era: &str, requirements: &str, over_http: bool) {
    let scene = Scene::empty().await;
    let fixture = if over_http {
        let fixture = HttpFixture::start(&["--era", era]).await;
        scene.owner.add_remote("fx", &fixture.url).await;
        Some(fixture)
    } else {
        scene.owner.add_fixture("fx", &["--era", era]).await;
        None
    };
    let key = bare_agent(&scene).await;
    let proxy = KeyProxy::start(&scene.gateway, &key.key, "").await;
    run(name, &proxy.url, requirements, Some(&format!("{requirements}.yml"))).await;
    drop(proxy);
    scene.stop().await;
    drop(fixture);
}

#[tokio::test]
async fn gateway_2025_11_25_before_a_local_server() {
    through_gateway("local-2025-11-25", "legacy", LEGACY, false).await;
}

#[tokio::test]
async fn gateway_2025_11_25_before_a_remote_server() {
    through_gateway("remote-2025-11-25", "legacy", LEGACY, true).await;
}

#[tokio::test]
async fn gateway_2026_07_28_before_a_local_server() {
    through_gateway("local-2026-07-28", "modern", MODERN, false).await;
}

#[tokio::test]
async fn gateway_2026_07_28_before_a_remote_server() {
    through_gateway("remote-2026-07-28", "modern", MODERN, true).await;
}

/// An old client in front of a server that speaks both: the server is asked in the newest revision.
#[tokio::test]
async fn gateway_2025_11_25_before_a_server_of_both_eras() {
    through_gateway("both-2025-11-25", "both", LEGACY, true).await;
}

/// The client scenarios, `auth/*` among them, against a gateway for each.
async fn run_client(requirements: &str) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let results = programs::target().join("conformance").join(format!("client-{requirements}"));
    // Only what this run found; there may be nothing to remove.
    let _ = std::fs::remove_dir_all(&results);
    let slots = tempfile::tempdir().expect("a directory");
    let ended = ExternalProgram::package("@modelcontextprotocol/conformance/dist/index.js")
        .args(["client", "--requirements", requirements, "--timeout", CLIENT_TIMEOUT])
        .args(["--expected-failures"])
        .args([directory.join(format!("{requirements}.yml"))])
        .args(["--output-dir"])
        .args([&results])
        .args(["--command"])
        .args([programs::conformance_client()])
        .env("AGENTPORT_BIN", programs::agentport())
        .env("AGENTPORT_TEST_SLOTS", slots.path())
        .within(CLIENT_SUITE_TIMEOUT)
        .run()
        .await;
    assert_passed(&ended, &results);
}

#[tokio::test]
async fn gateway_as_a_client_2025_11_25() {
    run_client(LEGACY).await;
}

#[tokio::test]
async fn gateway_as_a_client_2026_07_28() {
    run_client(MODERN).await;
}
