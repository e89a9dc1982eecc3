//! Backup and restore of the configuration: without secrets, and with the same validation as manual changes.

use agentport_tests::{programs, upstream::fingerprint};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::window::Window;

const SECRET: &str = "obviously-fake-secret";

async fn backup(window: &Window) -> Value {
    window.read("/control/backup").await
}

async fn restore(window: &Window, document: &Value, dry_run: bool) -> Value {
    let path = format!("/control/restore?dry_run={dry_run}");
    window.ask(Method::POST, &path, Some(document.clone())).await
}

/// The document but for when it was made, and for what every home has of its own: the demo's rules have new names in
/// each.
fn lasting(document: &Value) -> Value {
    let mut document = document.clone();
    document["made_at"] = Value::Null;
    let rules = document["rules"].as_array_mut().expect("rules");
    for rule in rules.iter_mut().filter(|rule| rule["origin"]["kind"] == "builtin") {
        rule["id"] = Value::Null;
        rule["created_at"] = Value::Null;
    }
    rules.sort_by_key(ToString::to_string);
    document["integrations"].as_array_mut().expect("a list").sort_by_key(|i| i["id"].to_string());
    document
}

/// A home with something of everything in it.
async fn furnished() -> Window {
    let window = Window::open().await;
    let connection = json!({
        "type": "local_mcp", "command": programs::fixture(), "secret_env": ["HIDDEN"], "env": { "OPEN": "1" },
    });
    let add = json!({
        "id": "fx", "name": "Fixture", "tags": ["work"], "connection": connection, "secrets": { "HIDDEN": SECRET },
    });
    window.done(Method::POST, "/control/integrations", Some(add)).await;
    let profile = json!({
        "name": "work", "integrations": ["fx"], "tags": ["work"], "hidden_tools": ["fx/des*"], "mode": "direct",
        "naming": "prefixed",
    });
    window.done(Method::PUT, "/control/profiles/work", Some(profile)).await;
    let agent = json!({ "name": "claude", "profile": "work" });
    let agent: Value = window.ask(Method::POST, "/control/keys", Some(agent)).await;
    window.key("other").await;
    let revoked = window.key("gone").await;
    window.done(Method::DELETE, &format!("/control/keys/{}", revoked.id), None).await;
    let set = |tool: &str, mode: &str, agent: Value| json!({ "integration": "fx", "tool": tool, "mode": mode, "agent": agent });
    for body in [set("env", "allow", agent["id"].clone()), set("destroy", "deny", Value::Null)] {
        window.done(Method::PUT, "/control/policy", Some(body)).await;
    }
    let trust = format!("/control/keys/{}/trust", agent["id"].as_str().expect("an id"));
    window.done(Method::POST, &trust, Some(json!({ "minutes": 5 }))).await;
    let settings = json!({ "pending_per_agent": 9, "welcomed": true, "port": 5_000 });
    window.done(Method::PATCH, "/control/settings", Some(settings)).await;
    window.done(Method::PUT, "/control/owner-password", Some(json!({ "new": SECRET }))).await;
    window
}

