//! MCP clients of other projects against the gateway.

use agentport_api::GrantChoice;
use agentport_tests::external_program::ExternalProgram;
use serde_json::{Value, json};

use crate::scene::Scene;

const INSPECTOR: &str = "@modelcontextprotocol/inspector/clients/launcher/build/index.js";

#[tokio::test]
async fn the_inspector_in_both_eras() {
    let scene = Scene::open().await;
    for era in ["legacy", "modern"] {
        let inspect = |method: &'static [&'static str]| {
            let key = format!("X-API-Key: {}", scene.key.key);
            ExternalProgram::package(INSPECTOR)
                .args([
                    "--cli",
                    &scene.gateway.said.mcp_url,
                    "--transport",
                    "http",
                    "--protocol-era",
                    era,
                ])
                .args(["--format", "json", "-q", "--header", &key, "--method"])
                .args(method)
        };
        let listed = inspect(&["tools/list"]).run().await.ok();
        for name in ["agentport__call_tool", "agentport__await_approval", "agentport__whoami"] {
            assert!(listed.contains(name), "{era}: {listed}");
        }
        let called = inspect(&[
            "tools/call",
            "--tool-name",
            "agentport__call_tool",
            "--tool-args-json",
            r#"{"integration_id": "fx", "tool_name": "echo", "arguments": {"text": "inspected"}}"#,
        ]);
        let called = called.run().await.ok();
        assert!(called.contains("inspected"), "{era}: {called}");
    }
    scene.stop().await;
}

/// What the scripts print: one JSON object a line.
fn said(stdout: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    stdout.lines().map(parse).collect()
}

/// Both SDKs do the same: list, call an allowed tool, call one that asks, await while the owner approves.
async fn an_sdk(foreign: ExternalProgram) {
    let scene = Scene::new().await;
    scene.owner.change("fx", json!({"read_only_may_run": true})).await;
    let program = foreign
        .env("AGENTPORT_TEST_URL", &scene.gateway.said.mcp_url)
        .env("AGENTPORT_TEST_KEY", &scene.key.key)
        .run();
    let owner = async {
        let pending = scene.owner.one_pending().await;
        scene.owner.approve(pending.id, GrantChoice::Once).await;
    };
    let (ended, ()) = tokio::join!(program, owner);
    let said = said(&ended.ok());
    assert_eq!(said[0]["tools"], 12);
    assert_eq!(said[1]["echo"], "from far away");
    assert!(said[2]["asked"].as_str().is_some_and(|text| text.contains("/approve/")), "{said:?}");
    assert_eq!(said[3]["awaited"], "counted");
    assert_eq!(scene.runs("counter"), 1);
    let client = async || {
        let names = scene.owner.keys().await.into_iter().filter_map(|key| key.client);
        names.into_iter().find(|name| name.contains("sdk-test"))
    };
    scene.owner.until("the client's own name, kept as unverified", client).await;
    scene.stop().await;
}

#[tokio::test]
async fn the_typescript_sdk() {
    an_sdk(ExternalProgram::script("sdk-client.mjs")).await;
}

#[tokio::test]
async fn the_python_sdk() {
    an_sdk(ExternalProgram::python("sdk_client.py")).await;
}
