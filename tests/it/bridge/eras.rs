//! The bridge behaves like HTTP for the client, in every revision.

use std::time::Duration;

use agentport_tests::{
    Latch, StdioClient,
    stdio::{bridge_errors, modern},
};
use serde_json::{Value, json};

use crate::scene::Scene;

/// A client of the scene's agent, in a session.
pub(super) async fn legacy(scene: &Scene) -> StdioClient {
    let mut client = StdioClient::bridge_to(&scene.gateway, &scene.key.key);
    client.open("2025-11-25", json!({})).await;
    client
}

#[tokio::test]
async fn every_revision_is_spoken() {
    let scene = Scene::open().await;
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut client = StdioClient::bridge_to(&scene.gateway, &scene.key.key);
        let hello = client.open(revision, json!({})).await;
        assert_eq!(hello["protocolVersion"], revision);
        assert_eq!(hello["serverInfo"]["name"], "agentport");
        let tools = client.ask("tools/list", json!({})).await;
        assert_eq!(tools["tools"].as_array().map(Vec::len), Some(12), "{tools}");
        let echo = client.call_tool("fx", "echo", json!({"text": revision})).await.ran();
        assert_eq!(echo.text, revision);
        assert_eq!(client.ask("ping", json!({})).await, json!({}));
        let unknown = client.ask("tools/destroy", json!({})).await;
        assert_eq!(unknown["error"]["code"], -32601, "{unknown}");
        assert!(client.leave().await.0.success());
    }
    let mut client = StdioClient::bridge_to(&scene.gateway, &scene.key.key);
    let discovered = client.ask("server/discover", modern(json!({}))).await;
    let versions = discovered["supportedVersions"].as_array().expect("versions");
    assert!(versions.contains(&json!("2026-07-28")), "{discovered}");
    let tools = client.ask("tools/list", modern(json!({}))).await;
    assert_eq!(tools["resultType"], "complete", "{tools}");
    let call = json!({
        "name": "agentport__call_tool",
        "arguments": {"integration_id": "fx", "tool_name": "echo", "arguments": {"text": "new"}},
    });
    let echo = client.ask("tools/call", modern(call)).await;
    assert_eq!(echo["content"][0]["text"], "new", "{echo}");
    let unknown = client.ask("tools/destroy", modern(json!({}))).await;
    assert_eq!(unknown["error"]["code"], -32601, "{unknown}");
    assert!(client.leave().await.0.success());
    assert_eq!(bridge_errors(&scene.gateway.setup), "", "nothing is said unless asked");
    scene.stop().await;
}

