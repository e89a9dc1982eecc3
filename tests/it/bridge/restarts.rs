//! Restarts of the gateway, invisible to the client.

use agentport_api::GrantChoice;
use agentport_tests::{Gateway, Latch, Owner, StdioClient, gateway::Setup, stdio::modern};
use serde_json::json;

use super::eras::legacy;
use crate::scene::Scene;

/// Ended as by a power cut, and started again on the same home, where the port is another.
async fn killed_and_back(gateway: Gateway) -> (Gateway, Owner) {
    let setup = gateway.kill().await;
    let gateway = Setup { port: 0, ..setup }.start().await;
    let owner = gateway.owner().await;
    (gateway, owner)
}

#[tokio::test]
async fn in_the_middle_of_awaiting_an_approval() {
    let scene = Scene::new().await;
    let mut old = legacy(&scene).await;
    let mut new = StdioClient::bridge_to(&scene.gateway, &scene.key.key);
    let id = old.call_tool("fx", "counter", json!({})).await.request();
    let wait = |token: bool| {
        let mut params =
            json!({"name": "agentport__await_approval", "arguments": {"request_id": id}});
        if token {
            params["_meta"] = json!({"progressToken": "t"});
        }
        params
    };
    // Held without a sign of life, held with progress on a stream, and held in the newest revision.
    let quiet = old.send("tools/call", wait(false)).await;
    let lively = old.send("tools/call", wait(true)).await;
    let modern = new.send("tools/call", modern(wait(true))).await;
    old.next_message_of_method("notifications/progress").await;
    new.next_message_of_method("notifications/progress").await;
    let (gateway, owner) = killed_and_back(scene.gateway).await;
    owner.approve(id, GrantChoice::Once).await;
    for answer in [old.answer(&quiet).await, old.answer(&lively).await, new.answer(&modern).await] {
        assert_eq!(answer["result"]["content"][0]["text"], "counted", "{answer}");
    }
    let runs = agentport_tests::upstream::lines(gateway.place().files().join("fx/counter"));
    assert_eq!(runs, 1, "and it ran once");
    gateway.stop().await;
}

/// A directly listed tool that waits for the owner: the same call, made again, is the same request.
#[tokio::test]
async fn in_the_middle_of_a_held_call() {
    let scene = Scene::new().await;
    let profile =
        json!({"name": "direct", "integrations": ["fx"], "mode": "direct", "naming": "bare"});
    scene.owner.put_profile("direct", profile).await;
    let key = scene.owner.create_key_with(json!({"name": "direct", "profile": "direct"})).await;
    let mut client = StdioClient::bridge_to(&scene.gateway, &key.key);
    client.open("2025-11-25", json!({})).await;
    let call = json!({"name": "counter", "arguments": {}});
    let id = client.send("tools/call", call.clone()).await;
    let request = scene.owner.one_pending().await.id;
    let (gateway, owner) = killed_and_back(scene.gateway).await;
    let told = agentport_tests::Answer::from_json(client.answer(&id).await["result"].clone());
    assert!(told.refused().contains("repeated with the same arguments"), "{}", told.text);
    // As it was told to.
    let again = client.send("tools/call", call).await;
    let waiting =
        async || (owner.keys().await.iter().any(|key| key.last_used_at.is_some())).then_some(());
    owner.until("the call is there", waiting).await;
    assert_eq!(owner.one_pending().await.id, request, "the same request");
    owner.approve(request, GrantChoice::Once).await;
    let answer = client.answer(&again).await;
    assert_eq!(answer["result"]["content"][0]["text"], "counted", "{answer}");
    let runs = agentport_tests::upstream::lines(gateway.place().files().join("fx/counter"));
    assert_eq!(runs, 1);
    gateway.stop().await;
}

#[tokio::test]
async fn in_the_middle_of_a_running_call() {
    let scene = Scene::open().await;
    let latch = Latch::new().await;
    let mut old = legacy(&scene).await;
    let mut new = StdioClient::bridge_to(&scene.gateway, &scene.key.key);
    let call = json!({
        "name": "agentport__call_tool",
        "arguments": {"integration_id": "fx", "tool_name": "hold", "arguments": latch.arguments()},
    });
    let first = old.send("tools/call", call.clone()).await;
    let held = [latch.begun().await, {
        new.send("tools/call", modern(call)).await;
        latch.begun().await
    }];
    let (gateway, _owner) = killed_and_back(scene.gateway).await;
    let told = old.answer(&first).await;
    let modern_told = new.hear().await;
    for told in [told, modern_told] {
        let told = agentport_tests::Answer::from_json(told["result"].clone());
        assert!(told.refused().contains("Activity"), "{}", told.text);
    }
    drop(held);
    // The session goes on, and nothing runs twice.
    let echo = old.call_tool("fx", "echo", json!({"text": "still here"})).await.ran();
    assert_eq!(echo.text, "still here");
    assert!(!latch.another_has_begun(), "it does not run again");
    gateway.stop().await;
}

#[tokio::test]
async fn requests_during_a_restart_wait() {
    let scene = Scene::open().await;
    let mut client = legacy(&scene).await;
    let mut listener = StdioClient::bridge_to(&scene.gateway, &scene.key.key);
    let listen = json!({"notifications": {"toolsListChanged": true}});
    listener.send("subscriptions/listen", modern(listen)).await;
    listener.next_message_of_method("notifications/subscriptions/acknowledged").await;
    client.call_tool("fx", "echo", json!({"text": "before"})).await.ran();
    let setup = scene.gateway.kill().await;
    let arguments =
        json!({"integration_id": "fx", "tool_name": "echo", "arguments": {"text": "meanwhile"}});
    let call = json!({"name": "agentport__call_tool", "arguments": arguments});
    let call = client.send("tools/call", call).await;
    let list = client.send("tools/list", json!({})).await;
    let gateway = Setup { port: 0, ..setup }.start().await;
    // Nothing of the call had left, so it is sent.
    let answer = client.answer(&call).await;
    assert_eq!(answer["result"]["content"][0]["text"], "meanwhile", "{answer}");
    assert!(client.answer(&list).await["result"]["tools"].is_array());
    client.next_message_of_method("notifications/tools/list_changed").await;
    // The subscription is the same, and was acknowledged once.
    let told = listener.hear().await;
    assert_eq!(told["method"], "notifications/tools/list_changed", "{told}");
    gateway.stop().await;
}

/// Ended in good order, the gateway answers what is held and lets go of the rest.
#[tokio::test]
async fn a_restart_in_good_order() {
    let scene = Scene::new().await;
    let mut client = legacy(&scene).await;
    let id = client.call_tool("fx", "counter", json!({})).await.request();
    let wait = json!({"name": "agentport__await_approval", "arguments": {"request_id": id}});
    let waiting = client.send("tools/call", wait.clone()).await;
    let scene = scene.restart().await;
    let mut told = client.answer(&waiting).await["result"]["content"][0]["text"].clone();
    if told.as_str().is_some_and(|text| text.contains("Still pending")) {
        scene.owner.approve(id, GrantChoice::Once).await;
        told = client.ask("tools/call", wait).await["content"][0]["text"].clone();
    }
    assert_eq!(told, "counted");
    scene.stop().await;
}
