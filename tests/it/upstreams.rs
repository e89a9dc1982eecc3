//! Real servers behind the gateway, and servers that misbehave.

use std::time::{Duration, Instant};

use agentport_api::Health;
use agentport_tests::{
    Era, HttpFixture, Latch, SOON,
    process::{alive, gone},
    within,
};
use http::Method;
use serde_json::{Value, json};

use crate::scene::Scene;

#[tokio::test]
async fn server_everything() {
    let scene = Scene::empty().await;
    let script = "@modelcontextprotocol/server-everything/dist/index.js";
    let view = scene.owner.add_node("everything", script, &["stdio"]).await;
    assert!(view.tools.total >= 8, "{view:?}");
    scene.owner.allow_all("everything").await;
    let agent = scene.agent(Era::Legacy).await;
    let said = agent.call_tool("everything", "echo", json!({"message": "through"})).await.ran();
    assert_eq!(said.text, "Echo: through");
    let sum = agent.call_tool("everything", "get-sum", json!({"a": 2, "b": 40})).await.ran();
    assert!(sum.text.contains("42"), "{}", sum.text);
    let structured = agent
        .call_tool("everything", "get-structured-content", json!({"location": "Chicago"}))
        .await
        .ran();
    assert!(structured.structured.is_some());
    let image = agent.call_tool("everything", "get-tiny-image", json!({})).await.ran();
    assert!(
        image.raw["content"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["type"] == "image"))
    );
    agent.leave().await;
    scene.stop().await;
}

#[tokio::test]
async fn server_filesystem() {
    let scene = Scene::empty().await;
    let folder = scene.gateway.place().files().join("folder");
    std::fs::create_dir(&folder).expect("a directory");
    let script = "@modelcontextprotocol/server-filesystem/dist/index.js";
    let folder_name = folder.to_str().expect("a path in Unicode");
    scene.owner.add_node("files", script, &[folder_name]).await;
    scene.owner.change("files", json!({"read_only_may_run": true})).await;

    let path = folder.join("note.txt");
    let write = json!({"path": path, "content": "written with leave"});
    let id = scene.wire.call_tool("files", "write_file", write).await.request();
    assert!(!path.exists());
    let view = scene.owner.approval(id).await;
    assert!(view.summary.contains("note.txt"), "the owner reads which file: {}", view.summary);
    scene.owner.approve(id, agentport_api::GrantChoice::Once).await;
    scene.wire.await_approval(&id.to_string()).await.ran();
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), "written with leave");

    let read = scene.wire.call_tool("files", "read_text_file", json!({"path": path})).await.ran();
    assert!(read.text.contains("written with leave"));
    let outside =
        scene.wire.call_tool("files", "read_text_file", json!({"path": "/etc/hostname"})).await;
    assert!(outside.is_error, "the server's own refusal keeps its isError");
    assert!(outside.text.to_lowercase().contains("denied"), "and its content: {}", outside.text);
    scene.stop().await;
}

#[tokio::test]
async fn server_memory() {
    let scene = Scene::empty().await;
    let script = "@modelcontextprotocol/server-memory/dist/index.js";
    let memory = scene.gateway.place().files().join("memory.jsonl");
    let script = agentport_tests::programs::npm_file(script);
    let connection = json!({
        "type": "local_mcp",
        "command": agentport_tests::programs::node(),
        "args": [script],
        "env": {"MEMORY_FILE_PATH": memory},
    });
    scene.owner.add(json!({"id": "memory", "connection": connection})).await;
    scene.owner.allow_all("memory").await;
    let entities = json!({"entities": [{"name": "someone", "entityType": "person", "observations": ["counts"]}]});
    scene.wire.call_tool("memory", "create_entities", entities).await.ran();
    let found =
        scene.wire.call_tool("memory", "search_nodes", json!({"query": "someone"})).await.ran();
    assert!(found.text.contains("counts"), "{}", found.text);
    assert!(memory.exists(), "the variable the owner set reached the server");
    scene.stop().await;
}

#[tokio::test]
async fn a_server_over_http_with_token_and_header() {
    let scene = Scene::empty().await;
    let fixture =
        HttpFixture::start(&["--token", "fake-token-1", "--require", "X-Team: fake-team-2"]).await;
    let add = |secret: &str| {
        json!({
            "id": "remote",
            "connection": {"type": "remote_mcp", "url": fixture.url, "headers": {
                "Authorization": "Bearer {token1}",
                "X-Team": "{token2}",
            }},
            "secrets": {"token1": secret, "token2": "fake-team-2"},
        })
    };
    let refused = scene.owner.send(Method::POST, "/control/integrations", Some(add("wrong"))).await;
    assert!(
        refused.status.is_client_error() || refused.status == 502,
        "{} {}",
        refused.status,
        refused.text
    );
    assert!(!refused.text.contains("wrong"), "the token is not repeated: {}", refused.text);
    let left: Vec<_> =
        scene.owner.integrations().await.into_iter().map(|one| one.id.to_string()).collect();
    assert!(!left.contains(&"remote".to_owned()), "nothing half-made stays: {left:?}");

    let view = scene.owner.add(add("fake-token-1")).await;
    assert!(view.connected && view.auth_method == "token", "{view:?}");
    scene.owner.allow_all("remote").await;
    let seen = scene
        .wire
        .call_tool("remote", "inspect", json!({}))
        .await
        .ran()
        .structured
        .expect("an object");
    // The values were right, or the fixture would not have answered; on their way back they are taken out.
    assert!(seen["headers"]["authorization"].is_string() && seen["headers"]["x-team"].is_string());
    assert!(seen["headers"].get("x-api-key").is_none(), "the agent's key stays with us");
    scene.stop().await;
}

