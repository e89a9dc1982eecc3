//! The twelve tools: names, fields, answers.

use agentport_api::GrantChoice;
use agentport_core::policy::Mode;
use agentport_tests::Answer;
use serde_json::{Value, json};

use crate::scene::Scene;

/// Name, required fields, other fields of contract §2.
const TOOLS: [(&str, &[&str], &[&str]); 12] = [
    ("agentport__list_available_integrations", &[], &["type", "query"]),
    ("agentport__get_integration", &["integration_id"], &[]),
    ("agentport__list_installed_integrations", &[], &[]),
    ("agentport__install_integration", &["integration_id", "auth_method"], &["token"]),
    ("agentport__uninstall_integration", &["integration_id"], &[]),
    ("agentport__get_auth_status", &["integration_id"], &[]),
    ("agentport__start_oauth_flow", &["integration_id"], &[]),
    ("agentport__list_integration_tools", &[], &["integration_id", "query"]),
    ("agentport__describe_tool", &["integration_id", "tool_name"], &[]),
    ("agentport__call_tool", &["integration_id", "tool_name", "arguments"], &["additional_info"]),
    ("agentport__await_approval", &["request_id"], &[]),
    ("agentport__whoami", &[], &["detail"]),
];

fn items(answer: &Answer) -> Vec<Value> {
    let structured = answer.structured.as_ref().expect("an array also comes as structuredContent");
    let items = structured["items"].as_array().expect("as items").clone();
    let text: Value = serde_json::from_str(&answer.text).expect("one text block of JSON");
    assert_eq!(text, json!(items), "the text is the array itself");
    items
}

fn object(answer: &Answer) -> Value {
    assert!(!answer.is_error, "{}", answer.text);
    let text: Value = serde_json::from_str(&answer.text).expect("one text block of JSON");
    assert_eq!(Some(&text), answer.structured.as_ref());
    text
}

