//! The event stream is the session: whose it is, and when it ends.

use agentport_tests::{
    EventStream, Wire,
    http_sse::{post, request},
    soon,
};
use http::{Method, StatusCode};
use serde_json::json;

use crate::scene::Scene;

fn ping(id: i64) -> String {
    request(id, "ping", json!({})).to_string()
}

#[tokio::test]
async fn sessions_of_two_agents_are_kept_apart() {
    let scene = Scene::open().await;
    let other_wire = scene.another().await;
    let mut own = EventStream::ready(&scene.wire, "").await;
    let mut other = EventStream::ready(&other_wire, "").await;
    assert_ne!(own.session, other.session);
    let refused = post(&other_wire, &own.endpoint, ping(1)).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.text);
    let nobody = post(&Wire::new(scene.gateway.base()), &own.endpoint, ping(1)).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{}", nobody.text);
    let unknown = post(&scene.wire, "/messages?sessionId=no-such-session", ping(1)).await;
    assert_eq!(
        (unknown.status, unknown.text),
        (refused.status, refused.text),
        "nothing is revealed"
    );

    // The same ids on both, each answered on its own stream.
    for (stream, text) in [(&mut own, "mine"), (&mut other, "theirs")] {
        let params = json!({
            "name": "agentport__call_tool",
            "arguments": {"integration_id": "fx", "tool_name": "echo", "arguments": {"text": text}},
        });
        let answer = stream.ask(5, "tools/call", params).await;
        assert_eq!(answer["result"]["content"][0]["text"], text, "{answer}");
    }
    // A session of one transport is none of the other's.
    let elsewhere = scene.wire.clone().with("mcp-session-id", &own.session);
    assert_eq!(elsewhere.post_mcp("/mcp", ping(1)).await.status, StatusCode::NOT_FOUND);
    let session = scene.wire.open_session().await;
    let elsewhere = post(&scene.wire, &format!("/messages?sessionId={session}"), ping(1)).await;
    assert_eq!(elsewhere.status, StatusCode::NOT_FOUND);
    own.ask(6, "ping", json!({})).await;
    drop((own, other));
    scene.stop().await;
}

#[tokio::test]
async fn session_ids_cannot_be_guessed() {
    let scene = Scene::empty().await;
    let mut ids = Vec::new();
    for _ in 0..8 {
        let stream = EventStream::open(&scene.wire, "").await;
        assert_eq!(stream.session.len(), 43, "256 bits in base64: {}", stream.session);
        ids.push(stream.session);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 8);
    assert!(ids.windows(2).all(|two| two[0][..8] != two[1][..8]), "{ids:?}");
    scene.stop().await;
}

#[tokio::test]
async fn a_revoked_key_closes_the_stream() {
    let scene = Scene::empty().await;
    let stream = EventStream::ready(&scene.wire, "").await;
    let mut other = EventStream::ready(&scene.another().await, "").await;
    let endpoint = stream.endpoint.clone();
    scene.owner.revoke(&scene.key).await;
    stream.ended().await;
    assert_eq!(post(&scene.wire, &endpoint, ping(1)).await.status, StatusCode::UNAUTHORIZED);
    assert!(EventStream::try_open(&scene.wire, "/sse").await.is_err());
    other.ask(1, "ping", json!({})).await;
    drop(other);
    scene.stop().await;
}

#[tokio::test]
async fn a_session_ends_with_its_stream_and_with_the_gateway() {
    let scene = Scene::empty().await;
    let stream = EventStream::ready(&scene.wire, "").await;
    let endpoint = stream.endpoint.clone();
    drop(stream);
    let gone = async || {
        (post(&scene.wire, &endpoint, ping(1)).await.status == StatusCode::NOT_FOUND).then_some(())
    };
    scene.owner.until("the session is gone", gone).await;

    let stream = EventStream::ready(&scene.wire, "").await;
    let endpoint = stream.endpoint.clone();
    let (scene, ()) = tokio::join!(scene.restart(), stream.ended());
    assert_eq!(post(&scene.wire, &endpoint, ping(1)).await.status, StatusCode::NOT_FOUND);
    EventStream::ready(&scene.wire, "").await.ask(1, "ping", json!({})).await;
    scene.stop().await;
}

