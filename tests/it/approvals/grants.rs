//! The scope of each kind of grant.

use agentport_api::{GrantChoice, paths};
use agentport_core::{
    approval::{State, StateName},
    outcome::OutcomeKind,
    policy::Mode,
};
use http::Method;
use serde_json::{Value, json};

use crate::scene::Scene;

/// Asks for `echo`, gives `grant`, and runs the call that asked.
async fn granted(scene: &Scene, grant: GrantChoice) {
    let id = scene.call("echo", json!({"text": "first"})).await.request();
    scene.owner.approve(id, grant).await;
    assert_eq!(scene.wire.await_approval(&id.to_string()).await.ran().text, "first");
}

#[tokio::test]
async fn exact_is_for_these_arguments() {
    let scene = Scene::new().await;
    granted(&scene, GrantChoice::Exact).await;
    assert_eq!(scene.call("echo", json!({"text": "first"})).await.ran().text, "first");
    scene.call("echo", json!({"text": "second"})).await.request();
    scene.another().await.call_tool("fx", "echo", json!({"text": "first"})).await.request();
    scene.stop().await;
}

#[tokio::test]
async fn a_time_is_for_the_tool_and_the_agent() {
    let scene = Scene::new().await;
    granted(&scene, GrantChoice::For { minutes: 30 }).await;
    assert_eq!(scene.call("echo", json!({"text": "second"})).await.ran().text, "second");
    scene.call("counter", json!({})).await.request();
    scene.another().await.call_tool("fx", "echo", json!({"text": "second"})).await.request();
    let rules = scene.owner.policy().await;
    assert!(rules.iter().any(|rule| rule.rule.expires_at.is_some()), "the rule says until when");
    let scene = scene.restart().await;
    assert_eq!(
        scene.call("echo", json!({"text": "third"})).await.ran().text,
        "third",
        "time outlives a restart"
    );
    scene.stop().await;
}

#[tokio::test]
async fn a_session_ends_with_the_gateway() {
    let scene = Scene::new().await;
    granted(&scene, GrantChoice::Session).await;
    assert_eq!(scene.call("echo", json!({"text": "second"})).await.ran().text, "second");
    scene.another().await.call_tool("fx", "echo", json!({"text": "second"})).await.request();
    let scene = scene.restart().await;
    scene.call("echo", json!({"text": "third"})).await.request();
    scene.stop().await;
}

#[tokio::test]
async fn always_runs_the_call_that_asked_and_outlives_a_restart() {
    let scene = Scene::new().await;
    granted(&scene, GrantChoice::Always).await;
    assert_eq!(scene.call("echo", json!({"text": "second"})).await.ran().text, "second");
    scene.another().await.call_tool("fx", "echo", json!({"text": "second"})).await.request();
    let scene = scene.restart().await;
    assert_eq!(scene.call("echo", json!({"text": "third"})).await.ran().text, "third");
    scene.stop().await;
}

#[tokio::test]
async fn awaiting_after_a_repeat_under_a_lasting_grant_gives_the_same_run() {
    let scene = Scene::new().await;
    let id = scene.call("counter", json!({})).await.request();
    scene.owner.approve(id, GrantChoice::Always).await;
    scene.call("counter", json!({})).await.ran();
    scene.wire.await_approval(&id.to_string()).await.ran();
    assert_eq!(scene.runs("counter"), 1, "one request runs once");
    scene.call("counter", json!({})).await.ran();
    assert_eq!(scene.runs("counter"), 2, "and from then on the rule allows");
    scene.stop().await;
}

#[tokio::test]
async fn every_agent_is_a_choice_of_its_own() {
    let scene = Scene::new().await;
    let id = scene.call("echo", json!({"text": "first"})).await.request();
    scene.owner.approve_for_all(id, GrantChoice::Always).await;
    let other = scene.another().await;
    assert_eq!(other.call_tool("fx", "echo", json!({"text": "mine"})).await.ran().text, "mine");
    scene.stop().await;
}

#[tokio::test]
async fn trust_is_for_everything_but_destructive_tools() {
    let scene = Scene::new().await;
    scene.owner.trust(&scene.key, 15).await;
    scene.call("counter", json!({})).await.ran();
    scene.call("destroy", json!({"what": "it"})).await.request();
    scene.another().await.call_tool("fx", "counter", json!({})).await.request();
    let shown = scene.owner.keys().await;
    let own = shown.iter().find(|key| key.id == scene.key.id).expect("the key is listed");
    assert!(own.trusted_until.is_some());
    scene.owner.trust(&scene.key, 0).await;
    scene.call("counter", json!({})).await.request();
    scene.stop().await;
}

