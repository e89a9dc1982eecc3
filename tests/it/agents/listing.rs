//! Direct mode, profiles and tags.

use agentport_api::GrantChoice;
use agentport_core::policy::Mode;
use agentport_tests::Wire;
use serde_json::{Value, json};

use crate::scene::Scene;

async fn listed(wire: &Wire, query: &str) -> Vec<String> {
    let reply = wire.send(wire.modern(&format!("/mcp?{query}"), "tools/list", json!({}))).await;
    let message = reply.json();
    let tools = message["result"]["tools"].as_array().unwrap_or_else(|| panic!("{}", reply.text));
    tools.iter().filter_map(|tool| tool["name"].as_str()).map(ToOwned::to_owned).collect()
}

async fn direct_call(wire: &Wire, name: &str, arguments: Value) -> agentport_tests::Answer {
    let params = json!({"name": name, "arguments": arguments});
    let mut message = wire.send(wire.modern("/mcp?mode=direct", "tools/call", params)).await.json();
    let result = if message.get("result").is_some() { message["result"].take() } else { message };
    agentport_tests::Answer::from_json(result)
}

#[tokio::test]
async fn direct_mode_lists_and_runs() {
    let scene = Scene::new().await;
    scene.owner.set_policy("fx", "echo", Mode::Allow).await;
    scene.owner.set_policy("fx", "destroy", Mode::Deny).await;
    let names = listed(&scene.wire, "mode=direct").await;
    assert!(
        names.contains(&"fx__echo".to_owned())
            && names.contains(&"agentport__call_tool".to_owned())
    );
    assert!(!listed(&scene.wire, "mode=meta").await.contains(&"fx__echo".to_owned()));
    let ran = direct_call(&scene.wire, "fx__echo", json!({"text": "straight"})).await.ran();
    assert_eq!(ran.text, "straight");
    let blocked = direct_call(&scene.wire, "fx__destroy", json!({"what": "x"})).await;
    assert_eq!(blocked.refused(), "This tool has been blocked and cannot be executed.");
    direct_call(&scene.wire, "fx__echo", json!({"text": 1})).await.refused();
    scene.stop().await;
}

#[tokio::test]
async fn a_direct_call_is_held_while_the_owner_decides() {
    let scene = Scene::new().await;
    let owner = async {
        let pending = scene.owner.one_pending().await;
        scene.owner.approve(pending.id, GrantChoice::Once).await;
    };
    let (answer, ()) = tokio::join!(direct_call(&scene.wire, "fx__counter", json!({})), owner);
    assert_eq!(answer.ran().text, "counted");
    assert_eq!(scene.runs("counter"), 1);
    let owner = async {
        let pending = scene.owner.one_pending().await;
        scene.owner.deny(pending.id, Some("no")).await;
    };
    let (answer, ()) = tokio::join!(direct_call(&scene.wire, "fx__counter", json!({})), owner);
    assert!(answer.refused().contains("denied by the human"));
    scene.stop().await;
}

#[tokio::test]
async fn profiles_and_tags_narrow_what_is_seen() {
    let scene = Scene::new().await;
    scene.add_fixture("other").await;
    scene.owner.change("other", json!({"tags": ["work", "blue"]})).await;
    let profile = json!({"name": "narrow", "integrations": ["fx"], "hidden_tools": ["fx/test_*"]});
    scene.owner.put_profile("narrow", profile).await;

    let names = listed(&scene.wire, "mode=direct&profile=narrow").await;
    assert!(names.contains(&"fx__echo".to_owned()));
    assert!(
        !names.iter().any(|name| name.starts_with("other__") || name.starts_with("demo__")),
        "{names:?}"
    );
    assert!(!names.iter().any(|name| name.starts_with("fx__test_")), "hidden tools are hidden");
    let names = listed(&scene.wire, "mode=direct&tags=work").await;
    assert!(names.contains(&"other__echo".to_owned()) && !names.contains(&"fx__echo".to_owned()));

    let bound = scene.owner.create_key_with(json!({"name": "bound", "profile": "narrow"})).await;
    let bound = scene.gateway.wire(&bound);
    let hidden = bound.call_tool("other", "echo", json!({"text": "x"})).await;
    let unknown = bound.call_tool("nowhere", "echo", json!({"text": "x"})).await;
    assert_eq!(hidden.refused().replace("other", "ID"), unknown.refused().replace("nowhere", "ID"));
    bound.call_tool("fx", "test_simple_text", json!({})).await.refused();
    bound.call_tool("fx", "echo", json!({"text": "x"})).await.request();
    let wider = listed(&bound, "mode=direct&tags=work").await;
    assert!(
        !wider.iter().any(|name| name.starts_with("other__")),
        "a query cannot widen a profile: {wider:?}"
    );
    scene.stop().await;
}

#[tokio::test]
async fn lists_are_the_same_every_time() {
    let scene = Scene::new().await;
    let ask = async || {
        let request = scene.wire.modern("/mcp?mode=direct", "tools/list", json!({}));
        scene.wire.send(request).await.text
    };
    let first = ask().await;
    for _ in 0..3 {
        assert_eq!(ask().await, first);
    }
    let scene = scene.restart().await;
    let request = scene.wire.modern("/mcp?mode=direct", "tools/list", json!({}));
    assert_eq!(
        scene.wire.send(request).await.text,
        first,
        "known before any upstream has answered"
    );
    scene.stop().await;
}

#[tokio::test]
async fn five_hundred_tools_are_listed_whole() {
    let scene = Scene::empty().await;
    scene.owner.add_fixture("many", &["--tools", "500"]).await;
    let agent = scene.gateway.agent(&scene.key, agentport_tests::Era::Legacy).await;
    assert_eq!(agent.tools().await.len(), 12);
    agent.leave().await;
    let names = listed(&scene.wire, "mode=direct").await;
    assert_eq!(names.iter().filter(|name| name.starts_with("many__generated_")).count(), 500);
    assert!(names.iter().all(|name| name.len() <= 64));
    scene.stop().await;
}
