//! Rules for a category of tools.

use agentport_api::RuleView;
use agentport_core::policy::{Mode, Scope};
use agentport_tests::wire::Reply;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::scene::Scene;

async fn put(scene: &Scene, integration: &str, category: &str, mode: Option<Mode>) -> Reply {
    let body = json!({"integration": integration, "category": category, "mode": mode});
    scene.owner.send(Method::PUT, "/control/policy/category", Some(body)).await
}

async fn set(scene: &Scene, category: &str, mode: Option<Mode>) -> Vec<RuleView> {
    let reply = put(scene, "fx", category, mode).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    serde_json::from_value(reply.json()["items"].clone()).expect("rules")
}

async fn mode_of(scene: &Scene, tool: &str) -> Mode {
    let tools = scene.owner.tools("fx").await;
    tools.iter().find(|one| one.name == tool).expect("the tool").mode
}

#[tokio::test]
async fn every_tool_has_a_category() {
    let scene = Scene::new().await;
    let category = async |integration: &str, tool: &str| {
        let tools = scene.owner.tools(integration).await;
        let tool = tools.into_iter().find(|one| one.name == tool).expect("the tool");
        tool.category.expect("a category")
    };
    for (tool, want) in [("echo", "Reads"), ("counter", "Changes"), ("destroy", "Destroys")] {
        assert_eq!(category("fx", tool).await, want, "{tool}");
        let listed = scene.wire.get("/api/tools/fx").await.json();
        let listed = listed.as_array().expect("tools").iter().find(|one| one["name"] == tool);
        assert_eq!(listed.expect("the tool")["category"], want);
    }
    assert_eq!(category("demo", "list_notes").await, "Reads");
    assert_eq!(category("demo", "delete_note").await, "Destroys");
    assert!(scene.owner.tools("fx").await.iter().all(|tool| tool.category.is_some()));
    scene.stop().await;
}

#[tokio::test]
async fn a_category_has_one_mode() {
    let scene = Scene::new().await;
    let before = scene.owner.policy().await.len();
    let call = async |tool: &str, arguments: Value| scene.call(tool, arguments).await;
    let echo = json!({"text": "x"});
    call("echo", echo.clone()).await.request();

    let rules = set(&scene, "Reads", Some(Mode::Allow)).await;
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0].sentence, "Every agent may use every tool of the category Reads in fx");
    assert!(
        matches!(&rules[0].rule.scope, Scope::Category { category, .. } if category == "Reads")
    );
    call("echo", json!({"text": "runs"})).await.ran();
    call("counter", json!({})).await.request();
    assert_eq!(mode_of(&scene, "image").await, Mode::Allow, "its neighbour too");

    // A tool's own rule is nearer; a deny of the category wins all the same.
    scene.owner.set_policy("fx", "image", Mode::RequireApproval).await;
    assert_eq!(mode_of(&scene, "image").await, Mode::RequireApproval);
    set(&scene, "Reads", Some(Mode::Deny)).await;
    assert_eq!(scene.owner.policy().await.len(), before + 2, "one rule for the category");
    call("echo", echo.clone()).await.refused();
    assert_eq!(mode_of(&scene, "image").await, Mode::Deny);
    set(&scene, "Changes", Some(Mode::Allow)).await;
    call("counter", json!({})).await.ran();

    assert_eq!(set(&scene, "Reads", None).await.len(), 0);
    assert_eq!(set(&scene, "Reads", None).await.len(), 0, "there is nothing to take away");
    assert_eq!(mode_of(&scene, "echo").await, Mode::RequireApproval, "as before");
    assert_eq!(scene.owner.policy().await.len(), before + 2);

    let audit = scene.owner.send(Method::GET, "/control/audit?limit=100", None).await.text;
    assert!(audit.contains("policy.set") && audit.contains("policy.removed"), "{audit}");
    assert!(audit.contains("\"category\":\"Reads\""), "{audit}");
    scene.owner.remove("fx").await;
    assert!(scene.owner.policy().await.iter().all(|view| !view.sentence.contains("category")));
    scene.stop().await;
}

#[tokio::test]
async fn only_existing_categories_get_a_mode() {
    let scene = Scene::new().await;
    for (integration, category) in [("nowhere", "Reads"), ("fx", "Nothing"), ("fx", "reads")] {
        let reply = put(&scene, integration, category, Some(Mode::Allow)).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{integration} {category}: {}", reply.text);
    }
    let bad = json!({"integration": "fx", "category": "Reads", "mode": "perhaps"});
    let bad = scene.owner.send(Method::PUT, "/control/policy/category", Some(bad)).await;
    assert!(bad.status.is_client_error(), "{}", bad.status);
    let by_agent = json!({"integration": "fx", "category": "Reads", "mode": "allow"});
    let by_agent = scene.wire.request(Method::PUT, "/control/policy/category").json(&by_agent);
    assert_eq!(scene.wire.send(by_agent).await.status, StatusCode::UNAUTHORIZED);
    scene.stop().await;
}
