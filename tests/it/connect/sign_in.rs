//! Clients that sign in by OAuth: the address alone in their file, and keys of before that go.

use agentport_clients::types::ConnectionMethod;
use agentport_tests::{
    StdioClient, Wire,
    oauth_agent::{OAuthAgent, bearer, fixtures},
    stdio::bridge_command,
};
use http::StatusCode;
use serde_json::json;

use super::{CLAUDE, CURSOR, Desk};

const BEFORE: &str = "{\n\t// mine\n\t\"mcpServers\": {\n\t\t\"own\": { \"command\": \"true\" }, // stays\n\t},\n\t\"theme\" : 1.0\n}\n";

/// Cursor signs in, as it would at its first use.
async fn cursor_signs_in(desk: &Desk) -> Wire {
    let body = fixtures::of("cursor_loopback");
    let client = OAuthAgent::register_as(&desk.scene.gateway.said.mcp_url, &body).await;
    let tokens = client.sign_in(&desk.scene.owner).await;
    bearer(desk.scene.gateway.base(), &tokens.access_token)
}

#[tokio::test]
async fn a_client_that_signs_in_gets_the_address_alone() {
    let desk = Desk::new().await;
    desk.put(CURSOR, BEFORE);
    let plan = desk.plan("cursor", json!({ "what": "connect" })).await;
    assert_eq!(plan.makes_key_for, None);
    let note = plan.notes.join(" ");
    for part in ["no key", "opens the browser", "let it in in AgentPort"] {
        assert!(note.contains(part), "{part:?} in {note}");
    }
    let applied = desk.apply(&plan).await;
    assert!(applied.environment.is_none() && applied.notes.join(" ").contains("no key"));
    let url = &desk.scene.gateway.said.mcp_url;
    let entry = format!("\t\t\"agentport\": {{\n\t\t\t\"url\": \"{url}\"\n\t\t}},\n");
    let after = desk.read(CURSOR).expect("the file");
    assert_eq!(after.replacen(&entry, "", 1), BEFORE, "nothing but the address came: {after}");
    assert!(desk.agents().await.is_empty(), "no key was made");

    let connected = desk.file("cursor").await.connected.expect("an entry");
    assert!(connected.current && connected.via == ConnectionMethod::OAuth);
    let sign_in = connected.sign_in.expect("it signs in");
    assert!(!sign_in.signed_in && sign_in.sentence.contains("not signed in yet"), "{sign_in:?}");
    assert!(connected.agent.is_none() && connected.unneeded_key.is_none());
    assert!(desk.plan("cursor", json!({ "what": "connect" })).await.is_empty);

    let agent = cursor_signs_in(&desk).await;
    agent.call_tool("demo", "list_notes", json!({})).await;
    let used = async || {
        let connected = desk.file("cursor").await.connected.expect("an entry");
        (connected.first_call_at.is_some() && connected.sign_in.expect("it signs in").signed_in)
            .then_some(())
    };
    desk.scene.owner.until("the first call", used).await;
    assert_eq!(desk.agents().await, ["Cursor"]);
    assert!(desk.plan("cursor", json!({ "what": "connect" })).await.is_empty);

    let plan = desk.plan("cursor", json!({ "what": "disconnect" })).await;
    assert_eq!((plan.signs_out.as_deref(), plan.revokes_key_of.as_deref()), (Some("Cursor"), None));
    desk.apply(&plan).await;
    assert_eq!(desk.read(CURSOR).as_deref(), Some(BEFORE));
    assert_eq!(agent.get("/api/users/me").await.status, StatusCode::UNAUTHORIZED);
    desk.stop().await;
}

