//! Connecting and disconnecting a client: one entry with its own key.

use std::os::unix::fs::PermissionsExt as _;

use agentport_api::Event;
use agentport_clients::types::{ConnectionMethod, FileScope};
use agentport_tests::Wire;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{CLAUDE, CURSOR, Desk, key_of, with_key};

const BEFORE: &str = "\u{feff}{\r\n\t// mine\r\n\t\"mcpServers\": {\r\n\t\t\"own\": { \"command\": \"true\" }, // stays\r\n\t},\r\n\t\"theme\" : 1.0\r\n}\r\n";

#[tokio::test]
async fn a_client_that_speaks_http() {
    let desk = Desk::new().await;
    desk.put(CURSOR, BEFORE);
    let plan = desk.plan("cursor", with_key("cursor", "connect")).await;
    assert_eq!(plan.makes_key_for.as_deref(), Some("Cursor"));
    assert!(plan.files[0].diff.contains("ap_…") && !plan.is_empty, "{}", plan.files[0].diff);
    assert_eq!(desk.read(CURSOR).as_deref(), Some(BEFORE), "a plan changes nothing");
    assert!(desk.agents().await.is_empty());

    let mut events = desk.scene.owner.events().await;
    let applied = desk.apply(&plan).await;
    events.wait_for("the event", |event| matches!(event, Event::Clients)).await;
    assert_eq!(applied.files, [desk.at(CURSOR).display().to_string()]);
    let after = desk.read(CURSOR).expect("the file");
    let stripped = after.trim_start_matches('\u{feff}');
    let key = stripped.split("Bearer ").nth(1).and_then(|rest| rest.get(..35)).expect("a key");
    let entry = format!(
        "\t\t\"agentport\": {{\r\n\t\t\t\"url\": \"{}\",\r\n\t\t\t\"headers\": {{\r\n\t\t\t\t\"Authorization\": \
         \"Bearer {key}\"\r\n\t\t\t}}\r\n\t\t}},\r\n",
        desk.scene.gateway.said.mcp_url
    );
    assert_eq!(after.replacen(&entry, "", 1), BEFORE, "nothing but our entry came");

    let agent = Wire::new(desk.scene.gateway.base()).with_key(key);
    let connected = desk.file("cursor").await.connected.expect("an entry");
    assert!(
        connected.current && connected.via == ConnectionMethod::Http && connected.agent.is_some()
    );
    assert_eq!(connected.first_call_at, None);
    agent.call_tool("demo", "list_notes", json!({})).await;
    let used =
        async || desk.file("cursor").await.connected.filter(|one| one.first_call_at.is_some());
    desk.scene.owner.until("the first call", used).await;
    assert_eq!(desk.agents().await, ["Cursor"]);

    let again = desk.plan("cursor", json!({ "what": "connect" })).await;
    assert!(again.is_empty && again.makes_key_for.is_none(), "{again:?}");
    let twice = desk.try_apply(&plan).await;
    assert_eq!(twice.status, StatusCode::CONFLICT, "a plan is carried out once: {}", twice.text);

    let plan = desk.plan("cursor", json!({ "what": "disconnect" })).await;
    assert_eq!(plan.revokes_key_of.as_deref(), Some("Cursor"));
    desk.apply(&plan).await;
    assert_eq!(desk.read(CURSOR).as_deref(), Some(BEFORE));
    assert_eq!(agent.get("/api/users/me").await.status, StatusCode::UNAUTHORIZED);
    assert!(desk.file("cursor").await.connected.is_none());
    let nothing = desk.plan("cursor", json!({ "what": "disconnect" })).await;
    assert!(nothing.is_empty);
    let audit = desk.scene.owner.wire.get("/control/audit").await.text;
    assert!(audit.contains("client.connected") && audit.contains("client.disconnected"));
    assert!(!audit.contains(key));
    desk.stop().await;
}

