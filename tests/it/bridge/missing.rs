//! No gateway, no key, the wrong key: the client gets a sentence, and the bridge recovers later.

use agentport_core::key::Key;
use agentport_tests::{
    StdioClient,
    gateway::{Setup, private_file},
    stdio::{bridge_errors, modern},
};
use serde_json::{Value, json};

use super::eras::legacy;
use crate::scene::Scene;

/// A key in the form of one that no gateway knows.
fn strange_key() -> String {
    Key::from_random([9; 24]).secret().expose().to_owned()
}

fn names(list: &Value) -> Vec<&str> {
    let tools = list["tools"].as_array().expect("tools");
    tools.iter().filter_map(|tool| tool["name"].as_str()).collect()
}

/// A home, and the key of an agent in it. No gateway runs.
async fn stopped() -> (Setup, String) {
    let scene = Scene::open().await;
    let key = scene.key.key.clone();
    (scene.gateway.stop().await, key)
}

#[tokio::test]
async fn a_missing_gateway_is_reported_and_found_later() {
    let (setup, key) = stopped().await;
    let mut old = StdioClient::bridge(&setup, Some(&key));
    let hello = old.open("2025-06-18", json!({})).await;
    assert_eq!(hello["protocolVersion"], "2025-06-18");
    assert_eq!(hello["serverInfo"]["name"], "agentport");
    let mut new = StdioClient::bridge(&setup, Some(&key));
    let discovered = new.ask("server/discover", modern(json!({}))).await;
    assert!(discovered["supportedVersions"].to_string().contains("2026-07-28"), "{discovered}");
    let listen = json!({"notifications": {"toolsListChanged": true}});
    let subscription = new.send("subscriptions/listen", modern(listen)).await;
    for (client, plain) in [(&mut old, true), (&mut new, false)] {
        let params = |params: Value| if plain { params } else { modern(params) };
        let list = client.ask("tools/list", params(json!({}))).await;
        assert_eq!(names(&list), ["agentport__status"]);
        for name in ["agentport__status", "agentport__call_tool"] {
            let told =
                client.ask("tools/call", params(json!({"name": name, "arguments": {}}))).await;
            let told = agentport_tests::Answer::from_json(told);
            assert!(told.refused().contains("not running"), "{}", told.text);
            assert!(told.refused().contains("agentport serve"), "{}", told.text);
        }
        let prompts = client.ask("prompts/list", params(json!({}))).await;
        assert_eq!(prompts["prompts"], json!([]));
        let read = client.ask("resources/read", params(json!({"uri": "a:b"}))).await;
        assert!(read["error"]["message"].is_string(), "{read}");
    }

    let gateway = setup.clone().start().await;
    old.next_message_of_method("notifications/tools/list_changed").await;
    let told = new.next_message_of_method("notifications/tools/list_changed").await;
    let id = told.pointer("/params/_meta/io.modelcontextprotocol~1subscriptionId");
    assert_eq!(id, Some(&subscription), "{told}");
    assert_eq!(names(&old.ask("tools/list", json!({})).await).len(), 12);
    assert_eq!(names(&new.ask("tools/list", modern(json!({}))).await).len(), 12);
    let echo = old.call_tool("fx", "echo", json!({"text": "there"})).await.ran();
    assert_eq!(echo.text, "there");
    // Whoever still has the old list is told, too.
    let status = old.tool("agentport__status", json!({})).await.ran();
    assert!(status.text.contains("List the tools again"), "{}", status.text);
    gateway.stop().await;
}

#[tokio::test]
async fn a_key_that_does_not_let_in() {
    let scene = Scene::open().await;
    let check = async |client: &mut StdioClient| {
        let hello = client.open("2025-11-25", json!({})).await;
        assert_eq!(hello["serverInfo"]["name"], "agentport");
        assert_eq!(names(&client.ask("tools/list", json!({})).await), ["agentport__status"]);
        let told = client.tool("agentport__status", json!({})).await;
        assert!(told.refused().contains("Connect"), "{}", told.text);
        told.text
    };
    let strange = strange_key();
    let mut client = StdioClient::bridge_to(&scene.gateway, &strange);
    let told = check(&mut client).await;
    assert!(told.contains("unknown, revoked or expired") && !told.contains(&strange), "{told}");
    assert_eq!(bridge_errors(&scene.gateway.setup), "");

    // Revoked while it is used.
    let mut client = legacy(&scene).await;
    client.call_tool("fx", "echo", json!({"text": "in"})).await.ran();
    scene.owner.revoke(&scene.key).await;
    let told = client.call_tool("fx", "echo", json!({"text": "out"})).await;
    assert!(told.refused().contains("revoked"), "{}", told.text);
    assert_eq!(bridge_errors(&scene.gateway.setup), "");
    scene.stop().await;
}

