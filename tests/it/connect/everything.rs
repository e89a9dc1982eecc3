//! Real servers moved from a client's file to the gateway and back, seen by a client started from that file.

use std::collections::BTreeSet;

use agentport_tests::{StdioClient, programs};
use serde_json::{Map, Value, json};

use super::{CLAUDE, Desk};

const REVISION: &str = "2025-06-18";
const NOTE: &str = "the note is read by way of the file";

/// Claude Desktop's file, with three servers as their own pages have it.
fn servers(desk: &Desk) -> Value {
    let folder = desk.at("notes");
    std::fs::create_dir_all(&folder).expect("a directory");
    std::fs::write(folder.join("note.txt"), NOTE).expect("a note");
    let script = |name: &str| {
        programs::npm_file(&format!("@modelcontextprotocol/server-{name}/dist/index.js"))
    };
    let node = programs::node();
    json!({
        "globalShortcut": "Ctrl+Space",
        "mcpServers": {
            "filesystem": { "command": node, "args": [script("filesystem"), folder] },
            "memory": {
                "command": node,
                "args": [script("memory")],
                "env": { "MEMORY_FILE_PATH": desk.at("memory.jsonl") },
            },
            "everything": { "command": node, "args": [script("everything")] },
        },
    })
}

/// Starts a server as Claude Desktop does: by what stands in its file.
async fn start(desk: &Desk, name: &str) -> StdioClient {
    let entry = desk.json(CLAUDE)["mcpServers"][name].take();
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{entry}")).to_owned();
    // What programs get that are started from a menu.
    let from = desk.scene.gateway.setup.command(&[]);
    let mut command = std::process::Command::new(text(&entry["command"]));
    command.args(entry["args"].as_array().expect("arguments").iter().map(text)).env_clear();
    command.envs(from.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let none = Map::new();
    let env = entry["env"].as_object().unwrap_or(&none);
    command.envs(env.iter().map(|(name, value)| (name, text(value))));
    let errors = std::fs::File::options().create(true).append(true).open(desk.at("client-stderr"));
    command.stderr(errors.expect("a file for stderr"));
    let mut client = StdioClient::start(command);
    client.open(REVISION, json!({})).await;
    client
}

fn names(tools: &Value) -> BTreeSet<String> {
    let tools = tools.as_array().unwrap_or_else(|| panic!("no tools: {tools}")).iter();
    tools.map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
}

async fn leave(client: StdioClient) {
    let (status, _) = client.leave().await;
    assert!(status.success(), "{status}");
}

/// What each server has, and what it answers, started from the file.
async fn seen(desk: &Desk) -> Vec<(BTreeSet<String>, String)> {
    let note = desk.at("notes/note.txt");
    let mut all = Vec::new();
    for (name, tool, arguments) in [
        ("filesystem", "read_text_file", json!({ "path": note })),
        ("memory", "read_graph", json!({})),
        ("everything", "echo", json!({ "message": "hello" })),
    ] {
        let mut client = start(desk, name).await;
        let tools = names(&client.ask("tools/list", json!({})).await["tools"]);
        let answer = client.tool(tool, arguments).await.ran().text;
        // Some of these end with an error of their own when their client goes.
        client.leave().await;
        all.push((tools, answer));
    }
    all
}

#[tokio::test]
async fn three_servers_go_over_and_come_back() {
    let desk = Desk::new().await;
    let original = format!("{:#}\n", servers(&desk));
    desk.put(CLAUDE, &original);
    let before = seen(&desk).await;
    assert_eq!(before[0].1, NOTE);

    desk.consolidate("claude-desktop").await;
    let names_left: Vec<String> =
        desk.json(CLAUDE)["mcpServers"].as_object().expect("servers").keys().cloned().collect();
    assert_eq!(names_left, ["agentport"]);
    let mut client = start(&desk, "agentport").await;
    desk.scene.owner.consents_once().await;
    client.next_message_of_method("notifications/tools/list_changed").await;
    client
        .call_tool("filesystem", "write_file", json!({ "path": desk.at("notes/x"), "content": "" }))
        .await
        .request();
    for (id, (tools, _)) in ["filesystem", "memory", "everything"].iter().zip(&before) {
        desk.scene.owner.allow_all(id).await;
        let listed =
            client.tool("agentport__list_integration_tools", json!({ "integration_id": id })).await;
        let listed = listed.ran().structured.expect("an object");
        // One of them has more for a client that can be asked things, as the gateway can.
        assert!(tools.is_subset(&names(&listed["tools"])), "{id}: {listed}");
    }
    let note = json!({ "path": desk.at("notes/note.txt") });
    let read = client.call_tool("filesystem", "read_text_file", note).await;
    assert_eq!(read.ran().text, NOTE);
    let entity = json!({ "name": "Ada", "entityType": "person", "observations": ["counts"] });
    client.call_tool("memory", "create_entities", json!({ "entities": [entity] })).await.ran();
    let echoed = client.call_tool("everything", "echo", json!({ "message": "hello" })).await;
    assert_eq!(echoed.ran().text, before[2].1);
    let used = desk.file("claude-desktop").await.connected.expect("an entry");
    assert!(used.current && used.first_call_at.is_some());
    leave(client).await;

    desk.does("claude-desktop", json!({ "what": "restore", "remove_integrations": true })).await;
    assert_eq!(desk.read(CLAUDE), Some(original));
    assert!(desk.integrations().await.is_empty());
    let after = seen(&desk).await;
    assert_eq!((&after[0], &after[2]), (&before[0], &before[2]));
    assert_eq!(after[1].0, before[1].0);
    assert!(after[1].1.contains("Ada"), "the same memory: {}", after[1].1);
    desk.stop().await;
}