#[tokio::test]
async fn a_client_that_starts_programs() {
    let desk = Desk::new().await;
    desk.connect("claude-desktop").await;
    let home = desk.scene.gateway.place().home();
    let entry = &desk.json(CLAUDE)["mcpServers"]["agentport"];
    let program = agentport_tests::programs::agentport();
    assert_eq!(entry["command"], json!(program));
    assert_eq!(entry["args"], json!(["bridge", "--client", "claude-desktop", "--home", home]));
    // A key from before, as earlier versions made one for each bridge.
    let key = desk.gives_bridge_key("claude-desktop", "Claude Desktop").await.key;
    let file = desk.kept("keys/claude-desktop");
    assert!(!desk.read(CLAUDE).expect("the file").contains(&key));
    let mode = std::fs::metadata(desk.at(CLAUDE)).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let agent = Wire::new(desk.scene.gateway.base()).with_key(&key);
    assert_eq!(agent.get("/api/users/me").await.status, StatusCode::OK);
    let connected = desk.file("claude-desktop").await.connected.expect("an entry");
    assert!(
        connected.current && connected.via == ConnectionMethod::Bridge && connected.agent.is_some()
    );
    assert!(connected.sign_in.is_none(), "it is let in by its key");
    assert!(desk.plan("claude-desktop", json!({ "what": "connect" })).await.is_empty);

    let plan = desk.plan("claude-desktop", json!({ "what": "disconnect" })).await;
    assert_eq!(plan.revokes_key_of.as_deref(), Some("Claude Desktop"));
    desk.apply(&plan).await;
    assert_eq!(desk.read(CLAUDE), None, "there was no file before");
    assert!(!file.exists());
    assert_eq!(agent.get("/api/users/me").await.status, StatusCode::UNAUTHORIZED);
    desk.stop().await;
}

#[tokio::test]
async fn agents_of_the_same_name_are_distinguished() {
    let desk = Desk::new().await;
    desk.scene.owner.create_key("Cursor").await;
    let plan = desk.plan("cursor", with_key("cursor", "connect")).await;
    assert_eq!(plan.makes_key_for.as_deref(), Some("Cursor 2"));
    desk.apply(&plan).await;
    assert_eq!(desk.agents().await.len(), 2);

    let project = desk.scene.gateway.place().files().join("my-project");
    std::fs::create_dir(&project).expect("a directory");
    let path = project.join(CURSOR);
    let named = json!({ "what": "connect", "path": path, "via": "http_environment" });
    let plan = desk.plan("cursor", named).await;
    assert_eq!(plan.makes_key_for.as_deref(), Some("Cursor (my-project)"));
    let plan = desk.plan("cursor", json!({ "what": "connect", "path": path })).await;
    assert_eq!(plan.makes_key_for, None, "its bridge signs in");
    desk.apply(&plan).await;
    let text = std::fs::read_to_string(&path).expect("the project's file");
    assert!(!text.contains("ap_") && text.contains("bridge"), "it gets shared: {text}");
    let entry: Value = serde_json::from_str(&text).expect("JSON");
    let name = entry["mcpServers"]["agentport"]["args"][2].as_str().expect("a name").to_owned();
    assert!(name.starts_with("cursor-") && name.len() == "cursor-".len() + 8, "{name}");
    assert!(desk.kept("sign-ins").join(format!("{name}.json")).exists());
    let all = format!("/control/clients?folder={}", project.display());
    let all: Value = desk.scene.owner.ask(Method::GET, &all, None).await;
    let cursor = all["items"].as_array().expect("a list").iter().find(|one| one["id"] == "cursor");
    let files = cursor.expect("Cursor")["files"].clone();
    let files: Vec<agentport_clients::types::FileView> =
        serde_json::from_value(files).expect("files");
    let [user, project] = files.as_slice() else { panic!("{files:?}") };
    assert!(user.scope == FileScope::User && user.connected.is_some());
    assert!(project.scope == FileScope::Project && project.connected.is_some());
    desk.does("cursor", json!({ "what": "disconnect", "path": path })).await;
    assert!(!path.exists());
    assert_eq!(desk.agents().await, ["Cursor", "Cursor 2"]);
    desk.stop().await;
}