#[tokio::test]
async fn names_and_fields_are_fixed() {
    let scene = Scene::empty().await;
    let listed = scene.wire.rpc("tools/list", json!({})).await;
    let tools = listed["tools"].as_array().expect("tools");
    let named = |name: &str| tools.iter().find(|tool| tool["name"] == name);
    assert_eq!(
        tools.len(),
        TOOLS.len(),
        "{:?}",
        tools.iter().map(|tool| &tool["name"]).collect::<Vec<_>>()
    );
    for (name, required, others) in TOOLS {
        let tool = named(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert!(
            tool["description"].as_str().is_some_and(|text| text.len() > 20),
            "{name} says what it does"
        );
        let schema = &tool["inputSchema"];
        let mut wanted: Vec<_> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        wanted.sort_unstable();
        let mut expected = required.to_vec();
        expected.sort_unstable();
        assert_eq!(wanted, expected, "{name}");
        for field in required.iter().chain(others) {
            assert!(schema["properties"].get(field).is_some(), "{name} takes {field}");
        }
    }
    scene.stop().await;
}

#[tokio::test]
async fn installed_integrations_and_their_state() {
    let scene = Scene::new().await;
    let installed =
        items(&scene.wire.tool("agentport__list_installed_integrations", json!({})).await);
    let fixture =
        installed.iter().find(|one| one["integration_id"] == "fx").expect("fx is installed");
    assert_eq!((&fixture["type"], &fixture["auth_method"]), (&json!("local_mcp"), &json!("none")));
    assert_eq!(fixture["connected"], true);
    assert!(fixture["added_at"].as_str().is_some_and(|at| at.ends_with('Z')));
    assert!(fixture["status"].is_string());
    assert!(fixture["tools"]["total"].as_u64().is_some_and(|total| total > 20), "{fixture}");
    for count in ["allow", "require_approval", "deny", "quarantined"] {
        assert!(fixture["tools"][count].is_u64(), "{fixture}");
    }
    let demo = installed
        .iter()
        .find(|one| one["integration_id"] == "demo")
        .expect("the demo comes with it");
    assert_eq!(demo["type"], "builtin");

    let status =
        scene.wire.tool("agentport__get_auth_status", json!({"integration_id": "fx"})).await;
    assert_eq!(
        object(&status),
        json!({"integration_id": "fx", "auth_method": "none", "connected": true})
    );
    let unknown =
        scene.wire.tool("agentport__get_auth_status", json!({"integration_id": "nowhere"})).await;
    assert!(unknown.refused().contains("nowhere"));
    scene.stop().await;
}

#[tokio::test]
async fn available_integrations_are_described_alike() {
    let scene = Scene::empty().await;
    let all = items(&scene.wire.tool("agentport__list_available_integrations", json!({})).await);
    for one in &all {
        for field in ["id", "name", "description", "type", "auth_methods", "docs_url"] {
            assert!(one.get(field).is_some(), "{field} is missing in {one}");
        }
        let id = one["id"].as_str().expect("an id");
        let same =
            scene.wire.tool("agentport__get_integration", json!({"integration_id": id})).await;
        assert_eq!(object(&same), *one);
    }
    let none = scene
        .wire
        .tool("agentport__list_available_integrations", json!({"query": "zzz nothing"}))
        .await;
    assert_eq!(items(&none), Vec::<Value>::new());
    let bad = scene
        .wire
        .tool("agentport__list_available_integrations", json!({"type": "spaceship"}))
        .await;
    assert!(bad.refused().contains("type"), "{}", bad.text);
    let unknown =
        scene.wire.tool("agentport__get_integration", json!({"integration_id": "nowhere"})).await;
    assert!(unknown.refused().contains("nowhere"));
    scene.stop().await;
}

#[tokio::test]
async fn tools_are_listed_and_described() {
    let scene = Scene::new().await;
    scene.owner.set_policy("fx", "echo", Mode::Allow).await;
    scene.owner.set_policy("fx", "destroy", Mode::Deny).await;
    let list = "agentport__list_integration_tools";
    let full = object(&scene.wire.tool(list, json!({"integration_id": "fx"})).await);
    assert_eq!(full["integration_id"], "fx");
    let tools = full["tools"].as_array().expect("tools");
    let mode = |name: &str| {
        let tool = tools.iter().find(|tool| tool["name"] == name).expect("the tool is listed");
        assert!(tool["inputSchema"].is_object(), "the full tool");
        tool["approval_mode"].clone()
    };
    assert_eq!(
        [mode("echo"), mode("counter"), mode("destroy")],
        ["allow", "require_approval", "deny"].map(Value::from)
    );

    let found = object(&scene.wire.tool(list, json!({"query": "counts RUNS"})).await);
    let found = found["tools"].as_array().expect("tools");
    assert_eq!(found[0]["name"], "counter", "the best match comes first: {found:?}");
    assert_eq!(found[0]["integration_id"], "fx");
    assert!(found[0].get("inputSchema").is_none(), "no schemas over all");
    let everywhere = object(&scene.wire.tool(list, json!({})).await);
    let everywhere = everywhere["tools"].as_array().expect("tools");
    assert!(everywhere.iter().any(|tool| tool["integration_id"] == "demo"));

    let described = object(
        &scene
            .wire
            .tool("agentport__describe_tool", json!({"integration_id": "fx", "tool_name": "echo"}))
            .await,
    );
    assert_eq!(
        (&described["integration_id"], &described["tool"]["name"]),
        (&json!("fx"), &json!("echo"))
    );
    assert_eq!(
        (&described["approval"]["mode"], &described["approval"]["source"]),
        (&json!("allow"), &json!("configured"))
    );
    let described = object(
        &scene
            .wire
            .tool("agentport__describe_tool", json!({"integration_id": "fx", "tool_name": "add"}))
            .await,
    );
    assert_eq!(described["approval"]["source"], "default");
    let unknown = scene
        .wire
        .tool("agentport__describe_tool", json!({"integration_id": "fx", "tool_name": "nothing"}))
        .await;
    assert!(unknown.refused().contains("nothing"));
    scene.stop().await;
}

#[tokio::test]
async fn bad_input_names_the_field_and_asks_no_one() {
    let scene = Scene::new().await;
    let call = async |arguments: Value| scene.wire.tool("agentport__call_tool", arguments).await;
    for (arguments, named) in [
        (json!({}), "integration_id"),
        (json!({"integration_id": "fx"}), "tool_name"),
        (json!({"integration_id": "fx", "tool_name": "echo"}), "arguments"),
        (json!({"integration_id": "fx", "tool_name": "echo", "arguments": "text"}), "arguments"),
        (json!({"integration_id": 7, "tool_name": "echo", "arguments": {}}), "integration_id"),
        (json!({"integration_id": "nowhere", "tool_name": "echo", "arguments": {}}), "nowhere"),
        (json!({"integration_id": "fx", "tool_name": "nothing", "arguments": {}}), "nothing"),
        (json!({"integration_id": "fx", "tool_name": "echo", "arguments": {}}), "text"),
        (json!({"integration_id": "fx", "tool_name": "echo", "arguments": {"text": 7}}), "text"),
        (
            json!({"integration_id": "fx", "tool_name": "echo", "arguments": {"text": "x", "extra": 1}}),
            "extra",
        ),
        (json!({"integration_id": "fx", "tool_name": "slow", "arguments": {"ms": -1}}), "ms"),
    ] {
        let answer = call(arguments.clone()).await;
        assert!(answer.refused().contains(named), "{arguments}: {}", answer.text);
    }
    let answer =
        scene.wire.tool("agentport__await_approval", json!({"request_id": "not-a-uuid"})).await;
    assert!(answer.refused().contains("request_id"), "{}", answer.text);
    assert!(scene.owner.approvals("all").await.is_empty(), "the owner was not bothered");
    let unknown =
        scene.wire.rpc("tools/call", json!({"name": "agentport__fly", "arguments": {}})).await;
    assert!(unknown.get("error").is_some() || unknown["isError"] == true, "{unknown}");
    let extra = json!({"integration_id": "fx", "tool_name": "echo", "arguments": {"text": "x"}, "mood": "good"});
    call(extra).await.request();
    scene.stop().await;
}

#[tokio::test]
async fn a_note_inside_the_arguments_is_taken_out_unless_the_tool_has_it() {
    let scene = Scene::new().await;
    let id = scene
        .call("echo", json!({"text": "x", "additional_info": "for the report"}))
        .await
        .request();
    let view = scene.owner.approval(id).await;
    assert_eq!(view.arguments, json!({"text": "x"}));
    assert_eq!(view.additional_info.as_deref(), Some("for the report"));
    let again = scene.call("echo", json!({"text": "x"})).await.request();
    assert_eq!(again, id, "it is no part of the arguments");
    scene.owner.approve(id, GrantChoice::Once).await;
    assert_eq!(scene.wire.await_approval(&id.to_string()).await.ran().text, "x");
    scene.stop().await;
}

#[tokio::test]
async fn whoami_tells_from_local_state() {
    let scene = Scene::new().await;
    for detail in [json!({}), json!({"detail": "brief"}), json!({"detail": "full"})] {
        let said = object(&scene.wire.tool("agentport__whoami", detail.clone()).await).to_string();
        assert!(
            said.contains("tester") && said.contains("fx") && said.contains("demo"),
            "{detail}: {said}"
        );
        assert!(!said.contains(&scene.key.key), "no secrets");
    }
    let bad = scene.wire.tool("agentport__whoami", json!({"detail": "everything"})).await;
    assert!(bad.refused().contains("detail"));
    scene.stop().await;
}

#[tokio::test]
async fn whoami_says_how_the_agent_was_let_in_and_what_narrows_its_view() {
    let scene = Scene::new().await;
    let body = json!({"name": "late", "expires_at": "2099-01-01T00:00:00Z"});
    let key = scene.owner.create_key_with(body).await;
    let wire = scene.gateway.wire(&key);
    let said = object(&wire.tool("agentport__whoami", json!({})).await);
    assert_eq!(said["agent"], json!({"id": key.id, "name": "late"}));
    let let_in = &said["let_in"];
    assert_eq!(let_in["by"], "key");
    assert_eq!(let_in["key_prefix"], key.key[..12]);
    assert_eq!(let_in["expires_at"], "2099-01-01T00:00:00Z");
    assert!(let_in["since"].as_str().is_some_and(|since| since.ends_with('Z')), "{let_in}");
    assert_eq!(said["view"], json!({"mode": "meta", "profiles": [], "tags": []}));
    assert_eq!(said["limits"]["waiting_requests"], 5);
    assert_eq!(said["open_requests"], json!([]));
    assert!(!said.to_string().contains(&key.key), "no secrets");

    scene.owner.put_profile("small", json!({"name": "small", "integrations": ["fx"]})).await;
    let params = json!({"name": "agentport__whoami", "arguments": {}});
    let narrowed = wire.modern("/mcp?mode=direct&profile=small", "tools/call", params);
    let said = wire.send(narrowed).await.json()["result"]["structuredContent"].clone();
    assert_eq!(said["view"], json!({"mode": "direct", "profiles": ["small"], "tags": []}));
    let ids = said["integrations"].as_array().expect("a list").iter();
    assert_eq!(ids.map(|one| &one["integration_id"]).collect::<Vec<_>>(), ["fx"]);
    scene.stop().await;
}

#[tokio::test]
async fn whoami_lists_open_requests_of_this_agent_alone() {
    let scene = Scene::new().await;
    let id = scene.call("counter", json!({})).await.request();
    let said = object(&scene.wire.tool("agentport__whoami", json!({})).await);
    let open = said["open_requests"].as_array().expect("a list");
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0]["request_id"], json!(id));
    assert_eq!(
        (&open[0]["integration_id"], &open[0]["tool_name"]),
        (&json!("fx"), &json!("counter"))
    );
    assert!(open[0]["expires_at"].is_string(), "{open:?}");
    let other = object(&scene.another().await.tool("agentport__whoami", json!({})).await);
    assert_eq!(other["open_requests"], json!([]));
    scene.owner.deny(id, None).await;
    let said = object(&scene.wire.tool("agentport__whoami", json!({})).await);
    assert_eq!(said["open_requests"], json!([]));
    scene.stop().await;
}

