//! Connecting a client and moving its servers, from the pages.

use agentport_tests::{Wire, external_program::ExternalProgram, gateway::PASSWORD, programs};
use http::{Method, StatusCode};
use serde_json::json;

use super::Script;
use crate::scene::Scene;

/// Its `fx` is something else than the `fx` of the scene.
const BEFORE: &str = r#"{
  // mine
  "mcpServers": {
    "fx": { "command": "/no/such/server", "env": { "FX_TOKEN": "fake-fx-token-0001" } },
    "memory": { "command": "/no/such/memory" },
  },
}
"#;

#[tokio::test]
async fn a_client_is_connected_and_taken_back_in_chromium() {
    let scene = Scene::new().await;
    let place = scene.gateway.place();
    let file = place.user().join(".junie/mcp/mcp.json");
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("a directory");
    std::fs::write(&file, BEFORE).expect("a client's file");
    let read = || std::fs::read_to_string(&file).expect("the client's file");

    let errors = place.files().join("script-errors");
    let script = ExternalProgram::script("connect.mjs")
        .env("AGENTPORT_TEST_BASE", scene.gateway.base())
        .env("AGENTPORT_TEST_PASSWORD", PASSWORD)
        .env("AGENTPORT_TEST_FILE", &file)
        .env("CHROMIUM", programs::chromium());
    let mut script = Script { process: script.start(&errors), errors };

    let planned = script.says("planned").await;
    let diff = planned["diff"].as_str().expect("a diff");
    assert!(diff.contains("+") && diff.contains("agentport") && diff.contains("ap_…"), "{diff}");
    script.says("connected").await;
    let after = read();
    let key = after.split("Bearer ").nth(1).and_then(|rest| rest.split('"').next()).expect("a key");
    let agent = Wire::new(scene.gateway.base()).with_key(key);
    agent.call_tool("demo", "list_notes", json!({})).await;
    script.says("seen").await;
    script.says("undone").await;
    assert_eq!(read(), BEFORE);
    assert_eq!(agent.get("/api/users/me").await.status, StatusCode::UNAUTHORIZED);

    script.says("along").await;
    let after = read();
    assert!(after.contains("\"agentport\"") && after.contains("\"memory\""), "{after}");
    assert!(!after.contains("\"fx\"") && after.ends_with("// written meanwhile\n"), "{after}");
    let ids = async || {
        let views = scene.owner.integrations().await;
        views.into_iter().map(|view| view.id.to_string()).collect::<Vec<_>>()
    };
    let added: Vec<_> = ids().await.into_iter().filter(|id| id.starts_with("fx-")).collect();
    assert_eq!(added.len(), 1, "it has a name of its own: {added:?}");
    script.says("back").await;
    assert_eq!(read(), format!("{BEFORE}// written meanwhile\n"));
    let path = format!("/control/integrations/{}", added[0]);
    assert_eq!(scene.owner.send(Method::GET, &path, None).await.status, StatusCode::NOT_FOUND);
    assert!(ids().await.contains(&"fx".to_owned()), "the other one stays");
    script.says("checked").await;
    let ended = script.process.ended(agentport_tests::SOON).await.and_then(|status| status.code());
    assert_eq!(ended, Some(0));
    scene.stop().await;
}