#[tokio::test]
async fn a_key_in_a_variable_is_shown_once() {
    let desk = Desk::new().await;
    let want = json!({ "what": "connect", "via": "http_environment" });
    let applied = desk.does("cursor", want.clone()).await;
    let environment = applied.environment.expect("a variable");
    assert_eq!(environment.variable, "AGENTPORT_KEY_CURSOR");
    let text = desk.read(CURSOR).expect("the file");
    assert!(text.contains("${env:AGENTPORT_KEY_CURSOR}") && !text.contains("ap_"), "{text}");
    let agent = Wire::new(desk.scene.gateway.base()).with_key(&environment.key);
    assert_eq!(agent.get("/api/users/me").await.status, StatusCode::OK);
    assert!(desk.file("cursor").await.connected.expect("an entry").agent.is_some());
    assert!(desk.plan("cursor", want).await.is_empty);
    desk.does("cursor", json!({ "what": "disconnect" })).await;
    assert_eq!(agent.get("/api/users/me").await.status, StatusCode::UNAUTHORIZED);
    desk.stop().await;
}

#[tokio::test]
async fn a_client_stays_the_agent_it_is() {
    let desk = Desk::new().await;
    desk.connect("cursor").await;
    let key = key_of(&desk.json(CURSOR));
    let agent = desk.file("cursor").await.connected.expect("an entry").agent;
    // The gateway comes back at another port.
    let desk = desk.at_another_port().await;
    assert!(!desk.file("cursor").await.connected.expect("an entry").current);
    let plan = desk.plan("cursor", json!({ "what": "connect" })).await;
    assert_eq!((plan.is_empty, plan.makes_key_for.as_deref()), (false, None));
    desk.apply(&plan).await;
    assert_eq!(key_of(&desk.json(CURSOR)), key, "the same key, at the new address");
    let connected = desk.file("cursor").await.connected.expect("an entry");
    assert!(connected.current && connected.agent == agent);

    desk.does("cursor", json!({ "what": "connect", "via": "bridge" })).await;
    let file = desk.kept("keys/cursor");
    assert_eq!(std::fs::read_to_string(&file).expect("the key").trim(), key);
    assert!(!desk.read(CURSOR).expect("the file").contains(&key));
    assert_eq!(desk.file("cursor").await.connected.expect("an entry").agent, agent);
    desk.does("cursor", json!({ "what": "connect", "via": "http" })).await;
    assert_eq!(key_of(&desk.json(CURSOR)), key);
    assert!(!file.exists(), "nobody needs it there any more");
    assert_eq!(desk.agents().await, ["Cursor"]);

    // A key that was revoked is replaced.
    let id = agent.expect("an agent");
    let revoked = desk.scene.owner.send(Method::DELETE, &format!("/control/keys/{id}"), None).await;
    assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    assert_eq!(desk.file("cursor").await.connected.expect("an entry").agent, None);
    let plan = desk.plan("cursor", json!({ "what": "connect" })).await;
    assert_eq!(plan.makes_key_for.as_deref(), Some("Cursor"), "the way it is connected stays");
    desk.apply(&plan).await;
    assert_ne!(key_of(&desk.json(CURSOR)), key);

    // A bridge's is dropped, where the file itself stays as it is: it signs in from then on.
    desk.connect("claude-desktop").await;
    let key = desk.gives_bridge_key("claude-desktop", "Claude Desktop").await;
    let (entry, file) = (desk.read(CLAUDE), desk.kept("keys/claude-desktop"));
    desk.scene.owner.revoke(&key).await;
    let plan = desk.plan("claude-desktop", json!({ "what": "connect" })).await;
    assert!(!plan.is_empty && plan.makes_key_for.is_none(), "{plan:?}");
    desk.apply(&plan).await;
    assert!(desk.read(CLAUDE) == entry && !file.exists());
    let connected = desk.file("claude-desktop").await.connected.expect("an entry");
    assert!(connected.agent.is_none() && connected.sign_in.is_some());
    desk.stop().await;
}