#[tokio::test]
async fn messages_pass_as_they_were_written() {
    let scene = Scene::open().await;
    let mut client = legacy(&scene).await;
    for number in ["1", "1.0", "9007199254740993", "-0.5", "18446744073709551615"] {
        let line = format!(
            r#"{{"method":"tools/call","params":{{"name":"agentport__call_tool","arguments":{{"integration_id":"fx","tool_name":"inspect","arguments":{{"n":{number},"u":"a\u00e9"}}}}}},"jsonrpc":"2.0","id":"\u0061b"}}"#
        );
        client.write(format!("{line}\r\n").as_bytes()).await;
        let answer = client.line().await.expect("an answer");
        assert!(answer.contains(&format!(r#"\"n\":{number}"#)), "{number}: {answer}");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(answer["id"], "ab");
    }
    scene.stop().await;
}

#[tokio::test]
async fn progress_comes_before_its_answer() {
    let scene = Scene::open().await;
    let call = |token: &str| {
        json!({
            "name": "agentport__call_tool",
            "arguments": {"integration_id": "fx", "tool_name": "test_tool_with_progress", "arguments": {}},
            "_meta": {"progressToken": token},
        })
    };
    let mut old = legacy(&scene).await;
    let mut new = StdioClient::bridge_to(&scene.gateway, &scene.key.key);
    for (client, params) in [(&mut old, call("p")), (&mut new, modern(call("p")))] {
        let id = client.send("tools/call", params).await;
        let mut progress = Vec::new();
        loop {
            let message = client.hear().await;
            if message["id"] == id {
                assert!(message.get("result").is_some(), "{message}");
                break;
            }
            if message["method"] == "notifications/progress" {
                assert_eq!(message["params"]["progressToken"], "p");
                progress.push(message["params"]["progress"].as_f64().expect("a number"));
            }
        }
        assert!(progress.len() >= 3 && progress.is_sorted(), "{progress:?}");
    }
    scene.stop().await;
}

#[tokio::test]
async fn a_server_asks_through_us() {
    let scene = Scene::open().await;
    let mut client = StdioClient::bridge_to(&scene.gateway, &scene.key.key);
    client.open("2025-11-25", json!({"elicitation": {}, "sampling": {}})).await;
    let call = json!({
        "name": "agentport__call_tool",
        "arguments": {"integration_id": "fx", "tool_name": "test_elicitation", "arguments": {"message": "who?"}},
    });
    let id = client.send("tools/call", call).await;
    let asked = client.next_message_of_method("elicitation/create").await;
    assert_eq!(asked["params"]["message"], "who?");
    // What lies between does not wait for the answer.
    assert_eq!(client.ask("ping", json!({})).await, json!({}));
    let content = json!({"username": "ada", "email": "ada@example.org"});
    let answer = json!({"action": "accept", "content": content});
    client.say(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": answer})).await;
    let answer = client.answer(&id).await;
    let text = answer["result"]["content"][0]["text"].as_str().expect("text");
    assert!(text.contains("accept") && text.contains("ada"), "{answer}");
    scene.stop().await;
}

#[tokio::test]
async fn a_slow_call_delays_no_other_and_can_be_cancelled() {
    let scene = Scene::open().await;
    let mut old = legacy(&scene).await;
    let mut new = StdioClient::bridge_to(&scene.gateway, &scene.key.key);
    let latch = Latch::new().await;
    let call = json!({
        "name": "agentport__call_tool",
        "arguments": {"integration_id": "fx", "tool_name": "hold", "arguments": latch.arguments()},
    });
    for (client, call, list) in
        [(&mut old, call.clone(), json!({})), (&mut new, modern(call), modern(json!({})))]
    {
        let id = client.send("tools/call", call.clone()).await;
        let held = latch.begun().await;
        assert!(client.ask("tools/list", list.clone()).await["tools"].is_array());
        let cancel = json!({"requestId": id, "reason": "enough"});
        client
            .say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel}))
            .await;
        held.cancelled().await;
        assert!(client.ask("tools/list", list).await["tools"].is_array());
        // One that is not cancelled is answered.
        let id = client.send("tools/call", call).await;
        latch.begun().await.let_go().await;
        assert_eq!(client.answer(&id).await["result"]["content"][0]["text"], "let go");
    }
    scene.stop().await;
}

/// An agent that sees the fixture's tools by name.
async fn direct_key(scene: &Scene) -> String {
    let profile =
        json!({"name": "direct", "integrations": ["fx"], "mode": "direct", "naming": "bare"});
    scene.owner.put_profile("direct", profile).await;
    scene.owner.create_key_with(json!({"name": "direct", "profile": "direct"})).await.key
}

#[tokio::test]
async fn list_changes_are_notified() {
    let scene = Scene::empty().await;
    let mut old = legacy(&scene).await;
    let key = scene.owner.create_key("direct").await;
    let profile = json!({"name": "direct", "mode": "direct"});
    scene.owner.put_profile("direct", profile).await;
    let path = format!("/control/keys/{}", key.id);
    scene.owner.send(http::Method::PATCH, &path, Some(json!({"profile": "direct"}))).await;
    let mut direct = StdioClient::bridge_to(&scene.gateway, &key.key);
    direct.open("2025-11-25", json!({})).await;
    assert!(direct.ask("tools/list", json!({})).await["tools"].is_array());
    let mut new = StdioClient::bridge_to(&scene.gateway, &key.key);
    let listen = json!({"notifications": {"toolsListChanged": true}});
    let id = new.send("subscriptions/listen", modern(listen)).await;
    let acknowledged = new.next_message_of_method("notifications/subscriptions/acknowledged").await;
    let subscription = "/params/_meta/io.modelcontextprotocol~1subscriptionId";
    assert_eq!(acknowledged.pointer(subscription), Some(&id), "{acknowledged}");
    scene.add_fixture("fx").await;
    direct.next_message_of_method("notifications/tools/list_changed").await;
    let told = new.next_message_of_method("notifications/tools/list_changed").await;
    assert_eq!(told.pointer(subscription), Some(&id), "{told}");
    assert_eq!(old.ask("ping", json!({})).await, json!({}));
    scene.stop().await;
}

#[tokio::test]
async fn annotated_arguments_are_sent_as_headers() {
    let scene = Scene::empty().await;
    scene.owner.add_fixture("fx", &["--era", "modern"]).await;
    scene.owner.allow_all("fx").await;
    let key = direct_key(&scene).await;
    let call =
        |value: &str| modern(json!({"name": "test_custom_header", "arguments": {"value": value}}));
    // It never listed the tools itself: what the gateway misses is looked up.
    let mut client = StdioClient::bridge_to(&scene.gateway, &key);
    for value in ["plain", "Grüße ", ""] {
        let answer = client.ask("tools/call", call(value)).await;
        assert_eq!(answer["content"][0]["text"], value, "{answer}");
    }
    let tools: Value = client.ask("tools/list", modern(json!({}))).await;
    assert!(tools.to_string().contains("x-mcp-header"), "the fixture has such a tool");
    let answer = client.ask("tools/call", call("listed")).await;
    assert_eq!(answer["content"][0]["text"], "listed", "{answer}");
    let (status, took) = client.leave().await;
    assert!(status.success() && took < Duration::from_secs(1), "{status} after {took:?}");
    scene.stop().await;
}
