//! Floods, repeated denials, and the owner's pause.

use agentport_api::{GrantChoice, paths};
use agentport_core::{approval::State, outcome::OutcomeKind, policy::Mode};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::scene::Scene;

#[tokio::test]
async fn five_may_wait_and_identical_ones_are_one() {
    let scene = Scene::new().await;
    let ask = async |number: u32| scene.call("echo", json!({"text": number.to_string()})).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(ask(number).await.request());
        assert_eq!(ask(number).await.request(), ids[ids.len() - 1]);
    }
    let sixth = ask(5).await;
    assert!(sixth.refused().contains("waiting"), "it says why: {}", sixth.text);
    assert_eq!(scene.owner.approvals("pending").await.len(), 5);
    scene.another().await.call_tool("fx", "echo", json!({"text": "5"})).await.request();
    scene.owner.deny(ids[0], None).await;
    ask(5).await.request();
    scene.stop().await;
}

#[tokio::test]
async fn three_denials_deny_for_a_while() {
    let scene = Scene::new().await;
    for number in 0..3 {
        let id = scene.call("echo", json!({"text": number.to_string()})).await.request();
        scene.owner.deny(id, None).await;
    }
    let fourth = scene.call("echo", json!({"text": "again"})).await;
    assert!(!fourth.needs_approval());
    assert!(fourth.refused().contains("for 15 minutes"), "it says for how long: {}", fourth.text);
    assert_eq!(scene.owner.approvals("pending").await.len(), 0);
    scene.call("counter", json!({})).await.request();
    scene.another().await.call_tool("fx", "echo", json!({"text": "again"})).await.request();
    scene.stop().await;
}

/// Denies the same tool until it is denied without asking.
async fn denied_without_asking(scene: &Scene) {
    for number in 0..3 {
        let id = scene.call("echo", json!({"text": number.to_string()})).await.request();
        scene.owner.deny(id, None).await;
    }
    scene.call("echo", json!({"text": "again"})).await.refused();
}

#[tokio::test]
async fn a_call_that_was_not_asked_about_is_recorded_as_that() {
    let scene = Scene::new().await;
    denied_without_asking(&scene).await;
    let rows = scene.owner.activity("").await.items;
    let outcomes: Vec<_> = rows.iter().map(|row| row.outcome).collect();
    assert_eq!(outcomes[0], OutcomeKind::NotAsked, "{outcomes:?}");
    assert_eq!(outcomes[1..4], [OutcomeKind::Denied; 3]);
    assert_eq!(rows[0].approval, None);

    let denials: Value = scene.owner.ask(Method::GET, paths::DENIALS, None).await;
    let [only] = denials["items"].as_array().expect("a list").as_slice() else {
        panic!("one: {denials}")
    };
    assert_eq!((&only["integration"], &only["tool"]), (&json!("fx"), &json!("echo")));

    let path = paths::fill(paths::DENIAL, only["id"].as_str().expect("an id"));
    let reply = scene.owner.send(Method::DELETE, &path, None).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT, "{}", reply.text);
    scene.call("echo", json!({"text": "again"})).await.request();
    let gone = scene.owner.send(Method::DELETE, &path, None).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    scene.stop().await;
}

#[tokio::test]
async fn a_rule_made_afterwards_ends_denying_without_asking() {
    let scene = Scene::new().await;
    denied_without_asking(&scene).await;
    scene.owner.set_policy("fx", "echo", Mode::RequireApproval).await;
    scene.call("echo", json!({"text": "again"})).await.request();
    scene.stop().await;
}

#[tokio::test]
async fn nothing_runs_while_paused() {
    let scene = Scene::new().await;
    scene.owner.set_policy("fx", "counter", Mode::Allow).await;
    let id = scene.call("echo", json!({"text": "later"})).await.request();
    scene.owner.pause(true).await;
    assert!(scene.owner.status().await.paused);
    let refused = scene.call("counter", json!({})).await;
    assert!(refused.refused().contains("paused"), "{}", refused.text);
    scene.owner.approve(id, GrantChoice::Once).await;
    let awaited = scene.wire.await_approval(&id.to_string()).await;
    assert!(awaited.text.contains("paused"), "{}", awaited.text);
    assert_eq!(scene.runs("counter"), 0);

    let scene = scene.restart().await;
    assert!(scene.owner.status().await.paused, "a pause outlives a restart");
    scene.call("counter", json!({})).await.refused();
    scene.owner.pause(false).await;
    scene.call("counter", json!({})).await.ran();
    assert_eq!(
        scene.wire.await_approval(&id.to_string()).await.ran().text,
        "later",
        "the approval was kept"
    );
    scene.stop().await;
}

#[tokio::test]
async fn changes_after_the_decision_are_checked() {
    let scene = Scene::new().await;
    let approved = async |tool: &str| {
        let id = scene.call(tool, json!({})).await.request();
        scene.owner.approve(id, GrantChoice::Once).await;
        id.to_string()
    };
    let id = approved("counter").await;
    scene.owner.set_policy("fx", "counter", Mode::Deny).await;
    scene.wire.await_approval(&id).await.refused();
    assert_eq!(scene.runs("counter"), 0, "a later deny wins");

    let id = approved("image").await;
    scene.owner.change("fx", json!({"enabled": false})).await;
    scene.wire.await_approval(&id).await.refused();
    scene.owner.change("fx", json!({"enabled": true})).await;

    scene.call("fail", json!({})).await.request();
    scene.owner.revoke(&scene.key).await;
    let open = scene.owner.approvals("all").await;
    assert!(
        open.iter().all(|view| view.state != State::Pending),
        "a revoked agent asks for nothing"
    );
    scene.stop().await;
}

#[tokio::test]
async fn an_agent_can_be_held_to_calls_per_minute() {
    let scene = Scene::open().await;
    scene.owner.settings(json!({"calls_per_minute": 2})).await;
    scene.call("counter", json!({})).await.ran();
    scene.call("counter", json!({})).await.ran();
    let third = scene.call("counter", json!({})).await;
    assert!(third.refused().contains("minute"), "{}", third.text);
    assert_eq!(scene.runs("counter"), 2);
    scene.another().await.call_tool("fx", "counter", json!({})).await.ran();
    scene.stop().await;
}
