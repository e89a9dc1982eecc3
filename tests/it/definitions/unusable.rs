//! An unusable definition hides only its own tool, and every published one can be read by every client.

use agentport_core::policy::Mode;
use agentport_tests::external_program::ExternalProgram;
use http::Method;
use serde_json::{Value, json};

use super::{ScriptedServer, described};
use crate::scene::Scene;

/// Tools in forms that clients refuse: the first three are mended, the rest left out.
fn odd_tools() -> Value {
    json!([
        {"name": "untyped", "title": null, "inputSchema": {"properties": [], "required": {}}},
        {
            "name": "with_nulls", "description": null, "inputSchema": {"properties": {"a": true}},
            "annotations": {"title": null, "readOnlyHint": true},
        },
        {
            "name": "dangling", "inputSchema": {"type": "object"},
            "outputSchema": {"type": "object", "properties": {"a": {"$ref": "#/$defs/Nowhere"}}},
        },
        {"name": null, "inputSchema": {"type": "object"}},
        {"name": "no_schema"},
        {"name": "null_schema", "inputSchema": null},
        {"name": "true_schema", "inputSchema": true},
        {"name": "listed_hints", "inputSchema": {"type": "object"}, "annotations": []},
        {"name": "twin", "description": "the first", "inputSchema": {"type": "object"}},
        {"name": "twin", "description": "the second", "inputSchema": {"type": "object"}},
        7,
    ])
}

const LEFT_OUT: [&str; 7] = [
    "entry 4 of tools",
    "no_schema",
    "null_schema",
    "true_schema",
    "listed_hints",
    "entry 11 of tools",
    "twin",
];

#[tokio::test]
async fn a_broken_definition_costs_only_itself() {
    let scene = Scene::empty().await;
    let server = ScriptedServer::local(&scene, &odd_tools());
    let view = server.add_to(&scene).await;
    let names: Vec<_> = view.left_out.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, LEFT_OUT);
    assert!(view.left_out.iter().all(|one| !one.reason.is_empty()));
    assert_eq!(view.tools.total, 4);

    scene.owner.allow_all("fx").await;
    let ran = scene.call("dangling", json!({})).await.ran();
    assert_eq!(ran.structured, Some(json!({"ran": "dangling"})), "results pass without a schema");
    let log = scene.owner.send(Method::GET, "/control/integrations/fx/log", None).await.text;
    assert!(log.contains("left out no_schema: its inputSchema"), "{log}");

    // The same for a list that changes later.
    server.set_tools(&json!([described("announce", ""), {"name": "late"}]));
    let path = "/control/integrations/fx/restart";
    let _: Value = scene.owner.ask(Method::POST, path, None).await;
    let view = scene.owner.integration("fx").await;
    assert_eq!((view.tools.total, view.left_out[0].name.as_str()), (1, "late"));
    scene.stop().await;
}

#[tokio::test]
async fn no_rule_covers_two_tools_of_one_name() {
    let scene = Scene::empty().await;
    let server = ScriptedServer::local(&scene, &odd_tools());
    server.add_to(&scene).await;
    scene.owner.set_policy("fx", "twin", Mode::Allow).await;
    let tools = scene.owner.tools("fx").await;
    let twins: Vec<_> = tools.iter().filter(|tool| tool.name == "twin").collect();
    assert_eq!(twins.len(), 1);
    assert_eq!(twins[0].description.as_deref(), Some("the first"));
    scene.stop().await;
}

#[tokio::test]
async fn a_list_in_another_order_keeps_its_grant() {
    let scene = Scene::empty().await;
    let tool = |required: Value, values: Value| {
        let properties = json!({"a": {"enum": values}, "b": {"type": ["string", "null"]}});
        let schema = json!({"type": "object", "properties": properties, "required": required});
        json!([{"name": "send", "inputSchema": schema}])
    };
    let server = ScriptedServer::local(&scene, &tool(json!(["a", "b"]), json!(["x", "y"])));
    server.add_to(&scene).await;
    scene.owner.set_policy("fx", "send", Mode::Allow).await;
    server.set_tools(&tool(json!(["b", "a"]), json!(["y", "x"])));
    let scene = scene.restart().await;
    scene.call("send", json!({"a": "x", "b": null})).await.ran();
    scene.stop().await;
}

/// Lists all tools of the direct mode and calls one, with a client that checks what it is given.
async fn a_client_reads_the_direct_list(client: ExternalProgram) {
    let scene = Scene::empty().await;
    let server = ScriptedServer::local(&scene, &odd_tools());
    server.add_to(&scene).await;
    scene.owner.allow_all("fx").await;
    let ended = client
        .env("AGENTPORT_TEST_URL", format!("{}?mode=direct", scene.gateway.said.mcp_url))
        .env("AGENTPORT_TEST_KEY", &scene.key.key)
        .run()
        .await;
    let said: Value = serde_json::from_str(&ended.ok()).expect("one JSON object");
    let names: Vec<_> =
        said["tools"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for name in ["fx__untyped", "fx__with_nulls", "fx__dangling", "fx__twin"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert!(names.contains(&"agentport__whoami"), "{names:?}");
    assert_eq!(said["structured"], json!({"ran": "dangling"}));
    scene.stop().await;
}

#[tokio::test]
async fn the_typescript_sdk_reads_every_list() {
    a_client_reads_the_direct_list(ExternalProgram::script("sdk-direct-list.mjs")).await;
}

#[tokio::test]
async fn the_python_sdk_reads_every_list() {
    a_client_reads_the_direct_list(ExternalProgram::python("sdk_direct_list.py")).await;
}