#[tokio::test]
async fn the_key_of_a_connected_client() {
    let scene = Scene::open().await;
    let keys = scene.gateway.place().home().join("clients/keys");
    std::fs::create_dir_all(&keys).expect("a directory");
    let start = || {
        let mut command = agentport_tests::stdio::bridge_command(&scene.gateway.setup, None);
        command.args(["--client", "cursor-0123abcd"]).env("AGENTPORT_API_KEY", &scene.key.key);
        StdioClient::start(command)
    };
    let mut client = start();
    client.open("2025-11-25", json!({})).await;
    let told = client.tool("agentport__status", json!({})).await;
    assert!(told.refused().contains("let it in there"), "no other key is used: {}", told.text);
    // Connected meanwhile, with a key.
    private_file(&keys.join("cursor-0123abcd"), &format!("{}\n", scene.key.key));
    let list = client.ask("tools/list", json!({})).await;
    assert_eq!(names(&list).len(), 12, "{list}");
    // Connected again: the old key is revoked, and the file holds another.
    scene.owner.revoke(&scene.key).await;
    let other = scene.owner.create_key("again").await;
    private_file(&keys.join("cursor-0123abcd"), &other.key);
    let echo = client.call_tool("fx", "echo", json!({"text": "again"})).await.ran();
    assert_eq!(echo.text, "again");
    scene.stop().await;
}

#[tokio::test]
async fn the_bridges_answers_hold_no_key() {
    let scene = Scene::open().await;
    let mut command =
        agentport_tests::stdio::bridge_command(&scene.gateway.setup, Some(&scene.key.key));
    command.env("RUST_LOG", "trace");
    let mut client = StdioClient::start(command);
    client.open("2025-11-25", json!({})).await;
    client.call_tool("fx", "echo", json!({"text": "in"})).await.ran();
    scene.owner.revoke(&scene.key).await;
    client.call_tool("fx", "echo", json!({"text": "out"})).await;
    client.leave().await;
    let said = bridge_errors(&scene.gateway.setup);
    assert!(!said.is_empty());
    assert!(!said.contains(&scene.key.key), "the key stands in the log");
    scene.stop().await;
}

/// Ends the process of this id with the test.
struct Ended(u32);

impl Drop for Ended {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.0).expect("a process id"));
        // It may have ended.
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
    }
}

/// `agentport` with an app of the test's beside it, which does what the real one does: it runs the gateway.
#[tokio::test]
async fn the_app_is_started_where_there_is_a_screen() {
    let (setup, key) = stopped().await;
    let files = setup.place.files();
    let program = files.join("agentport");
    std::fs::copy(agentport_tests::programs::agentport(), &program).expect("a copy");
    let app = files.join("agentport-desktop");
    let script = format!(
        "#!/bin/sh\necho \"$@\" > {files}/words\nenv > {files}/variables\n\
         exec {files}/agentport serve --port 0 --vault key-file --home {home} --owner-password-file {password}\n",
        files = files.display(),
        home = setup.place.home().display(),
        password = setup.place.password_file().display(),
    );
    std::fs::write(&app, script).expect("a script");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&app, mode).expect("it may run");
    let start = |screen: &str| {
        let mut command = std::process::Command::new(&program);
        command.arg("bridge").arg("--home").arg(setup.place.home()).env_clear();
        command.env("HOME", setup.place.user()).env("AGENTPORT_API_KEY", &key);
        command.env("DISPLAY", screen).stderr(std::process::Stdio::null());
        StdioClient::start(command)
    };

    let mut client = start("");
    client.open("2025-11-25", json!({})).await;
    let told = client.tool("agentport__status", json!({})).await;
    assert!(told.refused().contains("no screen"), "{}", told.text);
    assert!(!files.join("words").exists(), "nothing was started");

    let mut other = start(":99");
    // It waits for the app, so this is the gateway's own answer.
    let hello = other.open("2025-11-25", json!({})).await;
    let pid = std::fs::read_to_string(setup.place.home().join("lock")).expect("it is locked");
    let pid = pid.parse().expect("a process id");
    let _ended = Ended(pid);
    assert!(hello["instructions"].to_string().contains("await_approval"), "{hello}");
    assert_eq!(names(&other.ask("tools/list", json!({})).await).len(), 12);
    let words = std::fs::read_to_string(files.join("words")).expect("its words");
    let home = setup.place.home().canonicalize().expect("the home");
    assert_eq!(words.trim(), format!("--hidden --home {}", home.display()));
    let variables = std::fs::read_to_string(files.join("variables")).expect("its variables");
    assert!(!variables.contains(&key), "the app does not get the client's key");
    // The app outlives whoever started it, and has a process group of its own.
    let group = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it is there");
        let (_, rest) = stat.rsplit_once(") ").expect("a line of stat");
        rest.split(' ').nth(2).expect("a group").to_owned()
    };
    assert_eq!(group(pid), pid.to_string());
    let (status, took) = other.leave().await;
    assert!(status.success() && took < std::time::Duration::from_secs(1), "{status} {took:?}");
    assert!(agentport_tests::process::alive(pid), "the app goes on");
    client.next_message_of_method("notifications/tools/list_changed").await;
}
