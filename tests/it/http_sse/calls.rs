//! Calls over an event stream: the same pipeline as at `/mcp`.

use agentport_api::GrantChoice;
use agentport_core::{approval::StateName, outcome::OutcomeKind};
use agentport_tests::{
    Agent, Answer, EventStream, Latch,
    http_sse::{hello, request},
};
use serde_json::{Value, json};

use crate::scene::Scene;

fn call(integration: &str, tool: &str, arguments: &Value) -> Value {
    json!({
        "name": "agentport__call_tool",
        "arguments": {"integration_id": integration, "tool_name": tool, "arguments": arguments},
    })
}

#[tokio::test]
async fn every_session_revision_is_spoken_and_lists_are_those_of_mcp() {
    let scene = Scene::empty().await;
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut stream = EventStream::open(&scene.wire, "").await;
        let answer = stream.ask(1, "initialize", hello(revision)).await;
        assert_eq!(answer["result"]["protocolVersion"], revision, "{answer}");
        assert_eq!(answer["result"]["serverInfo"]["name"], "agentport");
        stream.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        assert_eq!(stream.ask(2, "ping", json!({})).await["result"], json!({}));
        let listed = stream.ask(3, "tools/list", json!({})).await;
        let session = scene.wire.open_session().await;
        let own = scene.wire.clone().with("mcp-session-id", &session);
        let body = request(3, "tools/list", json!({}));
        assert_eq!(
            listed["result"]["tools"],
            own.post_mcp("/mcp", body.to_string()).await.json()["result"]["tools"]
        );
        let unknown = stream.ask(4, "tools/destroy", json!({})).await;
        assert_eq!(unknown["error"]["code"], -32601, "{unknown}");
    }
    let mut direct = EventStream::ready(&scene.wire, "?mode=direct").await;
    scene.owner.change("demo", json!({"default_mode": "allow"})).await;
    let tools = direct.ask(5, "tools/list", json!({})).await;
    let names: Vec<_> = tools["result"]["tools"]
        .as_array()
        .expect("tools")
        .iter()
        .map(|tool| &tool["name"])
        .collect();
    assert!(
        names.iter().any(|name| name.as_str().is_some_and(|name| name.starts_with("demo__"))),
        "{names:?}"
    );
    drop(direct);
    scene.stop().await;
}

#[tokio::test]
async fn a_call_asks_the_owner_and_is_recorded() {
    let scene = Scene::new().await;
    let mut stream = EventStream::ready(&scene.wire, "").await;
    let asked = stream.ask(1, "tools/call", call("fx", "counter", &json!({}))).await;
    let id = Answer::from_json(asked["result"].clone()).request();
    stream
        .say(&request(
            2,
            "tools/call",
            json!({
                "name": "agentport__await_approval", "arguments": {"request_id": id},
            }),
        ))
        .await;
    // Held, and others are answered meanwhile.
    stream.ask(3, "ping", json!({})).await;
    assert_eq!(scene.owner.one_pending().await.id, id);
    scene.owner.approve(id, GrantChoice::Once).await;
    let awaited = stream.until("the result", |message| message["id"] == 2).await;
    assert_eq!(Answer::from_json(awaited["result"].clone()).ran().text, "counted");
    assert_eq!(scene.runs("counter"), 1);
    let rows = scene.owner.activity("tool=counter").await.items;
    let row = rows.iter().find(|row| row.outcome == OutcomeKind::Ok).expect("a row");
    assert_eq!((row.approval, &row.agent_name), (Some(id), &"tester".to_owned()));

    // In direct mode the call itself is held.
    let mut direct = EventStream::ready(&scene.wire, "?mode=direct").await;
    direct.say(&request(1, "tools/call", json!({"name": "fx__counter", "arguments": {}}))).await;
    let pending = scene.owner.one_pending().await;
    scene.owner.deny(pending.id, Some("not today")).await;
    let denied = direct.until("the denial", |message| message["id"] == 1).await;
    let denied = Answer::from_json(denied["result"].clone());
    assert!(denied.refused().contains("not today"), "{}", denied.text);
    assert_eq!(scene.runs("counter"), 1);
    drop((stream, direct));
    scene.stop().await;
}

