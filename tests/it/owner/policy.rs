//! Changing, removing and restoring rules.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::window::Window;

fn id_of(rule: &Value) -> String {
    rule["rule"]["id"].as_str().expect("an id").to_owned()
}

async fn set(window: &Window, tool: &str, mode: &str, agent: Option<&str>) -> Value {
    let body = json!({ "integration": "demo", "tool": tool, "mode": mode, "agent": agent });
    window.ask(Method::PUT, "/control/policy", Some(body)).await
}

async fn rules(window: &Window) -> Vec<Value> {
    let list = window.read("/control/policy").await;
    list["items"].as_array().expect("a list").clone()
}

async fn find(window: &Window, id: &str) -> Option<Value> {
    rules(window).await.into_iter().find(|view| view["rule"]["id"] == id)
}

#[tokio::test]
async fn a_rule_is_changed_and_keeps_its_name() {
    let window = Window::open().await;
    let key = window.key("agent").await;
    let agent = window.agent(&key);
    let rule = set(&window, "add_note", "deny", None).await;
    let id = id_of(&rule);
    let path = format!("/control/policy/{id}");
    let change =
        async |body: Value| -> Value { window.ask(Method::PATCH, &path, Some(body)).await };

    let allowed = change(json!({ "mode": "allow" })).await;
    assert_eq!(id_of(&allowed), id);
    assert!(allowed["rule"]["digest"].is_string(), "an allow is for a definition: {allowed}");
    agent.call_tool("demo", "add_note", json!({ "text": "allowed" })).await.ran();
    let bound = change(json!({ "agent": key.id, "expires_at": "2999-01-31T12:00:00Z" })).await;
    assert_eq!(bound["agent_name"], "agent");
    assert_eq!(
        bound["sentence"],
        "agent may use add_note in Demo notes, until 2999-01-31 12:00 UTC"
    );
    let lasting = change(json!({ "agent": "every", "expires_at": "never" })).await;
    assert_eq!(lasting["sentence"], "Every agent may use add_note in Demo notes");
    let asks = change(json!({ "mode": "require_approval" })).await;
    assert_eq!(asks["rule"]["digest"], Value::Null);
    agent.call_tool("demo", "add_note", json!({ "text": "asks" })).await.request();

    let zeros = "0".repeat(64);
    for (body, status) in [
        (json!({ "mode": "allow", "digest": zeros }), StatusCode::CONFLICT),
        (json!({ "expires_at": "2001-01-01T00:00:00Z" }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "expires_at": "soon" }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "agent": "nobody" }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "agent": uuid::Uuid::new_v4() }), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        window.refused(Method::PATCH, &path, body, status).await;
    }
    assert_eq!(find(&window, &id).await.expect("it is there")["rule"], asks["rule"]);
    let gone = format!("/control/policy/{}", uuid::Uuid::new_v4());
    window.refused(Method::PATCH, &gone, json!({}), StatusCode::NOT_FOUND).await;

    let audit = window.read("/control/audit?limit=50").await.to_string();
    assert!(audit.contains("policy.changed"), "{audit}");
    window.close().await;
}

#[tokio::test]
async fn a_removed_rule_comes_back_once() {
    let window = Window::open().await;
    let rule = set(&window, "add_note", "allow", None).await;
    let id = id_of(&rule);
    let path = format!("/control/policy/{id}");
    let restore = format!("{path}/restore");
    window.refused(Method::POST, &restore, Value::Null, StatusCode::NOT_FOUND).await;
    window.done(Method::DELETE, &path, None).await;
    assert!(find(&window, &id).await.is_none());
    let back: Value = window.ask(Method::POST, &restore, None).await;
    assert_eq!(back["rule"], rule["rule"], "as it was");
    assert_eq!(find(&window, &id).await.expect("it is back")["rule"], rule["rule"]);
    window.refused(Method::POST, &restore, Value::Null, StatusCode::NOT_FOUND).await;

    window.done(Method::DELETE, &path, None).await;
    window.done(Method::DELETE, "/control/integrations/demo", None).await;
    window.refused(Method::POST, &restore, Value::Null, StatusCode::CONFLICT).await;
    let window = window.again().await;
    window.refused(Method::POST, &restore, Value::Null, StatusCode::NOT_FOUND).await;
    window.close().await;
}

#[tokio::test]
async fn undoing_always_restores_the_stricter_rule() {
    let window = Window::open().await;
    let key = window.key("agent").await;
    let agent = window.agent(&key);
    set(&window, "add_note", "allow", None).await;
    let id = key.id.to_string();
    let strict = set(&window, "add_note", "require_approval", Some(&id)).await;
    let asked = agent.call_tool("demo", "add_note", json!({ "text": "asked" })).await.request();
    let always = json!({ "grant": { "kind": "always" } });
    let approve = format!("/control/approvals/{asked}/approve");
    window.done(Method::POST, &approve, Some(always)).await;
    assert!(find(&window, &id_of(&strict)).await.is_none(), "it made room");
    let granted =
        rules(&window).await.into_iter().find(|view| view["rule"]["origin"]["kind"] == "approval");
    let granted = id_of(&granted.expect("the grant"));
    window.done(Method::DELETE, &format!("/control/policy/{granted}?undo=true"), None).await;
    assert_eq!(find(&window, &id_of(&strict)).await.expect("it is back")["rule"], strict["rule"]);
    let arguments = json!({ "text": "asked again" });
    agent.call_tool("demo", "add_note", arguments).await.request();
    window.close().await;
}