#[tokio::test]
async fn whoami_tells_of_integrations_that_are_down() {
    let scene = Scene::open().await;
    let fixture = agentport_tests::HttpFixture::start(&[]).await;
    scene.owner.add_remote("far", &fixture.url).await;
    scene.owner.allow_all("far").await;
    fixture.stop().await;
    scene.wire.call_tool("far", "echo", json!({"text": "x"})).await.refused();
    let of = |said: &Value, id: &str| {
        let all = said["integrations"].as_array().expect("a list");
        all.iter().find(|one| one["integration_id"] == id).expect("it is listed").clone()
    };
    let brief = object(&scene.wire.tool("agentport__whoami", json!({})).await);
    let down = of(&brief, "far");
    assert_eq!((&down["status"], &down["connected"]), (&json!("failed"), &json!(false)), "{down}");
    assert!(down["last_error"]["message"].as_str().is_some_and(|text| text.len() > 10), "{down}");
    assert!(down["last_error"]["at"].is_string(), "{down}");
    assert!(down["tools"]["total"].as_u64().is_some_and(|total| total > 0), "still known: {down}");
    let up = of(&brief, "fx");
    assert_eq!((&up["connected"], &up["last_error"]), (&json!(true), &Value::Null), "{up}");
    assert_eq!((&up["auth_status"], &up["account"]), (&json!("none"), &Value::Null), "{up}");
    assert!(up.get("server").is_none(), "brief: {up}");
    let full = object(&scene.wire.tool("agentport__whoami", json!({"detail": "full"})).await);
    let down = of(&full, "far");
    for field in ["name", "tags", "server", "added_at", "retry_at", "account_details"] {
        assert!(down.get(field).is_some(), "{field}: {down}");
    }
    scene.stop().await;
}

