//! Times of an agent's first call and last use.

use agentport_api::{Event, KeyView};
use agentport_tests::soon;
use http::{Method, StatusCode};
use serde_json::json;

use super::window::Window;

impl Window {
    async fn agent_view(&self, name: &str) -> KeyView {
        let list = self.read("/control/keys").await;
        let items = list["items"].as_array().expect("a list").iter();
        let found = items.filter(|view| view["name"] == name).cloned().next_back();
        serde_json::from_value(found.expect("the agent")).expect("a key")
    }
}

#[tokio::test]
async fn it_is_known_when_an_agent_first_called() {
    let window = Window::open().await;
    let key = window.key("caller").await;
    let agent = window.agent(&key);
    let before = window.agent_view("caller").await;
    assert_eq!((before.first_call_at, before.last_used_at), (None, None));
    // To look around is no call.
    assert_eq!(agent.get("/api/users/me").await.status, StatusCode::OK);
    let looked = window.agent_view("caller").await;
    assert_eq!(looked.first_call_at, None);
    let seen = looked.last_used_at.expect("it was here");

    agent.call_tool("demo", "list_notes", json!({})).await.ran();
    let first = window.agent_view("caller").await.first_call_at.expect("it has called");
    assert!(first >= seen);
    agent.call_tool("demo", "add_note", json!({ "text": "x" })).await.request();
    agent.call_tool("demo", "list_notes", json!({})).await.ran();
    let after = window.agent_view("caller").await;
    assert_eq!(after.first_call_at, Some(first));
    let last = after.last_used_at.expect("it was here");
    assert!(last >= first, "{last:?} {first:?}");

    // Shut out in this moment, it was here all the same.
    let mut events = window.gateway.events();
    agent.call_tool("demo", "list_notes", json!({})).await.ran();
    window.done(Method::DELETE, &format!("/control/keys/{}", key.id), None).await;
    let told = async { while events.recv().await.is_ok_and(|event| event != Event::Agents) {} };
    soon("the event", told).await;
    let gone = window.agent_view("caller").await;
    assert!(gone.revoked_at.is_some() && gone.last_used_at > Some(last), "{gone:?}");
    assert_eq!(gone.first_call_at, Some(first));
    let window = window.again().await;
    assert_eq!(window.agent_view("caller").await.last_used_at, gone.last_used_at);
    assert_eq!(window.agent_view("caller").await.first_call_at, Some(first));
    window.close().await;
}