#[tokio::test]
async fn list_changes_and_resource_updates_come_on_the_stream() {
    let scene = Scene::empty().await;
    let mut direct = EventStream::ready(&scene.wire, "?mode=direct").await;
    let mut meta = EventStream::ready(&scene.wire, "").await;
    scene.add_fixture("fx").await;
    scene.owner.change("fx", json!({"default_mode": "allow", "resources": true})).await;
    direct
        .until("tools/list_changed", |message| {
            message["method"] == "notifications/tools/list_changed"
        })
        .await;
    direct
        .until("resources/list_changed", |message| {
            message["method"] == "notifications/resources/list_changed"
        })
        .await;
    let listed = direct.ask(1, "tools/list", json!({})).await;
    assert!(listed.to_string().contains("fx__echo"), "{listed}");

    let resources = direct.ask(2, "resources/list", json!({})).await;
    let watched = resources["result"]["resources"]
        .as_array()
        .expect("resources")
        .iter()
        .filter_map(|resource| resource["uri"].as_str())
        .find(|uri| uri.contains("watched"))
        .unwrap_or_else(|| panic!("none to watch: {resources}"))
        .to_owned();
    let answer = direct.ask(3, "resources/subscribe", json!({"uri": watched})).await;
    assert_eq!(answer["result"], json!({}), "{answer}");
    direct.ask(4, "tools/call", json!({"name": "fx__touch", "arguments": {"uri": watched}})).await;
    let updated = direct
        .until("resources/updated", |message| {
            message["method"] == "notifications/resources/updated"
        })
        .await;
    assert_eq!(updated["params"]["uri"], watched, "{updated}");

    // The agent of the meta tools has the same list as before, and hears nothing of it.
    meta.say(&request(1, "ping", json!({}))).await;
    let first = meta.message().await.expect("a message");
    assert_eq!(first["id"], 1, "{first}");
    drop((direct, meta));
    scene.stop().await;
}

#[tokio::test]
async fn messages_follow_the_profile_the_owner_gives_meanwhile() {
    let scene = Scene::open().await;
    let key = scene.owner.create_key("moved").await;
    let mut stream = EventStream::ready(&scene.gateway.wire(&key), "").await;
    let installed = json!({"name": "agentport__list_installed_integrations", "arguments": {}});
    let before = stream.ask(1, "tools/call", installed.clone()).await;
    assert!(before.to_string().contains("\"fx\"") || before.to_string().contains("fx"), "{before}");
    scene.owner.put_profile("none", json!({"name": "none", "integrations": []})).await;
    let change = json!({"profile": "none"});
    let reply =
        scene.owner.send(Method::PATCH, &format!("/control/keys/{}", key.id), Some(change)).await;
    assert!(reply.status.is_success(), "{}", reply.text);
    let after = stream.ask(2, "tools/call", installed).await;
    assert!(!after.to_string().contains("fx"), "{after}");
    drop(stream);
    scene.stop().await;
}

#[tokio::test]
async fn the_stream_is_kept_alive_by_comments() {
    let scene = Scene::empty().await;
    let request = scene.wire.request(Method::GET, "/sse").header("accept", "text/event-stream");
    let mut response = request.send().await.expect("an answer");
    assert_eq!(response.headers()["cache-control"], "no-cache, no-transform");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let mut text = String::new();
    while !text.contains("\n:\n\n") {
        let chunk = soon("a comment", response.chunk()).await.expect("a part").expect("it goes on");
        text.push_str(std::str::from_utf8(&chunk).expect("Unicode"));
    }
    assert!(text.starts_with("event: endpoint\ndata: messages?sessionId="), "{text}");
    drop(response);
    scene.stop().await;
}