#[tokio::test]
async fn removing_an_integration_is_the_owners_decision() {
    let scene = Scene::new().await;
    let asked =
        scene.wire.tool("agentport__uninstall_integration", json!({"integration_id": "fx"})).await;
    let id = asked.request();
    assert_eq!(
        scene.owner.integration("fx").await.id.as_str(),
        "fx",
        "nothing happens before the decision"
    );
    scene.owner.approve(id, GrantChoice::Once).await;
    scene.wire.await_approval(&id.to_string()).await.ran();
    let left = scene.owner.integrations().await;
    assert!(left.iter().all(|one| one.id.as_str() != "fx"));
    scene.call("echo", json!({"text": "x"})).await.refused();
    let unknown = scene
        .wire
        .tool("agentport__uninstall_integration", json!({"integration_id": "nowhere"}))
        .await;
    assert!(unknown.refused().contains("nowhere"));
    let unknown = json!({"integration_id": "nowhere", "auth_method": "none"});
    let unknown = scene.wire.tool("agentport__install_integration", unknown).await;
    assert!(unknown.refused().contains("nowhere"));
    let oauth =
        scene.wire.tool("agentport__start_oauth_flow", json!({"integration_id": "demo"})).await;
    assert!(oauth.refused().contains("demo"));
    scene.stop().await;
}

/// The demo shows allow, approval and denial to a newcomer.
#[tokio::test]
async fn the_demo_shows_all_three_outcomes() {
    let scene = Scene::empty().await;
    let tools = scene.owner.tools("demo").await;
    let with = |mode: Mode| {
        tools
            .iter()
            .filter(|tool| tool.mode == mode)
            .map(|tool| tool.name.as_str())
            .collect::<Vec<_>>()
    };
    assert!(with(Mode::Allow).len() >= 2, "list and read run: {tools:?}");
    assert_eq!(with(Mode::RequireApproval).len(), 1, "add asks");
    assert_eq!(with(Mode::Deny).len(), 1, "delete is blocked");
    let tool = |part: &str| {
        tools
            .iter()
            .map(|tool| tool.name.clone())
            .find(|name| name.contains(part))
            .expect("the tool")
    };
    scene.wire.call_tool("demo", &tool("list"), json!({})).await.ran();
    let add = tool("add");
    let id = scene.wire.call_tool("demo", &add, json!({"text": "buy milk"})).await.request();
    scene.owner.approve(id, GrantChoice::Once).await;
    scene.wire.await_approval(&id.to_string()).await.ran();
    let listed = scene.wire.call_tool("demo", &tool("list"), json!({})).await.ran();
    assert!(listed.text.contains("buy milk"), "{}", listed.text);
    let blocked = scene.wire.call_tool("demo", &tool("delete"), json!({"id": 1})).await;
    assert_eq!(blocked.refused(), "This tool has been blocked and cannot be executed.");
    scene.stop().await;
}
