//! Text of agents and upstreams in the command line's output.

use agentport_core::policy::Mode;
use serde_json::json;

use super::{agent, owner};
use crate::scene::Scene;

/// A right-to-left override, a zero-width space and the beginning of an escape sequence.
const HIDDEN: [char; 3] = ['\u{202e}', '\u{200b}', '\u{1b}'];

async fn call(scene: &Scene, tool: &str, arguments: &str) -> super::Ran {
    let words = ["tools", "call", "--integration", "fx", "--tool", tool, "--args", arguments];
    agent(scene).run_words(&words, "").await
}

#[tokio::test]
async fn hidden_characters_of_an_agent_are_shown_and_do_nothing() {
    let scene = Scene::new().await;
    let asks = call(&scene, "echo", r#"{"text": "pay\u202e\u200b \u001b[31mfdp.exe"}"#).await;
    assert_eq!(asks.code, Some(2), "{}", asks.stderr);
    let id = scene.owner.one_pending().await.id;
    for line in ["approvals list", &format!("approvals show {id}"), "logs"] {
        let ran = owner(&scene).run(line).await;
        assert_eq!(ran.code, Some(0), "{line}: {}", ran.stderr);
        assert!(!ran.stdout.contains(HIDDEN), "{line}: {:?}", ran.stdout);
    }
    let shown = owner(&scene).run(&format!("approvals show {id}")).await.stdout;
    assert!(shown.contains(r"pay\u{202e}\u{200b}"), "{shown}");
    let json = owner(&scene).json(&format!("approvals show {id}")).await;
    assert_eq!(
        json["arguments"]["text"], "pay\u{202e}\u{200b} \u{1b}[31mfdp.exe",
        "JSON is as it came"
    );
    scene.stop().await;
}

#[tokio::test]
async fn a_command_of_two_lines_is_shown_as_two_lines() {
    let scene = Scene::new().await;
    let asks = call(&scene, "echo", r#"{"text": "ls\nrm -rf ."}"#).await;
    assert_eq!(asks.code, Some(2), "{}", asks.stderr);
    let id = scene.owner.one_pending().await.id;
    let shown = owner(&scene).run(&format!("approvals show {id}")).await.stdout;
    let lines: Vec<&str> = shown.lines().map(str::trim).collect();
    assert!(lines.contains(&"│ ls") && lines.contains(&"│ rm -rf ."), "{shown}");
    scene.stop().await;
}

#[tokio::test]
async fn content_that_is_no_text_is_described() {
    let scene = Scene::new().await;
    scene.owner.set_policy("fx", "image", Mode::Allow).await;
    let ran = call(&scene, "image", "{}").await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("[image, image/png, "), "{}", ran.stdout);
    assert!(!ran.stdout.contains("iVBOR"), "the data is for -o json: {}", ran.stdout);
    scene.stop().await;
}

#[tokio::test]
async fn tools_denied_without_asking_are_listed_and_asked_about_again() {
    let scene = Scene::new().await;
    for number in 0..3 {
        let id = scene.call("echo", json!({ "text": number.to_string() })).await.request();
        scene.owner.deny(id, None).await;
    }
    scene.call("echo", json!({ "text": "again" })).await.refused();
    let listed = owner(&scene).json("policy denials").await;
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    let id = listed[0]["id"].as_str().expect("an id");
    let table = owner(&scene).run("policy denials").await.stdout;
    assert!(table.contains(id) && table.contains("fx / echo"), "{table}");

    let ended = owner(&scene).run(&format!("policy denials --end {id}")).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("asked again"), "{}", ended.stdout);
    assert_eq!(owner(&scene).json("policy denials").await, json!([]));
    scene.call("echo", json!({ "text": "again" })).await.request();
    scene.stop().await;
}

/// The running gateway keeps its port.
#[tokio::test]
async fn a_new_port_counts_from_the_next_start() {
    let scene = Scene::empty().await;
    let ran = owner(&scene).run("settings set port 4990").await;
    assert_eq!((ran.code, ran.stdout.trim()), (Some(0), "port is now 4990"), "{}", ran.stderr);
    let port = scene.gateway.port();
    assert!(ran.stderr.contains("next start"), "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("at port {port}")), "{}", ran.stderr);
    scene.stop().await;
}
