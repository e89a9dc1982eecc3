//! Oversized files, and paths with detours.

use agentport_api::Items;
use agentport_clients::types::{ClientView, FileState};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{CURSOR, Desk};

fn servers(count: usize) -> String {
    let server = |at: usize| (format!("s{at}"), json!({ "command": "same" }));
    let servers: serde_json::Map<String, Value> = (0..count).map(server).collect();
    json!({ "mcpServers": servers }).to_string()
}

#[tokio::test]
async fn a_file_with_too_many_servers_is_left_alone() {
    let desk = Desk::new().await;
    desk.put(CURSOR, &servers(20_000));
    let FileState::Unreadable { message } = desk.file("cursor").await.state else {
        panic!("it was worked with");
    };
    assert!(message.contains("too many servers (20000)"), "{message}");
    for what in ["connect", "consolidate", "disconnect"] {
        let reply = desk.try_plan("cursor", json!({ "what": what })).await;
        assert_eq!(reply.status, StatusCode::CONFLICT, "{what}: {}", reply.text);
        assert!(reply.text.contains("too many servers (20000)"), "{what}: {}", reply.text);
    }
    desk.put(CURSOR, &servers(200));
    let plan = desk.plan("cursor", json!({ "what": "consolidate" })).await;
    assert_eq!(plan.imports.len(), 200);
    desk.stop().await;
}

#[tokio::test]
async fn summaries_of_servers_hold_no_secret() {
    let desk = Desk::new().await;
    let text = json!({ "mcpServers": {
        "line": { "command": "mysql -pfakepw0002 --password fakepw0003" },
        "path": { "url": "https://example.test/fakepw0004/mcp", "auth": { "CLIENT_ID": "x" } },
        "hidden": { "command": "a\u{202e}b\u{7}" },
    }});
    desk.put(CURSOR, &text.to_string());
    let reply = desk.scene.owner.wire.get("/control/clients").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(!reply.text.contains("fakepw"), "{}", reply.text);
    let all: Items<ClientView> = agentport_tests::owner::typed(&reply);
    let cursor = all.items.iter().find(|client| client.id == "cursor").expect("a client");
    let FileState::Readable { servers } = &cursor.files[0].state else { panic!("{cursor:?}") };
    let summaries: Vec<&str> = servers.iter().map(|server| server.summary.as_str()).collect();
    assert_eq!(summaries.len(), 3);
    assert!(summaries.contains(&"mysql") && summaries.contains(&"ab"), "{summaries:?}");
    desk.stop().await;
}

#[tokio::test]
async fn one_file_has_one_name() {
    let desk = Desk::new().await;
    let plain = desk.at("repo/.mcp.json").display().to_string();
    let detours = [plain.replace("/repo/", "//repo/./"), plain.replace("/repo/", "/repo//")];
    for path in detours {
        let plan = desk.plan("claude-code", json!({ "what": "connect", "path": path })).await;
        assert_eq!(plan.files[0].path, plain, "{path}");
    }
    let up = plain.replace("/repo/", "/x/../repo/");
    for path in [".mcp.json", "./.mcp.json", "repo/.mcp.json", &up] {
        let reply = desk.try_plan("claude-code", json!({ "what": "connect", "path": path })).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {}", reply.text);
        assert_eq!(reply.json()["field"], "path", "{}", reply.text);
        let asked = format!("/control/clients?folder={path}");
        let reply = desk.scene.owner.send(Method::GET, &asked, None).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {}", reply.text);
        assert_eq!(reply.json()["field"], "folder", "{}", reply.text);
    }
    desk.stop().await;
}
