//! The bridge ends with its client.

use std::{process::ExitStatus, time::Duration};

use agentport_tests::{Latch, StdioClient, latch::Held, stdio::bridge_errors};
use nix::sys::signal::Signal;
use serde_json::json;

use super::{eras::legacy, fake::Fake};
use crate::scene::Scene;

const SECOND: Duration = Duration::from_secs(1);

/// A session with a call that does not end by itself.
async fn busy(scene: &Scene, latch: &Latch) -> (StdioClient, Held) {
    let mut client = legacy(scene).await;
    let call = json!({
        "name": "agentport__call_tool",
        "arguments": {"integration_id": "fx", "tool_name": "hold", "arguments": latch.arguments()},
    });
    client.send("tools/call", call).await;
    let held = latch.begun().await;
    (client, held)
}

fn check(what: &str, (status, took): (ExitStatus, Duration)) {
    assert!(status.success(), "{what}: {status}");
    assert!(took < SECOND, "{what}: {took:?}");
}

#[tokio::test]
async fn within_a_second_of_its_client() {
    let scene = Scene::open().await;
    let latch = Latch::new().await;

    let (client, held) = busy(&scene, &latch).await;
    check("stdin closed", client.leave().await);
    held.cancelled().await;

    let (mut client, held) = busy(&scene, &latch).await;
    client.stop_reading();
    check("stdout closed", client.ended().await);
    held.cancelled().await;

    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let (mut client, held) = busy(&scene, &latch).await;
        client.signal(signal);
        check(signal.as_str(), client.ended().await);
        held.cancelled().await;
    }

    // A client that is killed closes everything.
    let (mut client, held) = busy(&scene, &latch).await;
    client.close();
    client.stop_reading();
    check("both closed", client.ended().await);
    held.cancelled().await;

    // Idle ones are quicker.
    let (status, took) = legacy(&scene).await.leave().await;
    assert!(status.success() && took < SECOND / 2, "{took:?}");
    assert_eq!(bridge_errors(&scene.gateway.setup), "");
    scene.stop().await;
}

#[tokio::test]
async fn also_of_one_that_does_not_read() {
    let scene = Scene::open().await;
    let mut client = legacy(&scene).await;
    // More answers than any pipe takes.
    for id in 0..400 {
        client.say(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"})).await;
    }
    check("stdin closed, stdout full", client.leave().await);
    scene.stop().await;
}

#[tokio::test]
async fn while_a_gateway_is_waited_for() {
    let scene = Scene::open().await;
    let mut client = legacy(&scene).await;
    let setup = scene.gateway.kill().await;
    client.send("tools/list", json!({})).await;
    check("stdin closed", client.leave().await);
    assert_eq!(bridge_errors(&setup), "");
}

#[tokio::test]
async fn its_session_ends_with_it() {
    let fake = Fake::start(|_| None).await;
    let mut client = fake.client().await;
    assert_eq!(client.ask("ping", json!({})).await, json!({}));
    assert!(client.leave().await.0.success());
    let left = fake.asked("the end of the session", |asked| asked.method == "DELETE").await;
    assert_eq!(left.header("mcp-session-id"), Some("session-1"));
    assert_eq!(left.header("mcp-protocol-version"), Some("2025-11-25"));
}

#[tokio::test]
async fn the_last_request_is_answered() {
    let scene = Scene::open().await;
    let mut client = StdioClient::bridge_to(&scene.gateway, &scene.key.key);
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "sh", "version": "1"},
    }});
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    client.write(format!("{hello}\n{list}\n{{\"jsonrpc\":\"2.0\",\"id\":3,").as_bytes()).await;
    client.close();
    assert_eq!(client.hear().await["id"], 1);
    assert_eq!(client.hear().await["id"], 2);
    assert_eq!(client.line().await, None, "half a line is no message");
    check("stdin closed", client.ended().await);
    scene.stop().await;
}
