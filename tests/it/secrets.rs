//! Secrets appear only where they are used.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use agentport_api::GrantChoice;
use agentport_tests::{
    HttpFixture,
    external_program::ExternalProgram,
    gateway::{PASSWORD, Setup},
    programs,
};
use http::Method;
use serde_json::json;

use crate::scene::Scene;

const LOCAL_SECRET: &str = "fake-local-4f1d9c2e7b";
const REMOTE_SECRET: &str = "fake-remote-8a3c5e1f6d";
const ARGUMENT_SECRET: &str = "fake-argument-2b7e9d4c1a";

fn files_under(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
    {
        if entry.is_dir() {
            found.extend(files_under(&entry));
        }
        found.push(entry);
    }
    found
}

/// The files in a directory that hold a text.
pub(crate) fn found_under(directory: &Path, text: &str) -> Vec<PathBuf> {
    let mut files = files_under(directory);
    files.retain(|path| path.is_file() && contains(&std::fs::read(path).expect("a file"), text));
    files
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

/// What a process was started with, as others on this machine could read it.
pub(crate) fn visible(pid: u32) -> Vec<u8> {
    let read =
        |name: &str| std::fs::read(format!("/proc/{pid}/{name}")).expect("the process is there");
    [read("cmdline"), read("environ")].concat()
}

async fn with_secrets() -> (Scene, HttpFixture) {
    // Everything it would ever say is said.
    let scene = Scene::with(Setup::default().env("RUST_LOG", "trace")).await;
    let connection =
        json!({"type": "local_mcp", "command": programs::fixture(), "secret_env": ["HIDDEN"]});
    scene
        .owner
        .add(json!({"id": "fx", "connection": connection, "secrets": {"HIDDEN": LOCAL_SECRET}}))
        .await;
    let fixture = HttpFixture::start(&["--token", REMOTE_SECRET]).await;
    let connection = json!({
        "type": "remote_mcp", "url": fixture.url, "headers": {"Authorization": "Bearer {token}"},
    });
    let body =
        json!({"id": "remote", "connection": connection, "secrets": {"token": REMOTE_SECRET}});
    scene.owner.add(body).await;
    scene.owner.allow_all("fx").await;
    scene.owner.allow_all("remote").await;
    (scene, fixture)
}

#[tokio::test]
async fn no_secret_is_left_lying_about() {
    let (scene, fixture) = with_secrets().await;
    scene.wire.call_tool("remote", "echo", json!({"text": "x"})).await.ran();
    let pid =
        scene.call("inspect", json!({})).await.ran().structured.expect("an object")["pid"].as_u64();
    let child = u32::try_from(pid.expect("a pid")).expect("a pid");
    assert!(contains(&visible(child), LOCAL_SECRET), "the local server has its secret");

    // Calls with secrets in the arguments, in every way a call can end.
    let login =
        json!({"user": "ada", "password": ARGUMENT_SECRET, "nested": {"api_key": ARGUMENT_SECRET}});
    scene.call("inspect", login.clone()).await.ran();
    scene.owner.change("fx", json!({"default_mode": "none"})).await;
    let id = scene.call("inspect", login.clone()).await.request();
    assert!(
        scene.owner.approval(id).await.arguments.to_string().contains(ARGUMENT_SECRET),
        "the owner sees what runs"
    );
    scene.owner.approve(id, GrantChoice::Once).await;
    scene.wire.await_approval(&id.to_string()).await.ran();
    scene.owner.change("fx", json!({"default_mode": "deny"})).await;
    scene.call("inspect", login).await.refused();
    // Errors of a server that is gone, and a wrong password.
    let port = fixture.kill().await;
    assert_ne!(port, 0);
    let failed = scene.wire.call_tool("remote", "echo", json!({"text": "x"})).await;
    assert!(!failed.refused().contains(REMOTE_SECRET));
    scene.owner.wire.post("/control/login", &json!({"password": "fake-wrong-password"})).await;

    let own = visible(scene.gateway.pid());
    for secret in [LOCAL_SECRET, REMOTE_SECRET, ARGUMENT_SECRET, PASSWORD, &scene.key.key] {
        assert!(
            !contains(&own, secret),
            "the gateway's own arguments and environment hold {secret}"
        );
    }
    let mut shown = String::new();
    for path in [
        "/control/integrations",
        "/control/integrations/fx",
        "/control/integrations/fx/log",
        "/control/activity?limit=200",
        "/control/audit?limit=200",
        "/control/audit/export",
        "/control/keys",
        "/control/settings",
        "/control/status",
    ] {
        shown += &scene.owner.send(Method::GET, path, None).await.text;
    }
    for secret in [LOCAL_SECRET, REMOTE_SECRET, ARGUMENT_SECRET, PASSWORD, &scene.key.key] {
        assert!(!shown.contains(secret), "the control API shows {secret}");
    }
    let key = scene.key.key.clone();
    let setup = scene.gateway.stop().await;
    let logged = std::fs::read(setup.place.stderr()).expect("stderr");
    for secret in
        [LOCAL_SECRET, REMOTE_SECRET, ARGUMENT_SECRET, PASSWORD, "fake-wrong-password", &key]
    {
        assert!(!contains(&logged, secret), "the log holds {secret}");
    }
    for file in files_under(&setup.place.home()).into_iter().filter(|path| path.is_file()) {
        let bytes = std::fs::read(&file).expect("a file");
        for secret in [LOCAL_SECRET, REMOTE_SECRET, PASSWORD, &key] {
            assert!(!contains(&bytes, secret), "{} holds {secret}", file.display());
        }
        // The request itself keeps the exact arguments, for the owner; the journal and its table are redacted.
        if file.components().any(|part| part.as_os_str() == "journal") {
            assert!(
                !contains(&bytes, ARGUMENT_SECRET),
                "{} holds an argument's secret",
                file.display()
            );
        }
    }
}

#[tokio::test]
async fn files_are_their_owners_alone() {
    let (scene, _fixture) = with_secrets().await;
    scene.call("echo", json!({"text": "x"})).await.ran();
    let home = scene.gateway.place().home();
    let mode = |path: &Path| path.metadata().expect("metadata").permissions().mode() & 0o777;
    assert_eq!(mode(&home), 0o700);
    for path in files_under(&home) {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
    scene.stop().await;
}

/// A server that echoes a credential of ours gets it taken out of its answer.
#[tokio::test]
async fn our_own_secrets_are_taken_out_of_answers() {
    let (scene, _fixture) = with_secrets().await;
    let echoed = scene.wire.call_tool("remote", "inspect", json!({})).await.ran();
    assert!(!echoed.raw.to_string().contains(REMOTE_SECRET), "{}", echoed.text);
    let echoed = scene.call("env", json!({"name": "HIDDEN"})).await.ran();
    assert!(!echoed.raw.to_string().contains(LOCAL_SECRET), "{}", echoed.text);
    scene.stop().await;
}

#[tokio::test]
async fn removing_an_integration_drops_its_credentials() {
    let (scene, _fixture) = with_secrets().await;
    scene.owner.remove("remote").await;
    let database = scene.gateway.place().home().join("agentport.sqlite");
    let setup = scene.gateway.stop().await;
    let script = "import sqlite3, sys\n\
        print(sqlite3.connect(sys.argv[1]).execute('SELECT integration FROM credentials').fetchall())";
    let left = ExternalProgram::new(&programs::python())
        .args(["-c", script])
        .args([&database])
        .run()
        .await
        .ok();
    assert_eq!(left.trim(), "[('fx',)]");
    drop(setup);
}

#[test]
fn secrets_have_no_text_form() {
    use agentport_core::{Secret, key::Key};
    let secret = Secret::new("fake-in-memory");
    let key = Key::from_random([1; 24]);
    let printed = format!("{secret:?} {:?} {key:?}", Some(&secret));
    assert!(!printed.contains("fake-in-memory"));
    assert!(!printed.contains(key.secret().expose()));
}
