//! The MCP inspector's command line.

use std::path::Path;

use agentport_tests::{ExternalProgram, process::Process};

use super::{consent, folder, free_port, page_in, page_of, revoke, signed_in_once};
use crate::{oauth_server::MINUTE, scene::Scene};

const INSPECTOR: &str = "@modelcontextprotocol/inspector/clients/launcher/build/index.js";
const CALL: [&str; 5] = [
    "tools/call",
    "--tool-name",
    "agentport__call_tool",
    "--tool-args-json",
    r#"{"integration_id": "fx", "tool_name": "echo", "arguments": {"text": "inspected"}}"#,
];

fn start(scene: &Scene, home: &Path, port: u16, name: &str, more: &[&str]) -> Process {
    let callback = format!("http://127.0.0.1:{port}/oauth/callback");
    ExternalProgram::package(INSPECTOR)
        .args(["--cli", &scene.gateway.said.mcp_url, "--transport", "http", "--format", "json"])
        .args(["--connect-timeout", "120000", "--callback-url", &callback])
        .args(more)
        .args(["--method"])
        .args(CALL)
        // Registration and tokens are kept in it, also across runs.
        .env("MCP_STORAGE_DIR", home.join("storage"))
        .env("MCP_INSPECTOR_SECRET_STORE", "file")
        // Without a terminal it asks nobody unless it may open a browser; this one opens nothing.
        .env("MCP_AUTO_OPEN_ENABLED", "true")
        .env("BROWSER", "true")
        .start(&home.join(name))
}

async fn called(mut process: Process, home: &Path, name: &str) -> String {
    let said =
        agentport_tests::within(super::PAGE_TIMEOUT, "the inspector's result", process.rest())
            .await;
    let errors = std::fs::read_to_string(home.join(name)).unwrap_or_default();
    let status = process.ended(agentport_tests::SOON).await;
    assert_eq!(status.and_then(|status| status.code()), Some(0), "{said}\n{errors}");
    assert!(said.contains("inspected"), "{said}\n{errors}");
    errors
}

#[tokio::test]
async fn the_inspector_signs_in_renews_is_revoked_and_signs_in_again() {
    let scene = Scene::open().await;
    let home = folder(&scene, "inspector");
    let port = free_port();
    let process = start(&scene, &home, port, "first", &[]);
    consent(&scene, &page_of(&home.join("first")).await).await;
    called(process, &home, "first").await;
    let errors = called(start(&scene, &home, port, "stored", &[]), &home, "stored").await;
    assert!(page_in(&errors).is_none(), "the stored token is good: {errors}");

    let scene = scene.after(61 * MINUTE).await;
    let errors = called(start(&scene, &home, port, "renewed", &[]), &home, "renewed").await;
    assert!(page_in(&errors).is_none(), "renewed silently: {errors}");
    assert!(signed_in_once(&scene).await);

    // It forgets what it stored, and asks again.
    let process = start(&scene, &home, port, "relogin", &["--relogin"]);
    consent(&scene, &page_of(&home.join("relogin")).await).await;
    called(process, &home, "relogin").await;

    revoke(&scene).await;
    let process = start(&scene, &home, port, "revoked", &[]);
    consent(&scene, &page_of(&home.join("revoked")).await).await;
    called(process, &home, "revoked").await;
    scene.stop().await;
}
