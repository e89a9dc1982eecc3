//! Clients of other projects that are given the URL of the event stream.

use agentport_api::GrantChoice;
use agentport_tests::{KeyProxy, Latch, external_program::ExternalProgram};
use serde_json::{Value, json};

use crate::scene::Scene;

const INSPECTOR: &str = "@modelcontextprotocol/inspector/clients/launcher/build/index.js";

/// With a tool that runs by itself, and one that asks.
async fn scene() -> Scene {
    let scene = Scene::open().await;
    scene.owner.set_policy("fx", "counter", agentport_core::policy::Mode::RequireApproval).await;
    scene
}

fn sse_url(scene: &Scene) -> String {
    format!("{}/sse", scene.gateway.base())
}

async fn approve_one(scene: &Scene) {
    let pending = scene.owner.one_pending().await;
    scene.owner.approve(pending.id, GrantChoice::Once).await;
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))
}

fn has_walked(said: &[Value]) {
    assert_eq!(said[0]["tools"], 12, "{said:?}");
    assert_eq!(said[1]["echo"], "from far away");
    assert!(said[2]["asked"].as_str().is_some_and(|text| text.contains("/approve/")), "{said:?}");
    assert_eq!(said[3]["awaited"], "counted");
}

async fn python_walks(scene: &Scene, url: &str, key: &str, mode: &str) {
    let program = ExternalProgram::python("sse_sdk_client.py")
        .env("AGENTPORT_TEST_URL", url)
        .env("AGENTPORT_TEST_KEY", key)
        .env("AGENTPORT_TEST_MODE", mode)
        .run();
    let (ended, ()) = tokio::join!(program, approve_one(scene));
    let said: Vec<Value> = ended.ok().lines().map(parsed).collect();
    has_walked(&said);
    assert_eq!(said[4]["steps"], json!([0.0, 50.0, 100.0]), "{mode}");
}

#[tokio::test]
async fn the_python_sdk() {
    let scene = scene().await;
    for mode in ["legacy", "auto"] {
        python_walks(&scene, &sse_url(&scene), &scene.key.key, mode).await;
    }
    assert_eq!(scene.runs("counter"), 2);
    let client = async || {
        let names = scene.owner.keys().await.into_iter().filter_map(|key| key.client);
        names.into_iter().find(|name| name.contains("sdk-test-python"))
    };
    scene.owner.until("the client's own name, kept as unverified", client).await;
    scene.stop().await;
}

#[tokio::test]
async fn the_python_sdk_behind_a_reverse_proxy_with_a_prefix() {
    let scene = scene().await;
    let proxy = KeyProxy::under(&scene.gateway, &scene.key.key, "/some/prefix").await;
    let url = proxy.url.replace("/mcp", "/sse");
    assert!(url.ends_with("/some/prefix/sse"), "{url}");
    python_walks(&scene, &url, "the-proxy-has-it", "legacy").await;
    drop(proxy);
    scene.stop().await;
}

#[tokio::test]
async fn the_typescript_sdk() {
    let scene = scene().await;
    let latch = Latch::new().await;
    let key = scene.owner.create_key_with(json!({"name": "typescript"})).await;
    let mut program = ExternalProgram::script("sse-client.mjs")
        .env("AGENTPORT_TEST_URL", format!("{}?mode=direct", sse_url(&scene)))
        .env("AGENTPORT_TEST_KEY", &key.key)
        .env("AGENTPORT_TEST_PORT", latch.port().to_string())
        .start(&scene.gateway.place().files().join("typescript"));
    let mut said = Vec::new();
    let walked = async {
        while said.len() < 6 {
            said.push(parsed(&program.line().await.expect("a line")));
        }
    };
    let ((), ()) = tokio::join!(walked, approve_one(&scene));
    assert_eq!(said[1]["echo"], "from far away");
    assert_eq!(said[3]["awaited"], "counted");
    assert_eq!(said[4]["steps"], json!([0, 50, 100]));
    let held = latch.begun().await;
    program.feed("stop\n");
    held.cancelled().await;
    let cancelled = parsed(&program.line().await.expect("a line"));
    assert!(
        cancelled["cancelled"].as_str().is_some_and(|text| text.contains("enough")),
        "{cancelled}"
    );
    let before = said[0]["tools"].as_u64().expect("a number");
    scene.add_fixture("another").await;
    let changed = parsed(&program.line().await.expect("a line"));
    assert!(changed["changed"].as_u64().is_some_and(|after| after > before), "{changed}");
    assert_eq!(program.ended(agentport_tests::SOON).await.expect("it ends").code(), Some(0));
    scene.stop().await;
}

#[tokio::test]
async fn the_inspector() {
    let scene = scene().await;
    let key = format!("X-API-Key: {}", scene.key.key);
    let inspect = |method: &'static [&'static str]| {
        ExternalProgram::package(INSPECTOR)
            .args(["--cli", &sse_url(&scene), "--transport", "sse", "--protocol-era", "legacy"])
            .args(["--format", "json", "-q", "--header", &key, "--method"])
            .args(method)
    };
    let listed = inspect(&["tools/list"]).run().await.ok();
    assert!(listed.contains("agentport__call_tool"), "{listed}");
    let called = inspect(&[
        "tools/call",
        "--tool-name",
        "agentport__call_tool",
        "--tool-args-json",
        r#"{"integration_id": "fx", "tool_name": "echo", "arguments": {"text": "inspected"}}"#,
    ]);
    let called = called.run().await.ok();
    assert!(called.contains("inspected"), "{called}");
    scene.stop().await;
}

/// As a bridge for clients that only start programs: told which transport it is, and finding out by itself.
#[tokio::test]
async fn mcp_remote() {
    let scene = scene().await;
    for transport in ["sse-only", "http-first"] {
        let errors = scene.gateway.place().files().join(format!("mcp-remote-{transport}"));
        let header = format!("X-API-Key:{}", scene.key.key);
        let mut bridge = ExternalProgram::package("mcp-remote/dist/proxy.js")
            .args([&*sse_url(&scene), "--header", &header, "--transport", transport])
            .start(&errors);
        let said = json!({
            "jsonrpc": "2.0", "id": 1, "method": "initialize",
            "params": {
                "protocolVersion": "2024-11-05", "capabilities": {},
                "clientInfo": { "name": "behind a bridge", "version": "1" },
            },
        });
        bridge.write_line(&said.to_string());
        let answer = parsed(&bridge.line().await.expect("an answer"));
        assert_eq!(answer["result"]["serverInfo"]["name"], "agentport", "{transport}: {answer}");
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        bridge.write_line(&initialized.to_string());
        let arguments = json!({ "text": "over an old wire" });
        let call = json!({
            "jsonrpc": "2.0", "id": 2, "method": "tools/call",
            "params": {
                "name": "agentport__call_tool",
                "arguments": { "integration_id": "fx", "tool_name": "echo", "arguments": arguments },
            },
        });
        bridge.write_line(&call.to_string());
        let answer = parsed(&bridge.line().await.expect("an answer"));
        let text = &answer["result"]["content"][0]["text"];
        assert_eq!(text, "over an old wire", "{transport}: {answer}");
        bridge.stop().await;
    }
    scene.stop().await;
}
