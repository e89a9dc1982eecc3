//! An agent's key and profile are checked again before its approved call runs.

use std::time::Duration;

use agentport_api::GrantChoice;
use agentport_core::{ApprovalId, approval::StateName};
use agentport_tests::{SOON, Wire, within};
use http::{Method, StatusCode};
use serde_json::json;
use tokio_util::task::TaskTracker;

use crate::scene::Scene;

#[tokio::test]
async fn tools_removed_from_the_profile_do_not_run() {
    let scene = Scene::new().await;
    let id = scene.call("counter", json!({})).await.request();
    scene.owner.approve(id, GrantChoice::Once).await;
    scene.owner.put_profile("narrow", json!({"name": "narrow", "integrations": ["demo"]})).await;
    let path = format!("/control/keys/{}", scene.key.id);
    let reply = scene.owner.send(Method::PATCH, &path, Some(json!({"profile": "narrow"}))).await;
    assert!(reply.status.is_success(), "{}", reply.text);

    scene.wire.await_approval(&id.to_string()).await.refused();
    scene.call("counter", json!({})).await.refused();
    assert_eq!(scene.runs("counter"), 0);
    scene.stop().await;
}

type Waiting = tokio::task::JoinHandle<String>;

/// Awaits in a task of its own; gives whatever the gateway says, an answer of MCP or not.
fn awaiting(wire: &Wire, id: ApprovalId) -> Waiting {
    let wire = wire.clone();
    TaskTracker::new().spawn(async move {
        let arguments = json!({"request_id": id});
        let params = json!({"name": "agentport__await_approval", "arguments": arguments});
        wire.send(wire.modern("/mcp", "tools/call", params)).await.text
    })
}

/// The owner approves after the key has become useless.
async fn approved_too_late(scene: &Scene, wire: &Wire, id: ApprovalId, waiting: Waiting) {
    let decided = scene.owner.try_approve(id, json!({"grant": {"kind": "once"}})).await;
    assert!(decided.status.is_success() || decided.status.is_client_error(), "{}", decided.text);
    let said = within(SOON * 2, "the waiting agent's answer", waiting).await.expect("an answer");
    assert!(!said.contains("counted"), "{said}");
    let again = awaiting(wire, id).await.expect("an answer");
    assert!(!again.contains("counted"), "{again}");
    assert_eq!(scene.runs("counter"), 0, "nothing runs");
    assert_ne!(scene.owner.approval(id).await.state.name(), StateName::Done);
}

#[tokio::test]
async fn nothing_runs_for_a_revoked_key() {
    let scene = Scene::new().await;
    let id = scene.call("counter", json!({})).await.request();
    let waiting = awaiting(&scene.wire, id);
    scene.owner.revoke(&scene.key).await;
    approved_too_late(&scene, &scene.wire, id, waiting).await;
    scene.stop().await;
}

#[tokio::test]
async fn nothing_runs_for_a_key_that_has_expired() {
    let scene = Scene::new().await;
    // The gateway's own clock says when the key ends.
    let first = scene.owner.create_key("clock").await;
    let keys = scene.owner.keys().await;
    let now = keys.iter().find(|key| key.id == first.id).expect("the key").created_at;
    let expires_at = now.plus(Duration::from_secs(5));
    let key = scene.owner.create_key_with(json!({"name": "brief", "expires_at": expires_at})).await;
    let wire = scene.gateway.wire(&key);
    let id = wire.call_tool("fx", "counter", json!({})).await.request();
    let waiting = awaiting(&wire, id);
    let expired = async {
        while wire.get("/api/users/me").await.status != StatusCode::UNAUTHORIZED {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    within(SOON, "the key's end", expired).await;
    approved_too_late(&scene, &wire, id, waiting).await;
    scene.stop().await;
}
