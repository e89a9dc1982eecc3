//! Refused plans, which leave nothing behind.

use agentport_tests::{Wire, gateway::private_file, programs, soon};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{CLAUDE, CURSOR, Desk, with_key};
use crate::owner::authenticator::Authenticator;

const ROUTES: [(Method, &str); 6] = [
    (Method::GET, "/control/clients"),
    (Method::POST, "/control/clients/cursor/plan"),
    (Method::POST, "/control/clients/plans/00000000-0000-4000-8000-000000000000/apply"),
    (Method::GET, "/control/clients/backups"),
    (Method::DELETE, "/control/clients/backups"),
    (Method::POST, "/control/clients/backups/verify"),
];

fn two_servers() -> String {
    let server = |name| json!({ "command": programs::fixture(), "args": ["--stderr", name] });
    json!({ "mcpServers": { "one": server("1"), "two": server("2") } }).to_string()
}

#[tokio::test]
async fn agents_and_strangers_are_kept_out() {
    let desk = Desk::new().await;
    desk.put(CURSOR, &two_servers());
    let stranger = Wire::new(desk.scene.gateway.base());
    let as_bearer =
        stranger.clone().with("authorization", &format!("Bearer {}", desk.scene.key.key));
    for wire in [&stranger, &desk.scene.wire, &as_bearer] {
        for (method, path) in ROUTES {
            let request = wire.request(method.clone(), path).json(&json!({ "what": "connect" }));
            let reply = wire.send(request).await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{method} {path}: {}", reply.text);
            assert!(!reply.text.contains("mcp.json"), "{}", reply.text);
        }
    }
    let elsewhere = desk.scene.owner.wire.clone().with("origin", "https://example.org");
    let request = elsewhere.request(Method::POST, ROUTES[1].1).json(&json!({ "what": "connect" }));
    assert_eq!(elsewhere.send(request).await.status, StatusCode::FORBIDDEN);
    assert_eq!(desk.read(CURSOR), Some(two_servers()));
    desk.stop().await;
}

#[tokio::test]
async fn bad_requests_say_what_is_wrong() {
    let desk = Desk::new().await;
    desk.put(CURSOR, "{\n  \"mcpServers\": {\n    \"a\": { \"command\" \"x\" }\n  }\n}");
    let outside = desk.at("elsewhere.json").display().to_string();
    let detour = desk.at("x/../.cursor/mcp.json").display().to_string();
    for (client, body, status, said) in [
        ("cursor", json!({ "what": "connect", "path": detour }), 422, "x/../.cursor"),
        ("curser", json!({ "what": "connect" }), 404, "curser"),
        ("cursor", json!({ "what": "connect" }), 422, "line 3, column"),
        ("cursor", json!({ "what": "consolidate" }), 422, "line 3, column"),
        ("cursor", json!({ "what": "connect", "path": outside }), 422, "elsewhere.json"),
        ("cursor", json!({ "what": "connect", "path": "mcp.json" }), 422, "mcp.json"),
        ("cursor", json!({ "what": "restore" }), 409, "mcp.json"),
        ("claude-desktop", json!({ "what": "connect", "via": "http" }), 409, "Claude Desktop"),
        ("zed", json!({ "what": "nonsense" }), 422, ""),
    ] {
        let reply = desk.try_plan(client, body.clone()).await;
        assert_eq!(reply.status, status, "{client} {body}: {}", reply.text);
        assert!(reply.text.contains(said), "{client} {body}: {}", reply.text);
    }
    let reply = desk.scene.owner.wire.get("/control/clients?folder=not/absolute").await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", reply.text);
    let broken = serde_json::to_value(desk.file("cursor").await.state).expect("JSON");
    assert_eq!((&broken["state"], &broken["line"]), (&json!("broken"), &json!(3)));
    assert!(desk.agents().await.is_empty() && !desk.kept("originals").exists());
    desk.stop().await;
}

#[tokio::test]
async fn a_file_that_changed_in_between() {
    let desk = Desk::new().await;
    desk.put(CURSOR, &two_servers());
    let plan = desk.plan("cursor", json!({ "what": "consolidate" })).await;
    let changed = two_servers().replace("\"2\"", "\"3\"");
    desk.put(CURSOR, &changed);
    let reply = desk.try_apply(&plan).await;
    assert_eq!(reply.status, StatusCode::CONFLICT, "{}", reply.text);
    assert!(reply.text.contains("mcp.json") && reply.text.contains("changed"), "{}", reply.text);
    assert_eq!(desk.read(CURSOR), Some(changed));
    assert!(desk.integrations().await.is_empty() && desk.agents().await.is_empty());
    desk.consolidate("cursor").await;
    desk.stop().await;
}

