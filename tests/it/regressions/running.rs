//! Running calls complete.

use std::time::Duration;

use agentport_core::outcome::OutcomeKind;
use agentport_tests::{Answer, Latch, SOON, within};
use http::StatusCode;
use serde_json::json;
use tokio_util::task::TaskTracker;

use crate::scene::Scene;

#[tokio::test]
async fn a_rest_client_that_leaves_does_not_end_its_call() {
    let scene = Scene::open().await;
    let latch = Latch::new().await;
    let body = json!({"tool_name": "hold", "args": latch.arguments()});
    let held = tokio::select! {
        // Dropping the future closes its connection.
        _ = scene.wire.post("/api/tools/fx/call", &body) => panic!("the call is held"),
        held = latch.begun() => held,
    };
    // Long enough for the gateway to see that the other side is gone.
    for _ in 0..20 {
        scene.owner.status().await;
    }
    held.let_go().await;
    let ended = async || {
        let row = scene.owner.activity("tool=hold").await.items.pop()?;
        (row.outcome != OutcomeKind::Running).then_some(row)
    };
    let row = scene.owner.until("the end of the row", ended).await;
    assert_eq!(row.outcome, OutcomeKind::Ok, "{row:?}");
    assert_eq!(scene.runs("hold"), 1);
    scene.stop().await;
}

#[tokio::test]
async fn a_stopping_gateway_lets_a_sessions_call_finish() {
    let scene = Scene::open().await;
    let session = scene.wire.open_session().await;
    let arguments =
        json!({"integration_id": "fx", "tool_name": "slow", "arguments": {"ms": 1_500}});
    let params = json!({"name": "agentport__call_tool", "arguments": arguments});
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let wire = scene.wire.clone().with("mcp-session-id", &session);
    let calling =
        TaskTracker::new().spawn(async move { wire.post_mcp("/mcp", call.to_string()).await });
    let started = async {
        while scene.runs("slow") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(SOON, "the call's start", started).await;

    // Ends well, or fails the test.
    let setup = scene.gateway.stop().await;
    let reply = within(SOON, "the reply", calling).await.expect("a reply");
    assert_eq!(reply.status, StatusCode::OK);
    let answer = Answer::from_json(reply.json()["result"].take()).ran();
    assert_eq!(answer.text, "finished");

    let gateway = setup.start().await;
    let rows = gateway.owner().await.activity("tool=slow").await.items;
    let outcomes: Vec<_> = rows.iter().map(|row| row.outcome).collect();
    assert_eq!(outcomes, [OutcomeKind::Ok]);
    gateway.stop().await;
}