#[tokio::test]
async fn a_fresh_home_becomes_as_the_old_one() {
    let old = furnished().await;
    let reply = old.send(Method::GET, "/control/backup", None).await;
    let name = reply.header("content-disposition").expect("a name");
    assert!(name.starts_with("attachment; filename=\"agentport-backup-"), "{name}");
    assert!(!reply.text.contains(SECRET), "{}", reply.text);
    assert!(!reply.text.contains("ap_") && !reply.text.contains("$argon2"), "{}", reply.text);
    let document = reply.json();
    assert_eq!(document["agents"].as_array().expect("agents").len(), 2, "nobody who was shut out");
    assert!(
        document["rules"]
            .as_array()
            .expect("rules")
            .iter()
            .all(|rule| rule["expires_at"].is_null()),
        "nothing that ends"
    );
    let same = restore(&old, &document, false).await;
    assert_eq!(same["changes"], json!([]), "where it came from it changes nothing");
    old.close().await;

    let new = Window::open().await;
    let before = backup(&new).await;
    let told = restore(&new, &document, true).await;
    assert!(told["changes"].as_array().expect("changes").len() >= 8, "{told}");
    assert_eq!(told["new_keys"], json!([]), "{told}");
    assert!(
        told.to_string().contains(&format!("which runs OPEN=1 {}", programs::fixture().display())),
        "{told}"
    );
    assert_eq!(lasting(&backup(&new).await), lasting(&before), "a dry run changes nothing");

    let report = restore(&new, &document, false).await;
    assert_eq!(report["changes"], told["changes"]);
    assert_eq!(report["needs_secrets"], json!(["fx"]));
    assert_eq!(lasting(&backup(&new).await), lasting(&document));
    assert_eq!(restore(&new, &document, false).await["changes"], json!([]));
    assert_eq!(
        new.read("/control/status").await["owner_password"],
        false,
        "no password came along"
    );

    // The agents have keys of their own again, and the integration works once its secret is given.
    let health = new.read("/control/integrations/fx").await["health"].clone();
    assert_eq!(health["state"], "needs_auth", "{health}");
    let keys = report["new_keys"].as_array().expect("keys");
    assert_eq!(keys.len(), 2);
    let claude = keys.iter().find(|key| key["name"] == "claude").expect("a key for claude");
    let agent = new.wire().with_key(claude["key"].as_str().expect("a key"));
    assert_eq!(agent.get("/api/users/me").await.status, StatusCode::OK);
    let secrets = json!({ "secrets": { "HIDDEN": SECRET } });
    new.done(Method::PUT, "/control/integrations/fx/credentials", Some(secrets)).await;
    let ran = agent.call_tool("fx", "env", json!({ "name": "HIDDEN" })).await.ran();
    assert_eq!(ran.structured.expect("an object")["sha256"], fingerprint(SECRET));
    let new = new.again().await;
    assert_eq!(lasting(&backup(&new).await), lasting(&document), "and it lasts");
    new.close().await;
}

#[tokio::test]
async fn an_allow_that_comes_back_is_for_its_definition_only() {
    let old = furnished().await;
    let mut document = backup(&old).await;
    old.close().await;
    let rules = document["rules"].as_array_mut().expect("rules");
    let allow = rules.iter_mut().find(|rule| rule["scope"]["tool"] == "env").expect("the allow");
    allow["digest"] = json!("0".repeat(64));
    let new = Window::open().await;
    let report = restore(&new, &document, false).await;
    let secrets = json!({ "secrets": { "HIDDEN": SECRET } });
    new.done(Method::PUT, "/control/integrations/fx/credentials", Some(secrets)).await;
    let keys = report["new_keys"].as_array().expect("keys");
    let claude = keys.iter().find(|key| key["name"] == "claude").expect("a key for claude");
    let agent = new.wire().with_key(claude["key"].as_str().expect("a key"));
    agent.call_tool("fx", "env", json!({ "name": "HIDDEN" })).await.request();
    new.close().await;
}

#[tokio::test]
async fn a_document_that_cannot_be_used_changes_nothing() {
    let window = furnished().await;
    let document = backup(&window).await;
    let before = lasting(&document);
    type Spoil = fn(&mut Value);
    let spoilt: [(Spoil, &str); 6] = [
        (|d| d["format"] = json!(2), "format"),
        (|d| d["settings"]["port"] = json!(1), "settings.port"),
        (|d| d["agents"][0]["profile"] = json!("nowhere"), "agents[0].profile"),
        (|d| d["integrations"][1]["name"] = json!("x".repeat(65)), "integrations[1].name"),
        (
            |d| d["rules"][0]["scope"] = json!({ "kind": "integration", "integration": "gone" }),
            "rules[0].scope",
        ),
        (|d| drop(d.as_object_mut().expect("an object").remove("rules")), "document"),
    ];
    for (spoil, place) in spoilt {
        let mut bad = document.clone();
        // A change that would be made if the fault were overlooked.
        bad["settings"]["pending_per_agent"] = json!(50);
        spoil(&mut bad);
        for dry_run in [true, false] {
            let path = format!("/control/restore?dry_run={dry_run}");
            let refused = window
                .refused(Method::POST, &path, bad.clone(), StatusCode::UNPROCESSABLE_ENTITY)
                .await;
            assert_eq!(refused["field"], place, "{refused}");
        }
    }
    let nonsense = window.send_text(Method::POST, "/control/restore", "nonsense".to_owned()).await;
    assert_eq!(nonsense.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", nonsense.text);
    assert_eq!(lasting(&backup(&window).await), before);
    window.close().await;
}
