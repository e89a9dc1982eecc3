//! All five MCP revisions on one URL, with and without sessions.

use agentport_tests::{Era, soon, wire::Reply};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::scene::Scene;

async fn initialize(scene: &Scene, revision: &str) -> Reply {
    let hello = json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": {
        "protocolVersion": revision,
        "capabilities": {},
        "clientInfo": {"name": "wire", "version": "1"},
    }});
    scene.wire.post_mcp("/mcp", hello.to_string()).await
}

#[tokio::test]
async fn every_revision_is_spoken() {
    let scene = Scene::empty().await;
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let reply = initialize(&scene, revision).await;
        let result = &reply.json()["result"];
        assert_eq!(result["protocolVersion"], revision);
        assert_eq!(result["serverInfo"]["name"], "agentport");
        let instructions = result["instructions"].as_str().expect("instructions");
        assert!(
            instructions.contains("approval") && instructions.contains("blocked"),
            "{instructions}"
        );
    }
    let unknown = initialize(&scene, "1999-01-01").await;
    assert_eq!(unknown.json()["result"]["protocolVersion"], "2025-11-25", "{}", unknown.text);

    let discovered = scene.wire.rpc("server/discover", json!({})).await;
    let versions = discovered["supportedVersions"].as_array().expect("versions");
    assert!(versions.contains(&json!("2026-07-28")), "{discovered}");
    assert!(discovered["instructions"].as_str().is_some_and(|text| text.contains("approval")));
    for era in [Era::Legacy, Era::Modern] {
        let agent = scene.agent(era).await;
        assert_eq!(agent.tools().await.len(), 12, "{era:?}");
        agent.leave().await;
    }
    scene.stop().await;
}

#[tokio::test]
async fn a_session_belongs_to_its_key() {
    let scene = Scene::empty().await;
    let session = scene.wire.open_session().await;
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    let own = scene.wire.clone().with("mcp-session-id", &session);
    assert_eq!(own.post_mcp("/mcp", list.clone()).await.status, StatusCode::OK);
    let other = scene.another().await.with("mcp-session-id", &session);
    assert_eq!(other.post_mcp("/mcp", list.clone()).await.status, StatusCode::NOT_FOUND);
    let get = other.request(Method::GET, "/mcp").header("accept", "text/event-stream");
    assert_eq!(other.send(get).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        other.send(other.request(Method::DELETE, "/mcp")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        own.post_mcp("/mcp", list.clone()).await.status,
        StatusCode::OK,
        "still there for its owner"
    );

    let unknown = scene.wire.clone().with("mcp-session-id", "no-such-session");
    assert_eq!(unknown.post_mcp("/mcp", list.clone()).await.status, StatusCode::NOT_FOUND);
    assert!(own.send(own.request(Method::DELETE, "/mcp")).await.status.is_success());
    assert_eq!(own.post_mcp("/mcp", list).await.status, StatusCode::NOT_FOUND);
    scene.stop().await;
}

#[tokio::test]
async fn a_session_outlives_a_restart() {
    let scene = Scene::open().await;
    let session = scene.wire.open_session().await;
    let other = scene.another().await;
    let scene = scene.restart().await;
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "agentport__call_tool",
        "arguments": {"integration_id": "fx", "tool_name": "echo", "arguments": {"text": "still here"}},
    }})
    .to_string();
    let own = scene.wire.clone().with("mcp-session-id", &session);
    let reply = own.post_mcp("/mcp", call.clone()).await;
    assert_eq!(reply.json()["result"]["content"][0]["text"], "still here", "{}", reply.text);
    let thief = other.with("mcp-session-id", &session);
    assert_eq!(thief.post_mcp("/mcp", call).await.status, StatusCode::NOT_FOUND);
    scene.stop().await;
}

#[tokio::test]
async fn list_changes_are_notified() {
    let scene = Scene::empty().await;
    let key = scene.owner.create_key("direct").await;
    let url = format!("{}?mode=direct", scene.gateway.said.mcp_url);
    let mut legacy = agentport_tests::Agent::connect(&url, &key.key, Era::Legacy).await;
    let modern = agentport_tests::Agent::connect(&url, &key.key, Era::Modern).await;
    let filter: rmcp::model::SubscriptionFilter =
        serde_json::from_value(json!({"toolsListChanged": true})).expect("a filter");
    let mut subscription =
        soon("the subscription", modern.peer().listen(filter)).await.expect("it is accepted");
    let before = legacy.tools().await.len();
    scene.add_fixture("fx").await;
    legacy.heard("tools/list_changed", |heard| heard.tool_list_changes > 0).await;
    soon("the modern notification", subscription.next())
        .await
        .expect("it goes on")
        .expect("a notification");
    assert!(legacy.tools().await.len() > before);
    drop(subscription);
    legacy.leave().await;
    modern.leave().await;
    scene.stop().await;
}

#[tokio::test]
async fn ping_and_unknown_methods() {
    let scene = Scene::empty().await;
    let session = scene.wire.open_session().await;
    let own = scene.wire.clone().with("mcp-session-id", &session);
    let ask = async |method: &str| {
        let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": {}});
        own.post_mcp("/mcp", body.to_string()).await.json()
    };
    assert_eq!(ask("ping").await["result"], json!({}));
    let unknown = ask("tools/destroy").await;
    assert_eq!(
        (unknown["error"]["code"].as_i64(), unknown["id"].as_i64()),
        (Some(-32601), Some(7))
    );
    let reply = scene.wire.send(scene.wire.modern("/mcp", "tools/destroy", json!({}))).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(reply.json()["error"]["code"], Value::from(-32601));
    scene.stop().await;
}