#[tokio::test]
async fn a_token_that_is_refused_later_needs_auth_once() {
    let scene = Scene::empty().await;
    let fixture = HttpFixture::start(&["--token", "fake-token-1"]).await;
    let connection = json!({"type": "remote_mcp", "url": fixture.url, "headers": {"Authorization": "Bearer {token}"}});
    let body =
        json!({"id": "remote", "connection": connection, "secrets": {"token": "fake-token-1"}});
    scene.owner.add(body).await;
    scene.owner.allow_all("remote").await;
    scene.wire.call_tool("remote", "echo", json!({"text": "x"})).await.ran();
    let port = fixture.kill().await;
    let changed = HttpFixture::start_on(port, &["--token", "fake-token-2"]).await;
    let refused = scene.wire.call_tool("remote", "echo", json!({"text": "x"})).await;
    assert!(!refused.refused().contains("fake-token"), "{}", refused.text);
    scene
        .owner
        .integration_until("remote", "needs_auth", |view| {
            matches!(view.health, Health::NeedsAuth { .. })
        })
        .await;
    changed.stop().await;
    scene.stop().await;
}

#[tokio::test]
async fn a_remote_server_that_came_back() {
    let scene = Scene::empty().await;
    let fixture = HttpFixture::start(&[]).await;
    scene.owner.add_remote("remote", &fixture.url).await;
    scene.owner.allow_all("remote").await;
    scene.wire.call_tool("remote", "echo", json!({"text": "one"})).await.ran();
    let port = fixture.kill().await;
    let away = scene.wire.call_tool("remote", "echo", json!({"text": "two"})).await;
    assert!(away.refused().contains("remote"), "it names the integration: {}", away.text);
    let back = HttpFixture::start_on(port, &[]).await;
    let _: Value =
        scene.owner.ask(Method::POST, "/control/integrations/remote/restart", None).await;
    assert_eq!(
        scene.wire.call_tool("remote", "echo", json!({"text": "three"})).await.ran().text,
        "three"
    );
    back.stop().await;
    scene.stop().await;
}

#[tokio::test]
async fn a_failing_server_delays_no_other() {
    let scene = Scene::open().await;
    let keep = json!({
        "id": "sick",
        "connection": {"type": "local_mcp", "command": agentport_tests::programs::fixture(), "args": ["--hang"]},
        "keep_unreachable": true,
    });
    // Adding waits for an answer that never comes; everything else goes on meanwhile.
    let adding = async {
        let added = scene.owner.send(Method::POST, "/control/integrations", Some(keep)).await;
        assert!(added.status.is_success(), "{}", added.text);
    };
    let others = async {
        for _ in 0..20 {
            let begun = Instant::now();
            scene.call("counter", json!({})).await.ran();
            assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        }
    };
    within(SOON * 4, "the sick server is given up", async { tokio::join!(adding, others) }).await;
    let (sick, well) = tokio::join!(
        scene.wire.call_tool("sick", "echo", json!({"text": "x"})),
        scene.call("echo", json!({"text": "well"})),
    );
    assert!(sick.is_error, "{}", sick.text);
    assert_eq!(well.ran().text, "well");
    scene.stop().await;
}

#[tokio::test]
async fn a_crash_fails_its_call_and_the_next_starts_anew() {
    let scene = Scene::open().await;
    let first = scene.call("inspect", json!({})).await.ran().structured.expect("an object");
    let crashed = scene.call("crash", json!({})).await;
    assert!(crashed.refused().contains("fx"), "it names the integration: {}", crashed.text);
    assert_eq!(scene.runs("crash"), 1, "a call that may have run is not repeated");
    let _: Value = scene.owner.ask(Method::POST, "/control/integrations/fx/restart", None).await;
    let second = scene.call("inspect", json!({})).await.ran().structured.expect("an object");
    assert_ne!(first["pid"], second["pid"]);
    assert!(
        scene.owner.integration("fx").await.last_error.is_some(),
        "what happened stays readable"
    );
    scene.stop().await;
}