#[tokio::test]
async fn a_key_is_replaced_by_a_sign_in_after_the_owners_yes() {
    let desk = Desk::new().await;
    desk.put(CURSOR, BEFORE);
    desk.does("cursor", json!({ "what": "connect", "via": "http" })).await;
    let with_key = desk.read(CURSOR).expect("the file");
    let key = with_key.split("Bearer ").nth(1).and_then(|rest| rest.get(..35)).expect("a key");
    let agent = Wire::new(desk.scene.gateway.base()).with_key(key);
    let unneeded = async || {
        let connected = desk.file("cursor").await.connected.expect("an entry");
        connected.unneeded_key.expect("a key it can do without")
    };
    let found = unneeded().await;
    assert!(found.signed_in_as.is_none() && found.sentence.contains("A key lies in the file"));
    // Connected again as it is, it keeps its key.
    assert!(desk.plan("cursor", json!({ "what": "connect" })).await.is_empty);

    let signed_in = cursor_signs_in(&desk).await;
    let found = unneeded().await;
    assert_eq!(found.signed_in_as.as_deref(), Some("Cursor 2"));
    assert!(found.sentence.contains("no longer needed"), "{}", found.sentence);
    assert_eq!(agent.get("/api/users/me").await.status, StatusCode::OK, "until the owner says so");

    let plan = desk.plan("cursor", json!({ "what": "connect", "via": "oauth" })).await;
    assert_eq!(
        (plan.revokes_key_of.as_deref(), plan.makes_key_for.as_deref()),
        (Some("Cursor"), None)
    );
    assert_eq!(plan.signs_out, None);
    assert!(plan.notes.join(" ").contains("it is a new agent"), "{:?}", plan.notes);
    assert!(!plan.files[0].diff.contains(key));
    desk.apply(&plan).await;
    assert!(!desk.read(CURSOR).expect("the file").contains("ap_"));
    assert_eq!(agent.get("/api/users/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(signed_in.get("/api/users/me").await.status, StatusCode::OK);
    let connected = desk.file("cursor").await.connected.expect("an entry");
    assert!(connected.unneeded_key.is_none() && connected.sign_in.expect("it").signed_in);
    assert_eq!(desk.agents().await, ["Cursor 2"]);

    // And back: a new key, and the sign-in ends.
    let plan = desk.plan("cursor", json!({ "what": "connect", "via": "http" })).await;
    assert_eq!(plan.signs_out.as_deref(), Some("Cursor 2"));
    assert_eq!(plan.makes_key_for.as_deref(), Some("Cursor"));
    desk.apply(&plan).await;
    assert_eq!(signed_in.get("/api/users/me").await.status, StatusCode::UNAUTHORIZED);
    desk.does("cursor", json!({ "what": "restore" })).await;
    assert_eq!(desk.read(CURSOR).as_deref(), Some(BEFORE));
    assert!(desk.agents().await.is_empty());
    desk.stop().await;
}

#[tokio::test]
async fn a_bridge_gets_no_key_and_signs_in() {
    let desk = Desk::new().await;
    let plan = desk.plan("claude-desktop", json!({ "what": "connect" })).await;
    assert_eq!(plan.makes_key_for, None);
    assert!(plan.notes.join(" ").contains("No key is made"), "{:?}", plan.notes);
    desk.apply(&plan).await;
    assert!(!desk.kept("keys/claude-desktop").exists() && desk.agents().await.is_empty());
    let entry = desk.json(CLAUDE)["mcpServers"]["agentport"].clone();
    let home = desk.scene.gateway.place().home();
    assert_eq!(entry["args"], json!(["bridge", "--client", "claude-desktop", "--home", home]));
    let connected = async || desk.file("claude-desktop").await.connected.expect("an entry");
    let before = connected().await;
    assert!(before.current && before.agent.is_none());
    assert!(before.sign_in.expect("it signs in").sentence.contains("not been let in yet"));

    let mut command = bridge_command(&desk.scene.gateway.setup, None);
    command.args(["--client", "claude-desktop"]);
    let mut bridge = StdioClient::start(command);
    bridge.open("2025-11-25", json!({})).await;
    desk.scene.owner.consents_once().await;
    bridge.next_message_of_method("notifications/tools/list_changed").await;
    let after = connected().await;
    assert!(after.agent.is_some() && after.sign_in.expect("it signs in").signed_in);
    assert_eq!(desk.agents().await, ["Claude Desktop"]);

    let plan = desk.plan("claude-desktop", json!({ "what": "disconnect" })).await;
    assert_eq!(plan.signs_out.as_deref(), Some("Claude Desktop"));
    desk.apply(&plan).await;
    assert!(!desk.kept("sign-ins/claude-desktop.json").exists());
    assert!(desk.agents().await.is_empty());
    assert_eq!(desk.read(CLAUDE), None, "there was no file before");
    desk.stop().await;
}

#[tokio::test]
async fn a_projects_bridge_is_called_by_its_folder() {
    let desk = Desk::new().await;
    let project = desk.scene.gateway.place().files().join("my-project");
    std::fs::create_dir(&project).expect("a directory");
    let path = project.join(CURSOR);
    desk.does("cursor", json!({ "what": "connect", "path": path })).await;
    let text = std::fs::read_to_string(&path).expect("the project's file");
    let entry: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let name = entry["mcpServers"]["agentport"]["args"][2].as_str().expect("a name");
    let mut command = bridge_command(&desk.scene.gateway.setup, None);
    command.args(["--client", name]);
    let mut bridge = StdioClient::start(command);
    bridge.open("2025-11-25", json!({})).await;
    let consent = desk.scene.owner.one_consent().await;
    assert_eq!(consent.client_name, "Cursor (my-project)");
    desk.stop().await;
}