#[tokio::test]
async fn progress_logs_and_requests_of_the_upstream_pass() {
    let scene = Scene::open().await;
    let mut agent = Agent::connect_http_sse(EventStream::open(&scene.wire, "").await).await;
    agent.call_tool("fx", "test_tool_with_progress", json!({})).await.ran();
    let heard = agent.heard("progress", |heard| heard.progress.len() >= 3).await;
    assert!(
        heard.progress.windows(2).all(|two| two[0].progress < two[1].progress),
        "in order: {:?}",
        heard.progress
    );
    let sampled = agent.call_tool("fx", "test_sampling", json!({"prompt": "capital?"})).await.ran();
    assert_eq!(sampled.text, "LLM response: Paris");
    let elicited =
        agent.call_tool("fx", "test_elicitation", json!({"message": "who?"})).await.ran();
    assert!(
        elicited.text.contains("accept") && elicited.text.contains("someone"),
        "{}",
        elicited.text
    );
    assert_eq!(agent.heard_so_far().asked, ["sampling/createMessage", "elicitation/create"]);
    agent.leave().await;

    let mut stream = EventStream::ready(&scene.wire, "").await;
    stream.ask(1, "logging/setLevel", json!({"level": "debug"})).await;
    stream.say(&request(2, "tools/call", call("fx", "test_tool_with_logging", &json!({})))).await;
    let mut before = 0;
    loop {
        let message = stream.message().await.expect("a message");
        if message["method"] == "notifications/message" {
            before += 1;
        } else {
            assert_eq!(message["id"], 2, "{message}");
            break;
        }
    }
    assert!(before >= 3, "the log comes before the result: {before}");
    drop(stream);
    scene.stop().await;
}

#[tokio::test]
async fn results_are_those_of_mcp() {
    let scene = Scene::open().await;
    let session = scene.wire.open_session().await;
    let own = scene.wire.clone().with("mcp-session-id", &session);
    let mut stream = EventStream::ready(&scene.wire, "").await;
    for (number, tool) in
        ["image", "fail", "test_multiple_content_types", "test_audio_content", "rpc_error"]
            .into_iter()
            .enumerate()
    {
        let id = i64::try_from(number).expect("few") + 10;
        let params = call("fx", tool, &json!({}));
        let there = own
            .post_mcp("/mcp", request(id, "tools/call", params.clone()).to_string())
            .await
            .json();
        assert_eq!(stream.ask(id, "tools/call", params).await, there, "{tool}");
    }
    drop(stream);
    scene.stop().await;
}

#[tokio::test]
async fn a_cancelled_call_ends_and_its_session_goes_on() {
    let scene = Scene::open().await;
    let latch = Latch::new().await;
    let mut stream = EventStream::ready(&scene.wire, "").await;
    stream.say(&request(7, "tools/call", call("fx", "hold", &latch.arguments()))).await;
    let held = latch.begun().await;
    stream.say(&json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7, "reason": "enough"},
    })).await;
    held.cancelled().await;
    stream.ask(8, "ping", json!({})).await;
    drop(stream);
    scene.stop().await;
}

#[tokio::test]
async fn running_calls_are_cancelled_when_the_stream_closes() {
    let scene = Scene::open().await;
    let latch = Latch::new().await;
    let stream = EventStream::ready(&scene.wire, "").await;
    stream.say(&request(7, "tools/call", call("fx", "hold", &latch.arguments()))).await;
    let held = latch.begun().await;
    drop(stream);
    held.cancelled().await;
    scene.stop().await;
}

#[tokio::test]
async fn an_approved_call_outlives_the_stream() {
    let scene = Scene::new().await;
    let latch = Latch::new().await;
    let mut stream = EventStream::ready(&scene.wire, "").await;
    let asked = stream.ask(1, "tools/call", call("fx", "hold", &latch.arguments())).await;
    let id = Answer::from_json(asked["result"].clone()).request();
    scene.owner.approve(id, GrantChoice::Once).await;
    let awaiting = json!({"name": "agentport__await_approval", "arguments": {"request_id": id}});
    stream.say(&request(2, "tools/call", awaiting.clone())).await;
    let held = latch.begun().await;
    drop(stream);
    held.let_go().await;
    scene.owner.approval_until(id, StateName::Done).await;
    let mut stream = EventStream::ready(&scene.wire, "").await;
    let awaited = stream.ask(1, "tools/call", awaiting).await;
    assert_eq!(Answer::from_json(awaited["result"].clone()).ran().text, "let go");
    assert_eq!(scene.runs("hold"), 1);
    drop(stream);
    scene.stop().await;
}
