//! Entries that imitate AgentPort: the key's placeholder and programs with its name.

use agentport_clients::{
    KEY_PLACEHOLDER,
    types::{ConnectionMethod, FileState},
};
use http::StatusCode;
use serde_json::json;

use super::{CURSOR, Desk};

const USERS: &str = ".claude.json";
const PROJECTS: &str = "shop/.mcp.json";

#[tokio::test]
async fn the_key_placeholder_in_a_file_is_the_owners_text() {
    let desk = Desk::new().await;
    let url = format!("https://d.example/mcp?k={KEY_PLACEHOLDER}");
    let before = json!({ "mcpServers": { "d": { "type": "http", "url": url } } }).to_string();
    for file in [USERS, PROJECTS] {
        desk.put(file, &before);
        let path = desk.at(file);
        let body = |what: &str, via: &str| json!({ "what": what, "path": path, "via": via });
        for what in ["connect", "consolidate"] {
            let refused = desk.try_plan("claude-code", body(what, "http")).await;
            assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
            assert!(refused.text.contains("stand") && refused.text.contains("bridge"));
        }
        for back in ["disconnect", "restore"] {
            for via in ["bridge", "http_environment"] {
                desk.does("claude-code", body("connect", via)).await;
                let there = desk.read(file).expect("the file");
                assert!(there.contains(&url) && there.contains("agentport"), "{there}");
                desk.does("claude-code", body(back, via)).await;
                assert_eq!(desk.read(file).as_deref(), Some(&*before), "{file} {via} {back}");
            }
        }
        desk.does("claude-code", body("consolidate", "bridge")).await;
        assert!(!desk.read(file).expect("the file").contains(&url));
        desk.does("claude-code", body("restore", "bridge")).await;
        assert_eq!(desk.read(file).as_deref(), Some(&*before));
    }
    desk.stop().await;
}

#[tokio::test]
async fn a_program_that_is_called_as_ours_is_seen_and_stays() {
    let desk = Desk::new().await;
    let stranger =
        json!({ "command": "./evil/agentport", "args": ["bridge", "--client", "cursor"] });
    desk.put(CURSOR, &json!({ "mcpServers": { "docs": stranger } }).to_string());
    assert!(desk.file("cursor").await.connected.is_none(), "alone it is no connection");
    desk.connect("cursor").await;
    let file = desk.file("cursor").await;
    assert!(file.connected.is_some_and(|ours| ours.current && ours.via == ConnectionMethod::Http));
    let FileState::Readable { servers } = file.state else { panic!("it is readable") };
    let ours: Vec<_> = servers.iter().map(|server| (server.name.as_str(), server.ours)).collect();
    assert_eq!(ours, [("docs", false), ("agentport", true)]);

    let plan = desk.plan("cursor", json!({ "what": "consolidate" })).await;
    assert!(plan.is_empty && plan.imports.is_empty());
    let [left] = &plan.left[..] else { panic!("{:?}", plan.left) };
    assert!(left.server == "docs" && left.why.contains("called as AgentPort's own"));
    desk.does("cursor", json!({ "what": "disconnect" })).await;
    assert_eq!(desk.json(CURSOR)["mcpServers"]["docs"], stranger);
    desk.stop().await;
}

#[tokio::test]
async fn an_entry_that_starts_another_program_is_not_the_agents() {
    let desk = Desk::new().await;
    let via = json!({ "what": "connect", "via": "bridge" });
    desk.does("cursor", via).await;
    let written = desk.read(CURSOR).expect("the file");
    assert!(desk.file("cursor").await.connected.is_some_and(|ours| ours.current));
    let ours = desk.json(CURSOR)["mcpServers"]["agentport"].clone();
    let mut elsewhere = ours.clone();
    elsewhere["command"] = json!("/evil/agentport");
    let mut surroundings = ours.clone();
    surroundings["env"] = json!({ "LD_PRELOAD": "/evil/library.so" });
    let mut copied = ours;
    copied["args"][2] = json!("claude-code");
    for entry in [elsewhere, surroundings, copied] {
        desk.put(CURSOR, &json!({ "mcpServers": { "agentport": entry } }).to_string());
        let connected = desk.file("cursor").await.connected.expect("it looks like ours");
        assert!(!connected.current && connected.agent.is_none(), "{entry}");
    }
    desk.put(CURSOR, &written);
    assert!(desk.file("cursor").await.connected.is_some_and(|ours| ours.current));
    desk.stop().await;
}
