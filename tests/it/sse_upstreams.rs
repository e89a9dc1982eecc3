//! Servers of other projects that speak nothing but HTTP+SSE (MCP 2024-11-05), behind the gateway.

use std::{net::TcpListener, path::PathBuf};

use agentport_api::Health;
use agentport_tests::{
    Answer, Era, SOON, external_program::ExternalProgram, process::Process, within,
};
use rmcp::model::CallToolRequestParams;
use serde_json::json;

use crate::{cli, scene::Scene};

/// Where the server's own output goes.
fn stderr(scene: &Scene) -> PathBuf {
    scene.gateway.place().files().join("sse-server")
}

/// The server of the Python SDK; it prints its URL.
async fn python_server(scene: &Scene, token: Option<&str>) -> (Process, String) {
    let mut program = ExternalProgram::python("sse_server.py");
    if let Some(token) = token {
        program = program.env("AGENTPORT_TEST_TOKEN", token);
    }
    let mut process = program.start(&stderr(scene));
    let url = process.line().await.expect("it says where it listens");
    (process, url)
}

/// The server of the TypeScript SDK, which is told its port.
async fn everything_server(scene: &Scene, port: u16) -> Process {
    let program = ExternalProgram::package("@modelcontextprotocol/server-everything/dist/index.js")
        .args(["sse"])
        .env("PORT", port.to_string());
    let process = program.start(&stderr(scene));
    let listening = async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    within(SOON * 2, "the server listens", listening).await;
    process
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

#[tokio::test]
async fn the_python_sdks_server_is_added_by_url_and_called() {
    let scene = Scene::empty().await;
    let (_server, url) = python_server(&scene, None).await;
    let added = cli::owner(&scene).run(&format!("integrations add --id old --url {url}")).await;
    assert_eq!(added.code, Some(0), "{}{}", added.stdout, added.stderr);
    scene.owner.allow_all("old").await;

    let mut agent = scene.agent(Era::Legacy).await;
    let said = agent.call_tool("old", "echo", json!({"text": "from long ago"})).await.ran();
    assert_eq!(said.text, "from long ago");
    agent.call_tool("old", "steps", json!({})).await.ran();
    let heard = agent.heard("progress", |heard| heard.progress.len() >= 3).await;
    let steps: Vec<_> = heard.progress.iter().map(|step| step.progress).collect();
    assert_eq!(steps, [1.0, 2.0, 3.0]);
    assert_eq!(agent.call_tool("old", "ask", json!({})).await.ran().text, "someone");
    assert_eq!(agent.heard_so_far().asked, ["elicitation/create"]);
    agent.leave().await;

    // A restart of the gateway finds the transport in its database.
    let scene = scene.restart().await;
    let said = scene.wire.call_tool("old", "echo", json!({"text": "again"})).await.ran();
    assert_eq!(said.text, "again");
    scene.stop().await;
}

#[tokio::test]
async fn a_token_goes_with_the_stream_and_with_every_message() {
    let scene = Scene::empty().await;
    let (_server, url) = python_server(&scene, Some("fake-token-1")).await;
    let add = |token: &str| {
        json!({
            "id": "old",
            "connection": {
                "type": "remote_mcp", "url": url, "headers": {"Authorization": "Bearer {token}"},
            },
            "secrets": {"token": token},
        })
    };
    let refused =
        scene.owner.send(http::Method::POST, "/control/integrations", Some(add("wrong"))).await;
    assert!(!refused.status.is_success(), "{}", refused.text);
    assert!(refused.text.contains("401") && !refused.text.contains("wrong"), "{}", refused.text);
    scene.owner.add(add("fake-token-1")).await;
    scene.owner.allow_all("old").await;
    let said = scene.wire.call_tool("old", "echo", json!({"text": "let in"})).await.ran();
    assert_eq!(said.text, "let in");
    scene.stop().await;
}

#[tokio::test]
async fn the_typescript_sdks_server_is_reached_again_after_it_restarted() {
    let scene = Scene::empty().await;
    let port = free_port();
    let server = everything_server(&scene, port).await;
    scene.owner.add_remote("everything", &format!("http://127.0.0.1:{port}/sse")).await;
    scene.owner.allow_all("everything").await;
    let echo = async |message: &str| {
        scene.wire.call_tool("everything", "echo", json!({"message": message})).await
    };
    assert_eq!(echo("first").await.ran().text, "Echo: first");

    // What runs is told the truth, and the next call says that nobody answers.
    let mut agent = scene.agent(Era::Legacy).await;
    let peer = agent.peer().clone();
    let arguments = json!({
        "integration_id": "everything",
        "tool_name": "trigger-long-running-operation",
        "arguments": {"duration": 60, "steps": 60},
    });
    let arguments = arguments.as_object().cloned().expect("an object");
    let running =
        CallToolRequestParams::new("agentport__call_tool".to_owned()).with_arguments(arguments);
    let killed = async {
        agent.heard("progress of the call", |heard| !heard.progress.is_empty()).await;
        server.kill().await;
    };
    let (lost, ()) = tokio::join!(peer.call_tool(running), killed);
    let lost = Answer::from(lost.expect("an answer"));
    assert!(lost.refused().contains("stopped during the call"), "{}", lost.text);
    agent.leave().await;
    let refused = echo("second").await;
    assert!(refused.refused().contains("cannot be reached"), "{}", refused.text);

    let _server = everything_server(&scene, port).await;
    let view = scene.owner.integration("everything").await;
    assert!(matches!(view.health, Health::Failed { .. }), "{:?}", view.health);
    let restarted = cli::owner(&scene).run("integrations restart everything").await;
    assert_eq!(restarted.code, Some(0), "{}", restarted.stderr);
    assert_eq!(echo("third").await.ran().text, "Echo: third");
    scene.stop().await;
}
