//! A client's servers become integrations, secrets go to the vault, and the client keeps one entry.

use agentport_api::{Connection, Health, Imported};
use agentport_clients::types::ConflictView;
use agentport_tests::{HttpFixture, Wire, programs, upstream::fingerprint};
use http::StatusCode;
use serde_json::{Value, json};

use super::{CLINE, CURSOR, Desk, key_of};

const IN_ENV: &str = "fake-value-of-a-variable-0001";
const IN_ARGUMENT: &str = "fake-value-of-an-argument-0002";
const IN_HEADER: &str = "fake-value-of-a-header-0003";

/// What Cline has: a local server with secrets, one that is switched off, and one over HTTP.
fn servers(url: &str) -> Value {
    let fixture = programs::fixture();
    json!({ "mcpServers": {
        "local": {
            "command": fixture,
            "args": ["--token", IN_ARGUMENT],
            "env": { "PLAIN": "1", "SERVICE_TOKEN": IN_ENV },
            "timeout": 90,
            "autoApprove": ["echo", "add"],
            "colour": "green",
        },
        "sleeping": { "command": fixture, "disabled": true },
        "Remote Server": {
            "type": "streamableHttp",
            "url": url,
            "headers": { "Authorization": format!("Bearer {IN_HEADER}") },
        },
    } })
}

fn no_secret(text: &str) {
    for secret in [IN_ENV, IN_ARGUMENT, IN_HEADER] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn everything_comes_along() {
    let remote = HttpFixture::start(&["--token", IN_HEADER]).await;
    let desk = Desk::new().await;
    let before = format!("{:#}\n", servers(&remote.url));
    desk.put(CLINE, &before);
    let reply = desk.try_plan("cline", json!({ "what": "consolidate" })).await;
    no_secret(&reply.text);
    let plan: agentport_clients::types::PlanView = agentport_tests::owner::typed(&reply);
    assert!(plan.conflicts.is_empty() && plan.left.is_empty(), "{plan:?}");
    let import =
        |name: &str| plan.imports.iter().find(|one| one.server == name).expect("an import");
    assert_eq!(import("local").secrets, ["env SERVICE_TOKEN", "argument 2"]);
    assert_eq!(import("local").auto_approve, ["echo", "add"]);
    assert_eq!(import("local").unknown, ["colour"]);
    assert!(import("local").enabled && !import("sleeping").enabled);
    assert_eq!(import("Remote Server").secrets, ["header Authorization"]);
    assert!(desk.integrations().await.is_empty(), "a plan changes nothing");

    let reply = desk.try_apply(&plan).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    no_secret(&reply.text);
    let added: Vec<Value> = reply.json()["added"].as_array().expect("a list").clone();
    assert_eq!(added, ["local", "sleeping", "remote-server"], "in the file's order");
    let file = desk.json(CLINE);
    assert_eq!(file["mcpServers"].as_object().map(|servers| servers.len()), Some(1), "{file}");

    // They run as they did, each with what it needs, and nobody gets to see that.
    let agent = Wire::new(desk.scene.gateway.base()).with_key(&key_of(&file));
    let asked = agent.call_tool("local", "echo", json!({ "text": "hello" })).await;
    asked.request();
    for id in ["local", "remote-server"] {
        desk.scene.owner.allow_all(id).await;
    }
    let call = async |id: &str, tool: &str, arguments: Value| {
        let answer = agent.call_tool(id, tool, arguments).await.ran();
        no_secret(&answer.raw.to_string());
        answer.structured.unwrap_or_default()
    };
    let seen = call("local", "env", json!({ "name": "SERVICE_TOKEN" })).await;
    assert_eq!(seen["sha256"], fingerprint(IN_ENV));
    let seen = call("local", "env", json!({ "name": "PLAIN" })).await;
    assert_eq!(seen["sha256"], fingerprint("1"));
    let pid = call("local", "inspect", json!({})).await["pid"].as_u64().expect("a process");
    let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).expect("its command line");
    assert!(line.contains(&format!("--token\0{IN_ARGUMENT}")), "{line}");
    call("remote-server", "inspect", json!({})).await;
    let refused = agent.call_tool("sleeping", "echo", json!({ "text": "x" })).await;
    refused.refused();

    let view = desk.scene.owner.integration("local").await;
    let Connection::LocalMcp { timeout_seconds, secret_env, secret_args, .. } = &view.connection
    else {
        panic!("{view:?}")
    };
    assert_eq!(
        (*timeout_seconds, secret_env.as_slice()),
        (Some(90), &["SERVICE_TOKEN".to_owned()][..])
    );
    assert_eq!(secret_args, &[1]);
    let imported = view.imported.expect("where it came from");
    let expected = Imported {
        from: "Cline".to_owned(),
        auto_approve: vec!["echo".to_owned(), "add".to_owned()],
        auto_approve_all: false,
        extra: json!({ "colour": "green" }),
    };
    assert_eq!(imported, expected);
    assert_eq!(desk.scene.owner.integration("sleeping").await.health, Health::Disabled);
    let mut policy = desk.scene.owner.policy().await;
    policy.retain(|rule| !rule.sentence.ends_with("in Demo notes"));
    assert!(policy.is_empty(), "a proposal is no rule: {policy:?}");
    for path in ["/control/integrations", "/control/audit", "/control/backup", "/control/clients"] {
        no_secret(&desk.scene.owner.wire.get(path).await.text);
    }
    let home = desk.scene.gateway.place().home();
    let desk = Desk { scene: desk.scene.restart().await };
    for name in ["agentport.sqlite", "agentport.sqlite-wal"] {
        let bytes = std::fs::read(home.join(name)).unwrap_or_default();
        no_secret(&String::from_utf8_lossy(&bytes));
    }
    assert!(desk.plan("cline", json!({ "what": "consolidate" })).await.is_empty);
    desk.stop().await;
    remote.stop().await;
}