#[tokio::test]
async fn a_failure_in_the_middle_leaves_nothing() {
    let desk = Desk::new().await;
    desk.put(CURSOR, &two_servers());
    // The key cannot be written for the bridge, after integrations were made.
    desk.put(CLAUDE, &two_servers());
    desk.connect("cursor").await;
    let connected = desk.read(CURSOR);
    let plan = desk.plan("cursor", json!({ "what": "consolidate", "via": "bridge" })).await;
    private_file(&desk.kept("keys"), "no directory");
    let reply = desk.try_apply(&plan).await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR, "{}", reply.text);
    assert!(reply.text.contains("key of the bridge"), "{}", reply.text);
    assert_eq!(desk.read(CURSOR), connected);
    assert!(desk.integrations().await.is_empty());
    assert_eq!(desk.agents().await, ["Cursor"], "it keeps its key");
    std::fs::remove_file(desk.kept("keys")).expect("removed");
    desk.does("cursor", json!({ "what": "disconnect" })).await;
    assert_eq!(desk.read(CURSOR), Some(two_servers()));

    // The file is refused, after integrations and key were made.
    let lock = std::fs::File::options().create(true).append(true).open(desk.kept("lock"));
    let lock = lock.expect("the lock");
    lock.lock().expect("the lock");
    for (client, path) in [("cursor", CURSOR), ("claude-desktop", CLAUDE)] {
        let before = desk.read(path);
        let what = if client == "cursor" { "consolidate" } else { "connect" };
        let plan = desk.plan(client, with_key(client, what)).await;
        let reply = soon("the refusal", desk.try_apply(&plan)).await;
        assert_eq!(reply.status, StatusCode::CONFLICT, "{}", reply.text);
        assert!(reply.text.contains("Another AgentPort"), "{}", reply.text);
        assert_eq!(desk.read(path), before);
        assert!(desk.integrations().await.is_empty() && desk.agents().await.is_empty());
        assert!(!desk.kept("keys/claude-desktop").exists());
    }
    drop(lock);
    // The plan is still good.
    desk.consolidate("cursor").await;
    assert_eq!(desk.integrations().await, ["one", "two"]);
    desk.stop().await;
}

#[tokio::test]
async fn with_the_second_factor_on_a_code_comes_first() {
    let desk = Desk::new().await;
    desk.put(CURSOR, &two_servers());
    let owner = &desk.scene.owner;
    let setup: Value = owner.ask(Method::POST, "/control/second-factor/begin", None).await;
    let mut phone = Authenticator::new(setup["secret"].as_str().expect("a secret"));
    let code = json!({ "code": phone.code().await });
    let _: Value = owner.ask(Method::POST, "/control/second-factor/enable", Some(code)).await;
    for what in ["consolidate", "connect"] {
        let plan = desk.plan("cursor", with_key("cursor", what)).await;
        let reply = desk.try_apply(&plan).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{}", reply.text);
        assert_eq!(reply.json()["code"], "confirmation_needed");
        assert_eq!(desk.read(CURSOR), Some(two_servers()));
        assert!(desk.integrations().await.is_empty() && desk.agents().await.is_empty());
        let mut originals = std::fs::read_dir(desk.kept("originals")).into_iter().flatten();
        assert!(originals.next().is_none(), "nothing was touched");
    }
    let plan = desk.plan("cursor", json!({ "what": "consolidate" })).await;
    assert_eq!(desk.try_apply(&plan).await.status, StatusCode::FORBIDDEN);
    let code = json!({ "code": phone.code().await });
    let shown: Value = owner.ask(Method::POST, "/control/confirm", Some(code)).await;
    let token = shown["token"].as_str().expect("a token");
    let confirmed = owner.wire.clone().with("agentport-confirmation", token);
    let path = format!("/control/clients/plans/{}/apply", plan.id);
    let reply = confirmed.send(confirmed.request(Method::POST, &path)).await;
    assert_eq!(reply.status, StatusCode::OK, "the same plan, with a code: {}", reply.text);
    assert_eq!(desk.integrations().await, ["one", "two"]);
    desk.stop().await;
}

#[tokio::test]
async fn plans_are_few() {
    let desk = Desk::new().await;
    desk.put(CURSOR, &two_servers());
    let first = desk.plan("cursor", json!({ "what": "connect" })).await;
    for _ in 0..32 {
        desk.plan("cursor", json!({ "what": "connect" })).await;
    }
    let gone = desk.try_apply(&first).await;
    assert_eq!(gone.status, StatusCode::CONFLICT, "the oldest goes: {}", gone.text);
    let last = desk.plan("cursor", json!({ "what": "connect" })).await;
    desk.apply(&last).await;
    desk.stop().await;
}