#[tokio::test]
async fn a_server_that_talks_rubbish_on_stdout_still_works() {
    let scene = Scene::empty().await;
    scene
        .owner
        .add_fixture("noisy", &["--garbage", "--stderr", "a word on stderr \u{1b}[31mred"])
        .await;
    scene.owner.allow_all("noisy").await;
    assert_eq!(scene.wire.call_tool("noisy", "echo", json!({"text": "x"})).await.ran().text, "x");
    let log: Value = scene.owner.ask(Method::GET, "/control/integrations/noisy/log", None).await;
    let text = log.to_string();
    assert!(text.contains("a word on stderr"), "{text}");
    assert!(!text.contains("\\u001b"), "control characters are cleaned: {text}");
    scene.stop().await;
}

#[tokio::test]
async fn the_process_tree_ends_with_its_integration_and_with_the_gateway() {
    let scene = Scene::open().await;
    let tree = async || {
        let spawned = scene.call("spawn", json!({})).await.ran().structured.expect("an object");
        ["pid", "parent"]
            .map(|name| u32::try_from(spawned[name].as_u64().expect("a pid")).expect("a pid"))
    };
    let removed = tree().await;
    assert!(removed.iter().all(|pid| alive(*pid)));
    scene.owner.remove("fx").await;
    for pid in removed {
        assert!(gone(pid, SOON).await, "{pid} outlives its integration");
    }
    scene.add_fixture("fx").await;
    scene.owner.allow_all("fx").await;
    let [child, parent] = tree().await;
    scene.stop().await;
    for pid in [child, parent] {
        assert!(!alive(pid), "{pid} outlives the gateway");
    }
}

#[tokio::test]
async fn the_environment_is_cleaned() {
    let setup =
        agentport_tests::gateway::Setup::default().env("AWS_SECRET_ACCESS_KEY", "fake-from-shell");
    let scene = Scene::with(setup).await;
    let connection = json!({
        "type": "local_mcp",
        "command": agentport_tests::programs::fixture(),
        "env": {"PLAIN": "shown"},
        "secret_env": ["HIDDEN"],
    });
    scene
        .owner
        .add(json!({"id": "fx", "connection": connection, "secrets": {"HIDDEN": "fake-secret"}}))
        .await;
    scene.owner.allow_all("fx").await;
    let env = async |name: &str| {
        scene.call("env", json!({"name": name})).await.ran().structured.expect("an object")
    };
    assert_eq!(env("PLAIN").await["value"], "shown");
    let seen = env("AWS_SECRET_ACCESS_KEY").await;
    assert_eq!(seen["value"], Value::Null);
    let names: Vec<_> =
        seen["names"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert!(
        names.contains(&"PATH") && names.contains(&"HOME") && names.contains(&"HIDDEN"),
        "{names:?}"
    );
    assert!(!names.iter().any(|name| name.starts_with("AGENTPORT")), "{names:?}");
    scene.stop().await;
}

#[tokio::test]
async fn progress_comes_through_under_the_callers_token() {
    for era in [Era::Legacy, Era::Modern] {
        for remote in [false, true] {
            let scene = Scene::empty().await;
            let fixture = if remote { Some(HttpFixture::start(&[]).await) } else { None };
            match &fixture {
                Some(fixture) => drop(scene.owner.add_remote("fx", &fixture.url).await),
                None => scene.add_fixture("fx").await,
            }
            scene.owner.allow_all("fx").await;
            let mut agent = scene.agent(era).await;
            agent.call_tool("fx", "slow", json!({"ms": 100})).await.ran();
            let heard = agent.heard("progress", |heard| heard.progress.len() >= 10).await;
            let steps: Vec<_> = heard.progress.iter().map(|step| step.progress).collect();
            assert_eq!(
                steps,
                (1..=10).map(f64::from).collect::<Vec<_>>(),
                "{era:?} remote: {remote}"
            );
            agent.leave().await;
            scene.stop().await;
        }
    }
}

#[tokio::test]
async fn cancelling_reaches_the_server() {
    let scene = Scene::open().await;
    let latch = Latch::new().await;
    // Revision 2026-07-28: closing the response stream is the cancellation.
    let held = tokio::select! {
        _ = scene.call("hold", latch.arguments()) => panic!("the call is held"),
        held = latch.begun() => held,
    };
    held.cancelled().await;

    // Before it, a notification is; rmcp's client sends one when the call's future is dropped.
    let agent = scene.agent(Era::Legacy).await;
    let held = tokio::select! {
        _ = agent.call_tool("fx", "hold", latch.arguments()) => panic!("the call is held"),
        held = latch.begun() => held,
    };
    held.cancelled().await;
    agent.leave().await;
    scene.stop().await;
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_given_up() {
    let scene = Scene::open().await;
    scene.owner.settings(json!({"call_timeout_seconds": 1})).await;
    let latch = Latch::new().await;
    let (answer, held) = tokio::join!(scene.call("hold", latch.arguments()), latch.begun());
    assert!(answer.is_error, "{}", answer.text);
    held.cancelled().await;
    assert_eq!(scene.call("echo", json!({"text": "x"})).await.ran().text, "x");
    scene.stop().await;
}