#[tokio::test]
async fn equal_servers_are_merged_and_different_ones_are_chosen() {
    let desk = Desk::new().await;
    let fixture = programs::fixture();
    let server = |value: &str| json!({ "command": fixture, "env": { "SERVICE_TOKEN": value } });
    desk.put(CLINE, &json!({ "mcpServers": { "one": server(IN_ENV) } }).to_string());
    desk.consolidate("cline").await;
    let servers = json!({ "mcpServers": { "mine": server(IN_ENV), "one": server(IN_ARGUMENT) } });
    desk.put(CURSOR, &servers.to_string());
    let before = desk.read(CURSOR);

    let want = |choice: Value| json!({ "what": "consolidate", "choices": { "one": choice } });
    let plan = desk.plan("cursor", json!({ "what": "consolidate" })).await;
    let mine = plan.imports.iter().find(|one| one.server == "mine").expect("an import");
    assert!(mine.merged && mine.id.as_str() == "one", "the same secret, by another name");
    let [ConflictView::Name { server: name, suggestion, here, there, differs, .. }] =
        plan.conflicts.as_slice()
    else {
        panic!("{:?}", plan.conflicts)
    };
    assert_eq!(here, there, "only the secret differs");
    assert_eq!(differs.as_deref(), Some("They differ in the secret (env SERVICE_TOKEN)."));
    assert_eq!((name.as_str(), suggestion.as_str()), ("one", "one-2"));
    let undecided = desk.try_apply(&plan).await;
    assert_eq!(undecided.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", undecided.text);
    assert_eq!(desk.read(CURSOR), before);
    assert_eq!(desk.integrations().await, ["one"]);

    // To stay in the client, to use what there is, or to come under another id.
    let kept = desk.plan("cursor", want(json!({ "choice": "keep_in_client" }))).await;
    assert!(kept.conflicts.is_empty() && kept.left.iter().any(|left| left.server == "one"));
    let used = desk.plan("cursor", want(json!({ "choice": "use_existing" }))).await;
    assert!(used.conflicts.is_empty() && used.imports.iter().all(|one| one.merged), "{used:?}");
    let taken = want(json!({ "choice": "rename", "id": "one" }));
    assert!(!desk.plan("cursor", taken).await.conflicts.is_empty(), "it is still taken");
    let renamed = want(json!({ "choice": "rename", "id": "second" }));
    let applied = desk.does("cursor", renamed).await;
    assert_eq!(applied.added.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["second"]);
    assert_eq!(desk.integrations().await, ["one", "second"]);
    desk.scene.owner.allow_all("second").await;
    let seen = desk.scene.wire.call_tool("second", "env", json!({ "name": "SERVICE_TOKEN" }));
    let seen = seen.await.ran().structured.expect("an object");
    assert_eq!(seen["sha256"], fingerprint(IN_ARGUMENT));
    desk.stop().await;
}

#[tokio::test]
async fn servers_the_gateway_cannot_use_stay() {
    let desk = Desk::new().await;
    let servers = json!({ "mcpServers": {
        "good": { "command": programs::fixture() },
        "asks": { "command": programs::fixture(), "env": { "TOKEN": "${input:token}" } },
        "odd": { "url": "ftp://example.org/mcp" },
        "kept": { "command": programs::fixture() },
    } });
    desk.put(CURSOR, &servers.to_string());
    let plan = desk.plan("cursor", json!({ "what": "consolidate", "keep": ["kept"] })).await;
    let left: Vec<&str> = plan.left.iter().map(|left| left.server.as_str()).collect();
    assert_eq!(left, ["asks", "odd", "kept"], "{:?}", plan.left);
    assert!(plan.left.iter().all(|left| left.why.len() > 10), "{:?}", plan.left);
    desk.apply(&plan).await;
    let file = desk.json(CURSOR);
    let names: Vec<&str> =
        file["mcpServers"].as_object().expect("servers").keys().map(String::as_str).collect();
    assert!(names.len() == 4 && !names.contains(&"good") && names.contains(&"agentport"));
    assert_eq!(desk.integrations().await, ["good"]);
    desk.stop().await;
}

#[tokio::test]
async fn failed_starts_are_reported_before_the_client_is_restarted() {
    let desk = Desk::new().await;
    let servers = json!({ "mcpServers": {
        "good": { "command": programs::fixture() },
        "gone": { "command": "/nowhere/at-all" },
        "off": { "command": "/nowhere/at-all", "args": ["2"], "disabled": true },
    } });
    desk.put(CLINE, &servers.to_string());
    let applied = desk.consolidate("cline").await;
    assert_eq!(applied.added.len(), 3, "{applied:?}");
    let [failed] = applied.failed.as_slice() else { panic!("{applied:?}") };
    assert_eq!(failed.id.as_str(), "gone");
    assert!(failed.reason.contains("/nowhere/at-all"), "{}", failed.reason);
    assert!(applied.starting.is_empty(), "{applied:?}");
    // The way back is the usual one.
    let back = json!({ "what": "restore", "remove_integrations": true });
    desk.does("cline", back).await;
    assert_eq!(desk.json(CLINE), servers);
    assert!(desk.integrations().await.is_empty());
    desk.stop().await;
}

#[tokio::test]
async fn the_time_a_codex_server_may_take_to_start_comes_along() {
    let desk = Desk::new().await;
    let file = format!(
        "[mcp_servers.slow]\ncommand = {:?}\nstartup_timeout_sec = 45.5\ntool_timeout_sec = 90\n",
        programs::fixture()
    );
    desk.put(".codex/config.toml", &file);
    let plan = desk.plan("codex", json!({ "what": "consolidate" })).await;
    assert!(plan.imports[0].unknown.is_empty(), "{plan:?}");
    desk.apply(&plan).await;
    let view = desk.scene.owner.integration("slow").await;
    let Connection::LocalMcp { timeout_seconds, startup_timeout_seconds, .. } = view.connection
    else {
        panic!("{view:?}")
    };
    assert_eq!((timeout_seconds, startup_timeout_seconds), (Some(90), Some(46)));
    desk.stop().await;
}
