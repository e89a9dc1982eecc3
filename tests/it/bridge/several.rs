//! Several bridges on one machine: of one client, and of several homes.

use std::{process::Command, time::Duration};

use agentport_core::key::Key;
use agentport_gateway::data_dir::DataDir;
use agentport_tests::{Latch, StdioClient, gateway::private_file, stdio::bridge_command};
use serde_json::json;

use super::fake::Fake;
use crate::scene::Scene;

const CLIENT: &str = "claude-desktop";

/// What a client is told to start, where its key lies with the gateway's home.
fn connected(scene: &Scene) -> Command {
    let keys = scene.gateway.place().home().join("clients/keys");
    std::fs::create_dir_all(&keys).expect("a directory");
    private_file(&keys.join(CLIENT), &format!("{}\n", scene.key.key));
    let mut command = bridge_command(&scene.gateway.setup, None);
    command.args(["--client", CLIENT]);
    command
}

async fn echoes(client: &mut StdioClient, text: &str) {
    let echo = client.call_tool("fx", "echo", json!({ "text": text })).await.ran();
    assert_eq!(echo.text, text);
}

/// A client starts its servers once for each of its windows.
#[tokio::test]
async fn two_of_one_client_do_not_disturb_each_other() {
    let scene = Scene::open().await;
    let latch = Latch::new().await;
    let mut first = StdioClient::start(connected(&scene));
    let mut second = StdioClient::start(connected(&scene));
    first.open("2025-11-25", json!({})).await;
    second.open("2025-11-25", json!({})).await;
    // Both count their requests from one, so that nothing but the session tells them apart.
    for turn in 0..5 {
        let text = |name: &str| format!("{name} {turn}");
        let (one, two) = (text("first"), text("second"));
        tokio::join!(echoes(&mut first, &one), echoes(&mut second, &two));
    }
    let hold = |latch: &Latch| {
        json!({
            "name": "agentport__call_tool",
            "arguments": {"integration_id": "fx", "tool_name": "hold", "arguments": latch.arguments()},
        })
    };
    let asked = first.send("tools/call", hold(&latch)).await;
    let held = latch.begun().await;
    // A cancellation with the id that the first one's call has is of the second one's own.
    let cancelled = json!({ "requestId": asked });
    let cancel =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled});
    second.say(&cancel).await;
    echoes(&mut second, "mine").await;
    let (status, took) = second.leave().await;
    assert!(status.success() && took < Duration::from_secs(1), "{status} {took:?}");
    // What the first one has under way goes on, and so does its session.
    held.let_go().await;
    let answer = first.answer(&asked).await;
    assert!(answer["result"]["isError"] != json!(true), "{answer}");
    echoes(&mut first, "still here").await;
    let mut third = StdioClient::start(connected(&scene));
    third.open("2025-11-25", json!({})).await;
    echoes(&mut third, "another").await;
    scene.stop().await;
}

#[tokio::test]
async fn each_has_a_session_of_its_own() {
    let fake = Fake::start(|_| None).await;
    let (first, mut second) = (fake.client().await, fake.client().await);
    assert!(first.leave().await.0.success());
    let left = fake.asked("the end of a session", |asked| asked.method == "DELETE").await;
    assert_eq!(left.header("mcp-session-id"), Some("session-1"));
    assert_eq!(second.ask("ping", json!({})).await, json!({}));
    let ping = fake.asked("a ping", |asked| asked.calls("ping")).await;
    assert_eq!(ping.header("mcp-session-id"), Some("session-2"));
}

/// The key is for the gateway of its own home. Another home's may run, at the very port this one had, or at the usual
/// one: it is not asked.
#[tokio::test]
async fn another_homes_gateway_gets_no_key() {
    let fake = Fake::start(|_| None).await;
    let own = fake.place().files().join("own");
    let home = DataDir::open(Some(own.clone())).expect("a home");
    drop(home.lock().expect("nobody else has it"));
    // As after a power cut: the file says where the gateway of this home was, and by now the other one is there.
    let left = "runtime.json";
    std::fs::copy(fake.place().home().join(left), own.join(left)).expect("a copy");
    let keys = own.join("clients/keys");
    std::fs::create_dir_all(&keys).expect("a directory");
    let key = Key::from_random([8; 24]);
    private_file(&keys.join(CLIENT), key.secret().expose());
    // Where nobody else of this machine has it, whoever comes to the usual port is seen.
    let usual = std::net::TcpListener::bind("127.0.0.1:4747").ok();

    for by_variable in [true, false] {
        let mut command = fake.command(&["bridge", "--no-start", "--client", CLIENT]);
        match by_variable {
            true => command.env("AGENTPORT_HOME", &own),
            false => command.arg("--home").arg(&own),
        };
        let mut client = StdioClient::start(command);
        client.open("2025-11-25", json!({})).await;
        let told = client.tool("agentport__status", json!({})).await;
        assert!(told.refused().contains("not running"), "{}", told.text);
        let told = client.call_tool("fx", "echo", json!({"text": "x"})).await;
        assert!(told.refused().contains("not running"), "{}", told.text);
        assert!(client.leave().await.0.success());
    }
    let asked = fake.all(|_| true);
    assert!(asked.is_empty(), "{asked:?}");
    if let Some(usual) = usual {
        usual.set_nonblocking(true).expect("a socket");
        let came = usual.accept().map_err(|error| error.kind());
        assert_eq!(came.err(), Some(std::io::ErrorKind::WouldBlock), "nobody comes there");
    }
    // Who does have that gateway's home is let in.
    fake.client().await;
    assert!(!fake.all(|_| true).is_empty());
}
