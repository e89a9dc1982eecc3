//! The owner says what a tool does, once, and it holds for the definition it was said of.

use agentport_api::{Classification, ToolView};
use agentport_core::{
    policy::{Mode, Scope},
    tool::ToolEffect,
};
use agentport_tests::wire::Reply;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    definitions::{ScriptedServer, described},
    scene::Scene,
};

const PATH: &str = "/control/integrations/fx/tools/effect";

async fn put(scene: &Scene, body: Value) -> Reply {
    scene.owner.send(Method::PUT, PATH, Some(body)).await
}

async fn classify(scene: &Scene, tool: &str, effect: Option<&str>) -> ToolView {
    scene.owner.ask(Method::PUT, PATH, Some(json!({"tool": tool, "effect": effect}))).await
}

async fn tool(scene: &Scene, name: &str) -> ToolView {
    let tools = scene.owner.tools("fx").await;
    tools.into_iter().find(|one| one.name == name).expect("the tool")
}

/// `fx` with two tools that say nothing of what they do.
async fn silent(scene: &Scene) -> ScriptedServer {
    let tools = json!([described("send", "Sends a note."), described("keep", "Keeps one.")]);
    let server = ScriptedServer::local(scene, &tools);
    server.add_to(scene).await;
    server
}

#[tokio::test]
async fn a_classified_tool_follows_the_rules_of_its_new_category() {
    let scene = Scene::empty().await;
    let _server = silent(&scene).await;
    scene.owner.trust(&scene.key, 15).await;
    let waiting = scene.call("send", json!({})).await.request();
    let view = scene.owner.approval(waiting).await;
    assert_eq!(
        (view.effect, view.classified, view.destructive),
        (ToolEffect::Undeclared, false, true)
    );
    let before = tool(&scene, "send").await;
    assert_eq!(before.category.as_deref(), Some("Doesn't say"));
    assert_eq!((before.effect, before.classification), (ToolEffect::Undeclared, None));

    let classified = classify(&scene, "send", Some("changes")).await;
    let said = Classification { effect: ToolEffect::Changes, outdated: false };
    assert_eq!((classified.effect, classified.classification), (said.effect, Some(said)));
    assert_eq!(classified.category.as_deref(), Some("Changes"));
    // The trust the owner gave covers what does not destroy; the tool beside it says nothing and asks.
    scene.call("send", json!({"n": 1})).await.ran();
    scene.call("keep", json!({})).await.request();
    scene.owner.trust(&scene.key, 0).await;
    let waiting = scene.call("send", json!({"n": 2})).await.request();
    let view = scene.owner.approval(waiting).await;
    assert_eq!(
        (view.effect, view.classified, view.destructive),
        (ToolEffect::Changes, true, false)
    );

    let blocked = json!({"integration": "fx", "category": "Destroys", "mode": "deny"});
    classify(&scene, "keep", Some("destroys")).await;
    let reply = scene.owner.send(Method::PUT, "/control/policy/category", Some(blocked)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    scene.call("keep", json!({})).await.refused();
    assert_eq!(tool(&scene, "keep").await.mode, Mode::Deny);
    let plain = classify(&scene, "keep", None).await;
    assert_eq!((plain.effect, plain.classification), (ToolEffect::Undeclared, None));
    scene.call("keep", json!({"n": 3})).await.request();

    scene.owner.change("fx", json!({"read_only_may_run": true})).await;
    classify(&scene, "keep", Some("reads")).await;
    scene.call("keep", json!({"n": 4})).await.ran();

    let audit = scene.owner.send(Method::GET, "/control/audit?limit=100", None).await.text;
    assert_eq!(audit.matches("tool.classified").count(), 4, "{audit}");
    assert!(audit.contains("\"before\":\"undeclared\""), "{audit}");
    scene.stop().await;
}

#[tokio::test]
async fn a_tool_that_changed_is_what_it_says_of_itself_again() {
    let scene = Scene::empty().await;
    let server = silent(&scene).await;
    scene.owner.change("fx", json!({"read_only_may_run": true})).await;
    classify(&scene, "send", Some("reads")).await;
    scene.call("send", json!({})).await.ran();
    let scene = scene.restart().await;
    scene.call("send", json!({"n": 1})).await.ran();

    scene.owner.change("fx", json!({"enabled": false})).await;
    server.set_tools(&json!([described("send", "Sends all your notes to everybody.")]));
    scene.owner.change("fx", json!({"enabled": true})).await;
    let calls = server.calls();
    scene.call("send", json!({"n": 2})).await.request();
    assert_eq!(server.calls(), calls, "it has not run");
    let changed = tool(&scene, "send").await;
    let said = Classification { effect: ToolEffect::Reads, outdated: true };
    assert_eq!((changed.effect, changed.classification), (ToolEffect::Undeclared, Some(said)));
    classify(&scene, "send", Some("reads")).await;
    scene.call("send", json!({"n": 3})).await.ran();

    // What was said goes with the integration.
    scene.owner.remove("fx").await;
    server.add_to(&scene).await;
    assert_eq!(tool(&scene, "send").await.classification, None);
    scene.stop().await;
}

#[tokio::test]
async fn only_the_owner_classifies_and_only_what_was_seen() {
    let scene = Scene::empty().await;
    let _server = silent(&scene).await;
    let digest = tool(&scene, "send").await.digest.to_string();
    let wanted = json!({"tool": "send", "effect": "reads", "digest": digest});
    let by_agent = scene.wire.request(Method::PUT, PATH).json(&wanted);
    assert_eq!(scene.wire.send(by_agent).await.status, StatusCode::UNAUTHORIZED);
    for (body, status) in [
        (json!({"tool": "send", "effect": "undeclared"}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"tool": "nothing", "effect": "reads"}), StatusCode::NOT_FOUND),
        (
            json!({"tool": "send", "effect": "reads", "digest": "0".repeat(64)}),
            StatusCode::CONFLICT,
        ),
    ] {
        let reply = put(&scene, body.clone()).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.text);
    }
    assert_eq!(tool(&scene, "send").await.classification, None, "nothing was kept");
    assert_eq!(put(&scene, wanted).await.status, StatusCode::OK);
    scene.stop().await;
}

/// A rule of an older AgentPort for the one category of what destroys and what does not say.
#[tokio::test]
async fn a_backup_with_the_former_category_blocks_both() {
    let scene = Scene::empty().await;
    let _server = silent(&scene).await;
    let body = json!({"integration": "fx", "category": "Doesn't say", "mode": "deny"});
    scene.owner.send(Method::PUT, "/control/policy/category", Some(body.clone())).await;
    let backup = scene.owner.send(Method::GET, "/control/backup", None).await.text;
    let mut off = body;
    off["mode"] = Value::Null;
    scene.owner.send(Method::PUT, "/control/policy/category", Some(off)).await;
    scene.call("send", json!({})).await.request();

    let older: Value =
        serde_json::from_str(&backup.replace("Doesn't say", "May destroy")).expect("JSON");
    let reply = scene.owner.send(Method::POST, "/control/restore", Some(older)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    scene.call("send", json!({})).await.refused();
    let categories: Vec<_> = (scene.owner.policy().await.into_iter())
        .filter_map(|view| match view.rule.scope {
            Scope::Category { category, .. } => Some(category),
            _ => None,
        })
        .collect();
    assert_eq!(categories, ["Destroys", "Doesn't say"]);
    scene.stop().await;
}
