//! The REST API for shell agents (docs/contract.md §6).

use agentport_api::GrantChoice;
use agentport_core::policy::Mode;
use agentport_tests::wire::Reply;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::scene::Scene;

async fn call(scene: &Scene, tool: &str, args: Value) -> Reply {
    scene.wire.post("/api/tools/fx/call", &json!({"tool_name": tool, "args": args})).await
}

#[tokio::test]
async fn status_identity_and_listings() {
    let scene = Scene::new().await;
    let me = scene.wire.get("/api/users/me").await.json();
    assert!(
        me["id"].is_string() && me["email"].as_str().is_some_and(|email| email.contains("tester")),
        "{me}"
    );
    for path in ["/api/integrations", "/api/installed", "/api/tools"] {
        let reply = scene.wire.get(path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text);
    }
    assert!(scene.wire.get("/api/installed").await.text.contains("\"fx\""));
    let tools = scene.wire.get("/api/tools/fx").await.text;
    assert!(tools.contains("\"echo\"") && tools.contains("execution_mode"), "{tools}");
    for path in ["/api/integrations/nowhere", "/api/tools/nowhere"] {
        let reply = scene.wire.get(path).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
        assert!(reply.json()["detail"].is_string(), "{path}: {}", reply.text);
    }
    scene.stop().await;
}

#[tokio::test]
async fn all_outcomes_of_a_call() {
    let scene = Scene::new().await;
    scene.owner.set_policy("fx", "echo", Mode::Allow).await;
    scene.owner.set_policy("fx", "fail", Mode::Allow).await;
    scene.owner.set_policy("fx", "destroy", Mode::Deny).await;
    let ran = call(&scene, "echo", json!({"text": "by REST"})).await;
    assert_eq!(ran.status, StatusCode::OK);
    assert_eq!(
        (&ran.json()["content"][0]["text"], &ran.json()["isError"]),
        (&json!("by REST"), &json!(false))
    );
    let failed = call(&scene, "fail", json!({})).await;
    assert_eq!((failed.status, &failed.json()["isError"]), (StatusCode::OK, &json!(true)));

    let denied = call(&scene, "destroy", json!({"what": "x"})).await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN);
    assert_eq!(denied.json()["error"], "denied");
    assert_eq!(
        (&denied.json()["integration_id"], &denied.json()["tool_name"]),
        (&json!("fx"), &json!("destroy"))
    );

    let asks = call(&scene, "counter", json!({})).await;
    assert_eq!(asks.status, StatusCode::FORBIDDEN);
    let asked = asks.json();
    assert_eq!(asked["error"], "approval_required");
    let id = scene.owner.one_pending().await.id;
    assert_eq!(asked["approval_request_id"], id.to_string());
    assert_eq!(asked["approval_url"], format!("{}/approve/{id}", scene.gateway.base()));

    assert_eq!(call(&scene, "nothing", json!({})).await.status, StatusCode::NOT_FOUND);
    assert!(call(&scene, "echo", json!({"text": 7})).await.status.is_client_error());
    let reply =
        scene.wire.post("/api/tools/nowhere/call", &json!({"tool_name": "x", "args": {}})).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);

    scene.owner.pause(true).await;
    assert_eq!(call(&scene, "echo", json!({"text": "x"})).await.status, StatusCode::LOCKED);
    scene.owner.pause(false).await;

    scene.owner.settings(json!({"pending_per_agent": 1})).await;
    assert_eq!(call(&scene, "spawn", json!({})).await.status, StatusCode::TOO_MANY_REQUESTS);
    scene.stop().await;
}

#[tokio::test]
async fn awaiting_never_runs() {
    let scene = Scene::new().await;
    let id = call(&scene, "counter", json!({})).await.json()["approval_request_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let path = format!("/api/tool-approvals/requests/{id}/await");
    let wait = async || scene.wire.post(&path, &json!({"timeout_seconds": 1})).await.json();
    let pending = wait().await;
    assert_eq!(
        (&pending["status"], &pending["approval_request_id"]),
        (&json!("pending"), &json!(id))
    );
    assert!(pending["expires_at"].is_string() && pending["message"].is_string());

    scene.owner.approve(id.parse().expect("an id"), GrantChoice::Once).await;
    assert_eq!(wait().await["status"], "approved");
    assert_eq!(scene.runs("counter"), 0, "await only looks");
    assert_eq!(call(&scene, "counter", json!({})).await.status, StatusCode::OK);
    assert_eq!(scene.runs("counter"), 1);

    let foreign = scene.another().await.post(&path, &json!({})).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    let id = call(&scene, "counter", json!({})).await.json()["approval_request_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    scene.owner.deny(id.parse().expect("an id"), Some("no more")).await;
    let denied = scene
        .wire
        .post(&format!("/api/tool-approvals/requests/{id}/await"), &json!({}))
        .await
        .json();
    assert_eq!(denied["status"], "denied");
    assert!(denied["message"].as_str().is_some_and(|text| text.contains("no more")));
    scene.stop().await;
}

#[tokio::test]
async fn bad_input_is_named() {
    let scene = Scene::new().await;
    for body in [
        "{",
        "[]",
        "null",
        r#"{"args": {}}"#,
        r#"{"tool_name": 7, "args": {}}"#,
        r#"{"tool_name": "echo", "args": []}"#,
    ] {
        let request = scene
            .wire
            .request(Method::POST, "/api/tools/fx/call")
            .header("content-type", "application/json")
            .body(body);
        let reply = scene.wire.send(request).await;
        assert!(reply.status.is_client_error(), "{body}: {} {}", reply.status, reply.text);
        assert!(
            reply.json()["detail"].as_str().is_some_and(|detail| detail.len() > 5),
            "{body}: {}",
            reply.text
        );
    }
    let large = json!({"tool_name": "echo", "args": {"text": "x".repeat(4 * 1024 * 1024)}});
    assert_eq!(
        scene.wire.post("/api/tools/fx/call", &large).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    scene.stop().await;
}

#[tokio::test]
async fn owner_matters_are_not_here() {
    let scene = Scene::empty().await;
    for path in
        ["/api/settings", "/api/logs", "/api/keys", "/api/api-keys", "/api/tool-approvals/requests"]
    {
        let reply = scene.wire.get(path).await;
        assert!(matches!(reply.status.as_u16(), 401 | 404), "{path}: {}", reply.status);
    }
    let removal = scene.wire.send(scene.wire.request(Method::DELETE, "/api/installed/demo")).await;
    assert_eq!(removal.status, StatusCode::FORBIDDEN, "a removal asks: {}", removal.text);
    assert_eq!(removal.json()["error"], "approval_required");
    scene.stop().await;
}
