//! `mcp-remote`, in its newest version and in an old one that is still in use.

use std::{fs::File, path::Path};

use agentport_tests::{StdioClient, programs};
use serde_json::json;

use super::{consent, folder, free_port, page_in, page_of, revoke, signed_in_once};
use crate::{oauth_server::MINUTE, scene::Scene};

/// Versions, by the package's folder.
const CURRENT: &str = "mcp-remote";
const OLD: &str = "mcp-remote-0-1";

fn start(scene: &Scene, package: &str, home: &Path, port: u16, name: &str) -> StdioClient {
    let mut command = std::process::Command::new(programs::node());
    command
        .arg(programs::npm_file(&format!("{package}/dist/proxy.js")))
        .args([&scene.gateway.said.mcp_url, &port.to_string(), "--transport", "http-only"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("MCP_REMOTE_CONFIG_DIR", home.join("auth"))
        // Something that opens nothing.
        .env("BROWSER", "true")
        .stderr(File::create(home.join(name)).expect("a file"));
    StdioClient::start(command)
}

async fn works(client: &mut StdioClient) {
    client.open("2025-06-18", json!({})).await;
    let answer = client.call_tool("fx", "echo", json!({"text": "through it"})).await.ran();
    assert_eq!(answer.text, "through it");
}

fn asked(home: &Path, name: &str) -> bool {
    page_in(&std::fs::read_to_string(home.join(name)).unwrap_or_default()).is_some()
}

async fn a_life(package: &str) {
    let scene = Scene::open().await;
    let home = folder(&scene, package);
    let port = free_port();
    let mut client = start(&scene, package, &home, port, "first");
    let consented = async { consent(&scene, &page_of(&home.join("first")).await).await };
    tokio::join!(works(&mut client), consented);
    drop(client);

    let scene = scene.after(61 * MINUTE).await;
    let mut client = start(&scene, package, &home, port, "renewed");
    works(&mut client).await;
    assert!(!asked(&home, "renewed"), "renewed silently");
    assert!(signed_in_once(&scene).await);
    drop(client);

    revoke(&scene).await;
    let mut client = start(&scene, package, &home, port, "revoked");
    let consented = async { consent(&scene, &page_of(&home.join("revoked")).await).await };
    tokio::join!(works(&mut client), consented);
    scene.stop().await;
}

#[tokio::test]
async fn mcp_remote_signs_in_renews_is_revoked_and_signs_in_again() {
    a_life(CURRENT).await;
}

#[tokio::test]
async fn an_old_mcp_remote_signs_in_renews_is_revoked_and_signs_in_again() {
    a_life(OLD).await;
}

/// As with two clients that have the same entry: the second finds what the first stored.
async fn two_share(package: &str) {
    let scene = Scene::open().await;
    let home = folder(&scene, package);
    let mut first = start(&scene, package, &home, free_port(), "first");
    let consented = async { consent(&scene, &page_of(&home.join("first")).await).await };
    tokio::join!(works(&mut first), consented);
    let mut second = start(&scene, package, &home, free_port(), "second");
    works(&mut second).await;
    assert!(!asked(&home, "second"));
    drop((first, second));
    let scene = scene.after(61 * MINUTE).await;
    let mut one = start(&scene, package, &home, free_port(), "one");
    let mut two = start(&scene, package, &home, free_port(), "two");
    tokio::join!(works(&mut one), works(&mut two));
    assert!(!asked(&home, "one") && !asked(&home, "two"), "both renewed silently");
    assert!(signed_in_once(&scene).await);
    drop((one, two));
    scene.stop().await;
}

#[tokio::test]
async fn two_copies_of_mcp_remote_share_a_store() {
    two_share(CURRENT).await;
}

#[tokio::test]
async fn two_copies_of_an_old_mcp_remote_share_a_store() {
    two_share(OLD).await;
}