#[tokio::test]
async fn an_entry_that_was_copied_has_anothers_key() {
    let desk = Desk::new().await;
    desk.connect("cursor").await;
    let text = desk.read(CURSOR).expect("the file");
    let key = key_of(&desk.json(CURSOR));
    // Of the same form as Cursor's.
    const JUNIE: &str = ".junie/mcp/mcp.json";
    desk.put(JUNIE, &text);
    let agent = async |client: &str| desk.file(client).await.connected.expect("an entry").agent;
    assert_eq!(agent("junie").await, agent("cursor").await);
    let plan = desk.plan("junie", json!({ "what": "disconnect" })).await;
    assert_eq!(plan.revokes_key_of, None, "it is Cursor's");
    desk.connect("junie").await;
    assert_ne!(key_of(&desk.json(JUNIE)), key);
    assert_ne!(agent("junie").await, agent("cursor").await);
    assert_eq!(desk.agents().await, ["Cursor", "Junie"]);

    desk.connect("claude-desktop").await;
    desk.gives_bridge_key("claude-desktop", "Claude Desktop").await;
    let entry = desk.read(CLAUDE).expect("the file");
    desk.put(".lmstudio/mcp.json", &entry);
    desk.does("lm-studio", json!({ "what": "disconnect" })).await;
    assert!(desk.kept("keys/claude-desktop").exists() && agent("claude-desktop").await.is_some());
    desk.stop().await;
}

#[tokio::test]
async fn servers_that_bypass_agentport_are_reported() {
    let desk = Desk::new().await;
    let servers = json!({ "mcpServers": {
        "github": { "command": "true", "env": { "GITHUB_TOKEN": "fake-token-0001" } },
        "remote": {
            "url": "https://example.test/mcp",
            "headers": { "Authorization": "Bearer fake-token-0002" },
        },
    } });
    desk.put(CURSOR, &servers.to_string());
    let sentence = "2 servers of Cursor still bypass AgentPort (2 secrets in clear).";
    let plan = desk.plan("cursor", json!({ "what": "connect" })).await;
    assert_eq!(plan.bypassing.as_ref().map(|it| it.sentence.as_str()), Some(sentence));
    let applied = desk.apply(&plan).await;
    assert_eq!(applied.bypassing, plan.bypassing);
    let bypassing = desk.client("cursor").await.bypassing.expect("servers of its own");
    assert_eq!((bypassing.servers, bypassing.secrets_in_clear), (2, 2));
    let over = desk.plan("cursor", json!({ "what": "consolidate" })).await;
    assert_eq!(over.bypassing, None);
    let part = json!({ "what": "consolidate", "keep": ["remote"] });
    let part = desk.plan("cursor", part).await.bypassing.expect("one stays");
    assert_eq!((part.servers, part.secrets_in_clear), (1, 1));
    desk.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_gets_a_key_is_closed_and_opened_again() {
    use std::os::unix::fs::PermissionsExt as _;

    let desk = Desk::new().await;
    let before = "{\n  \"mcpServers\": {}\n}\n";
    desk.put(CURSOR, before);
    let file = desk.at(CURSOR);
    let mode = || std::fs::metadata(&file).expect("the file").permissions().mode() & 0o777;
    let open = || {
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(&file, open).expect("a mode");
    };
    for way_back in ["restore", "disconnect"] {
        open();
        let plan = desk.plan("cursor", with_key("cursor", "connect")).await;
        let change = plan.files[0].mode.as_ref().expect("a change of the mode");
        assert_eq!((change.from.as_str(), change.to.as_str()), ("0644", "0600"));
        assert!(plan.files[0].diff.starts_with("old mode 0644\nnew mode 0600\n"));
        assert_eq!(mode(), 0o644, "a plan changes nothing");
        desk.apply(&plan).await;
        assert_eq!(mode(), 0o600);
        desk.does("cursor", json!({ "what": way_back })).await;
        assert_eq!((desk.read(CURSOR).as_deref(), mode()), (Some(before), 0o644), "{way_back}");
    }
    // A mode that the owner chose since stays.
    open();
    desk.connect("cursor").await;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("a mode");
    desk.does("cursor", json!({ "what": "restore" })).await;
    assert_eq!(mode(), 0o640);
    desk.stop().await;
}