#[tokio::test]
async fn a_changed_definition_asks_again() {
    for by_hand in [true, false] {
        let scene = Scene::new().await;
        if by_hand {
            scene.owner.set_policy("fx", "define", Mode::Allow).await;
        } else {
            let id = scene.call("define", json!({"description": "first"})).await.request();
            scene.owner.approve(id, GrantChoice::Always).await;
            scene.wire.await_approval(&id.to_string()).await.ran();
            // The run itself changed the definition, so that the grant is stale from here on.
        }
        if by_hand {
            scene.call("define", json!({"description": "first"})).await.ran();
        }
        let description = async || {
            let tools = scene.owner.tools("fx").await;
            tools.into_iter().find(|tool| tool.name == "define").and_then(|tool| tool.description)
        };
        let changed = async || description().await.filter(|text| text == "first");
        scene.owner.until("the new definition", changed).await;
        scene.call("define", json!({"description": "second"})).await.request();
        let rules = scene.owner.policy().await;
        assert!(
            rules.iter().any(|rule| rule.stale),
            "the owner sees that the rule is stale: {rules:?}"
        );
        scene.stop().await;
    }
}

#[tokio::test]
async fn a_request_for_a_definition_that_changed_is_withdrawn() {
    let scene = Scene::new().await;
    let other = scene.another().await;
    let id = other.call_tool("fx", "define", json!({"description": "asked"})).await.request();
    let mine = scene.call("define", json!({"description": "changed"})).await.request();
    scene.owner.approve(mine, GrantChoice::Once).await;
    scene.wire.await_approval(&mine.to_string()).await.ran();
    let withdrawn = scene.owner.approval_until(id, StateName::Withdrawn).await;
    assert!(matches!(withdrawn.state, State::Withdrawn { .. }));
    other.await_approval(&id.to_string()).await.refused();
    scene.stop().await;
}

#[tokio::test]
async fn defaults_and_switches_of_an_integration() {
    let scene = Scene::new().await;
    scene.owner.change("fx", json!({"read_only_may_run": true})).await;
    scene.call("echo", json!({"text": "read"})).await.ran();
    scene.call("counter", json!({})).await.request();
    scene.owner.change("fx", json!({"default_mode": "deny"})).await;
    let blocked = scene.call("counter", json!({})).await;
    assert_eq!(blocked.refused(), "This tool has been blocked and cannot be executed.");
    scene.call("echo", json!({"text": "read"})).await.ran();
    scene.owner.set_policy("fx", "counter", Mode::Allow).await;
    scene.call("counter", json!({})).await.ran();
    scene.owner.set_policy("fx", "echo", Mode::Deny).await;
    let blocked = scene.call("echo", json!({"text": "read"})).await;
    assert_eq!(blocked.refused(), "This tool has been blocked and cannot be executed.");
    scene.stop().await;
}

/// Three calls wait with different arguments; a grant given to the first.
async fn granted_while_others_wait(grant: Value, also_waiting: bool) -> (Scene, Vec<StateName>) {
    let scene = Scene::new().await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(scene.call("echo", json!({"text": number.to_string()})).await.request());
    }
    let first: Value =
        scene.owner.ask(Method::GET, &paths::fill(paths::APPROVAL, ids[0]), None).await;
    assert_eq!(first["also_waiting"], 2, "the owner is told what else waits");
    let body = json!({ "grant": grant, "also_waiting": also_waiting });
    let _: Value =
        scene.owner.ask(Method::POST, &paths::fill(paths::APPROVE, ids[0]), Some(body)).await;
    // A later call runs under the grant; by then a review that wrongly let the others go would have.
    scene.call("echo", json!({"text": "later"})).await.ran();
    scene.owner.set_policy("fx", "counter", Mode::Allow).await;
    scene.call("counter", json!({})).await.ran();
    let mut states = Vec::new();
    for id in &ids[1..] {
        states.push(scene.owner.approval(*id).await.state.name());
    }
    (scene, states)
}

#[tokio::test]
async fn a_grant_does_not_run_pending_calls_with_other_arguments() {
    for grant in [
        json!({"kind": "always"}),
        json!({"kind": "for", "minutes": 15}),
        json!({"kind": "session"}),
    ] {
        let (scene, states) = granted_while_others_wait(grant.clone(), false).await;
        assert_eq!(states, [StateName::Pending; 2], "{grant}");
        // The agent makes one of them again: that is a new call, which the grant allows.
        scene.call("echo", json!({"text": "1"})).await.ran();
        scene.stop().await;
    }
}

#[tokio::test]
async fn a_grant_covers_pending_calls_if_the_owner_chooses_so() {
    let (scene, states) = granted_while_others_wait(json!({"kind": "always"}), true).await;
    assert_eq!(states, [StateName::Approved; 2]);
    scene.stop().await;
}

#[tokio::test]
async fn an_approved_call_that_was_never_awaited_says_so() {
    let scene = Scene::new().await;
    let id = scene.call("echo", json!({"text": "first"})).await.request();
    scene.owner.approve(id, GrantChoice::Once).await;
    let rows = scene.owner.activity("").await.items;
    assert_eq!(rows[0].outcome, OutcomeKind::Pending);
    assert_eq!(rows[0].approval_state, Some(StateName::Approved));
    scene.stop().await;
}
