//! Findings about clients' files and AgentPort's entries in them.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use agentport_api::NewKey;
use agentport_tests::Gateway;

use super::{As, Found, found};
use crate::scene::Scene;

/// Cursor's file, which says that it is installed.
fn cursor(gateway: &Gateway) -> PathBuf {
    let folder = gateway.place().user().join(".cursor");
    fs::create_dir_all(&folder).unwrap();
    folder.join("mcp.json")
}

fn put(file: &PathBuf, text: &str) {
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

fn entry(url: &str, key: &NewKey) -> String {
    let key = &key.key;
    format!(
        r#"{{ "mcpServers": {{ "agentport": {{ "url": "{url}", "headers": {{ "Authorization": "Bearer {key}" }} }} }} }}"#
    )
}

async fn look(scene: &Scene, who: As<'_>) -> Found {
    let found = found(&scene.gateway.setup, who, &[]).await;
    assert!(!found.text.contains(&scene.key.key), "no key is shown");
    found
}

#[tokio::test]
async fn not_connected() {
    let scene = Scene::empty().await;
    let file = cursor(&scene.gateway);
    put(&file, r#"{ "mcpServers": { "one": { "command": "one" } } }"#);
    let found = look(&scene, As::Nobody).await;
    assert_eq!(found.state("cursor"), "info", "{}", found.text);
    assert!(found.says("cursor").contains("one server of its own"), "{}", found.text);
    assert_eq!(found.mend("cursor"), "agentport connect cursor");
    scene.stop().await;
}

#[tokio::test]
async fn connected_and_in_force() {
    let scene = Scene::empty().await;
    let file = cursor(&scene.gateway);
    put(&file, &entry(&scene.gateway.said.mcp_url, &scene.key));
    let owner = look(&scene, As::Owner).await;
    assert_eq!(owner.state("cursor"), "ok", "{}", owner.text);
    assert!(owner.says("cursor").contains("over HTTP"), "{}", owner.text);
    let nobody = look(&scene, As::Nobody).await;
    assert_eq!(nobody.state("cursor"), "ok", "{}", nobody.text);
    assert_eq!(nobody.state("clients"), "info", "it says what it could not see: {}", nobody.text);

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let open = look(&scene, As::Owner).await;
    assert_eq!(open.state("cursor"), "warn", "{}", open.text);
    assert!(open.mend("cursor").starts_with("chmod 600 /"), "{}", open.text);
    assert_eq!(open.code, Some(0));
    scene.stop().await;
}

#[tokio::test]
async fn a_key_that_was_revoked() {
    let scene = Scene::empty().await;
    put(&cursor(&scene.gateway), &entry(&scene.gateway.said.mcp_url, &scene.key));
    scene.owner.revoke(&scene.key).await;
    let owner = look(&scene, As::Owner).await;
    assert_eq!(owner.state("cursor"), "fail", "{}", owner.text);
    assert!(owner.says("cursor").contains("not valid"), "{}", owner.text);
    assert_eq!(owner.mend("cursor"), "agentport connect cursor");
    scene.stop().await;
}

#[tokio::test]
async fn an_entry_that_leads_elsewhere() {
    let scene = Scene::empty().await;
    put(&cursor(&scene.gateway), &entry("http://127.0.0.1:9/mcp", &scene.key));
    for who in [As::Owner, As::Nobody] {
        let found = look(&scene, who).await;
        assert_eq!(found.state("cursor"), "fail", "{}", found.text);
        assert!(found.says("cursor").contains("127.0.0.1:9"), "{}", found.text);
    }
    scene.stop().await;
}

#[tokio::test]
async fn a_bridge_that_cannot_start() {
    let scene = Scene::empty().await;
    let home = scene.gateway.place().home();
    let entry = |program: &str| {
        format!(
            r#"{{ "mcpServers": {{ "agentport": {{ "command": "{program}", "args": ["bridge", "--client", "cursor", "--home", "{}"] }} }} }}"#,
            home.display()
        )
    };
    let file = cursor(&scene.gateway);
    put(&file, &entry("/nowhere/agentport"));
    let gone = look(&scene, As::Nobody).await;
    assert_eq!(gone.state("cursor"), "fail", "{}", gone.text);
    assert!(
        gone.says("cursor").contains("/nowhere/agentport, which is not there"),
        "{}",
        gone.text
    );

    let program = agentport_tests::programs::agentport();
    put(&file, &entry(program.to_str().unwrap()));
    let keyless = look(&scene, As::Owner).await;
    assert_eq!(keyless.state("cursor"), "info", "{}", keyless.text);
    assert!(keyless.says("cursor").contains("has not been let in yet"), "{}", keyless.text);

    fs::create_dir_all(home.join("clients/keys")).unwrap();
    put(&home.join("clients/keys/cursor"), &scene.key.key);
    let well = look(&scene, As::Owner).await;
    assert_eq!(well.state("cursor"), "ok", "{}", well.text);
    assert!(well.says("cursor").contains("through the bridge"), "{}", well.text);
    scene.stop().await;
}

#[tokio::test]
async fn a_file_that_does_not_parse() {
    let scene = Scene::empty().await;
    put(&cursor(&scene.gateway), "{\n  \"mcpServers\": {,\n}");
    let found = look(&scene, As::Owner).await;
    assert_eq!(found.state("cursor"), "fail", "{}", found.text);
    assert!(found.says("cursor").contains("line 2"), "{}", found.text);
    assert_eq!(found.code, Some(1));
    scene.stop().await;
}
