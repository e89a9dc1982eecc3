//! Lost connections and restarts: no approved call is lost or runs twice.

use agentport_api::GrantChoice;
use agentport_core::{approval::StateName, outcome::OutcomeKind};
use agentport_tests::{Latch, within};
use serde_json::json;

use crate::scene::Scene;

#[tokio::test]
async fn a_lost_connection_while_pending() {
    let scene = Scene::new().await;
    let id = scene.call("counter", json!({})).await.request();
    let text = id.to_string();
    let waiting = scene.wire.await_approval(&text);
    let connected = scene.owner.one_pending();
    tokio::select! {
        // Dropping the future closes its connection.
        _ = waiting => panic!("nothing was decided"),
        _ = connected => {}
    }
    scene.owner.approve(id, GrantChoice::Once).await;
    assert_eq!(scene.runs("counter"), 0);
    assert_eq!(scene.wire.await_approval(&text).await.ran().text, "counted");
    assert_eq!(scene.runs("counter"), 1);
    scene.stop().await;
}

#[tokio::test]
async fn a_lost_connection_while_running() {
    let scene = Scene::new().await;
    let latch = Latch::new().await;
    let id = scene.call("hold", latch.arguments()).await.request();
    scene.owner.approve(id, GrantChoice::Once).await;
    let text = id.to_string();
    let held = tokio::select! {
        _ = scene.wire.await_approval(&text) => panic!("the call is held"),
        held = latch.begun() => held,
    };
    held.let_go().await;
    scene.owner.approval_until(id, StateName::Done).await;
    assert_eq!(scene.wire.await_approval(&text).await.ran().text, "let go");
    assert_eq!(scene.runs("hold"), 1);
    scene.stop().await;
}

#[tokio::test]
async fn a_restart_at_every_point_of_a_request() {
    let scene = Scene::new().await;
    let id = scene.call("counter", json!({})).await.request();
    let text = id.to_string();

    let scene = scene.restart().await;
    assert_eq!(
        scene.owner.one_pending().await.id,
        id,
        "asked before the restart, decided after it"
    );
    scene.owner.approve(id, GrantChoice::Once).await;

    let scene = scene.restart().await;
    assert_eq!(scene.owner.approval(id).await.state.name(), StateName::Approved);
    assert_eq!(
        scene.wire.await_approval(&text).await.ran().text,
        "counted",
        "approved before, run after"
    );
    assert_eq!(scene.runs("counter"), 1);

    let scene = scene.restart().await;
    assert_eq!(
        scene.wire.await_approval(&text).await.ran().text,
        "counted",
        "the result outlives it too"
    );
    assert_eq!(scene.runs("counter"), 1);
    scene.stop().await;
}

#[tokio::test]
async fn a_killed_gateway_says_that_a_call_was_interrupted() {
    let scene = Scene::new().await;
    let latch = Latch::new().await;
    let id = scene.call("hold", latch.arguments()).await.request();
    scene.owner.approve(id, GrantChoice::Once).await;
    let text = id.to_string();
    let held = tokio::select! {
        _ = scene.wire.await_approval(&text) => panic!("the call is held"),
        held = latch.begun() => held,
    };
    let runs = scene.runs("hold");
    let Scene { gateway, wire, .. } = scene;
    let gateway = gateway.kill().await.start().await;
    drop(held);
    let owner = gateway.owner().await;

    let rows = owner.activity("tool=hold").await.items;
    let row =
        rows.iter().find(|row| row.approval == Some(id) && row.outcome == OutcomeKind::Interrupted);
    assert!(row.is_some(), "the row that was begun says so: {rows:?}");
    assert_eq!(runs, 1);
    let limit = std::time::Duration::from_secs(20);
    let answer =
        within(limit, "an answer about the interrupted call", wire.await_approval(&text)).await;
    assert!(answer.refused().contains("stopped while"), "{}", answer.text);
    assert!(!latch.another_has_begun(), "it does not run again");
    gateway.stop().await;
}

/// Every call that was answered has its row, however the gateway ends.
#[tokio::test]
async fn no_row_is_lost_to_a_kill() {
    let scene = Scene::open().await;
    for _ in 0..25 {
        scene.call("counter", json!({})).await.ran();
    }
    let Scene { gateway, .. } = scene;
    let gateway = gateway.kill().await.start().await;
    let rows = gateway.owner().await.activity("tool=counter&limit=100").await.items;
    assert_eq!(rows.iter().filter(|row| row.outcome == OutcomeKind::Ok).count(), 25);
    gateway.stop().await;
}
