//! Definitions and connection data that upstreams control.

use std::{path::Path, time::Duration};

use agentport_core::policy::Mode;
use agentport_tests::{SOON, programs, within};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::scene::Scene;

const SECRET: &str = "fake-revealed-6c1e8f3a9b";

/// Does a file under `directory` hold the secret? Gives its path.
fn file_with_secret(directory: &Path) -> Option<String> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    entries.map(|entry| entry.expect("an entry").path()).find_map(|path| {
        if path.is_dir() {
            return file_with_secret(&path);
        }
        let bytes = std::fs::read(&path).expect("a file");
        let found = memchr::memmem::find(&bytes, SECRET.as_bytes());
        found.map(|_| path.display().to_string())
    })
}

#[tokio::test]
async fn a_definition_does_not_give_a_secret_away() {
    let scene = Scene::empty().await;
    let connection = json!({
        "type": "local_mcp", "command": programs::fixture(),
        "args": ["--reveal", "HIDDEN"], "secret_env": ["HIDDEN"],
    });
    let body = json!({"id": "fx", "connection": connection, "secrets": {"HIDDEN": SECRET}});
    scene.owner.add(body).await;
    let described = json!({"integration_id": "fx", "tool_name": "revealing"});
    let described = scene.wire.tool("agentport__describe_tool", described).await.text;
    let id = scene.call("revealing", json!({"text": "x"})).await.request();
    let mut shown = vec![described];
    for path in ["/api/tools/fx", "/api/tools"] {
        shown.push(scene.wire.get(path).await.text);
    }
    let approval = format!("/control/approvals/{id}");
    for path in ["/control/integrations/fx/tools", approval.as_str()] {
        shown.push(scene.owner.send(Method::GET, path, None).await.text);
    }
    for text in shown {
        assert!(text.contains("revealing"), "the tool itself is shown: {text}");
        assert!(!text.contains(SECRET), "{text}");
    }
    let setup = scene.gateway.stop().await;
    assert_eq!(file_with_secret(&setup.place.home()), None, "it is in no file");
}

#[tokio::test]
async fn a_connection_holds_no_credential_in_clear() {
    let scene = Scene::new().await;
    let shown = scene.wire.get("/api/integrations/fx").await.json();
    assert_eq!(shown.get("docs_url"), Some(&Value::Null), "{shown}");
    let at = |url: String| json!({"type": "remote_mcp", "url": url});
    let mut with_header = at("http://127.0.0.1:9/mcp".to_owned());
    with_header["headers"] = json!({"Authorization": format!("Bearer {SECRET}")});
    for connection in [
        at(format!("http://ada:{SECRET}@127.0.0.1:9/mcp")),
        at(format!("http://127.0.0.1:9/mcp?api_key={SECRET}")),
        with_header,
    ] {
        let body = json!({"id": "clear", "connection": connection, "keep_unreachable": true});
        let reply = scene.owner.send(Method::POST, "/control/integrations", Some(body)).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", reply.text);
        assert!(!reply.text.contains(SECRET), "{}", reply.text);
        assert!(reply.json()["detail"].is_string(), "{}", reply.text);
    }
    assert!(scene.owner.integrations().await.iter().all(|view| view.id.as_str() != "clear"));
    let setup = scene.gateway.stop().await;
    assert_eq!(file_with_secret(&setup.place.home()), None, "it is in no file");
}

#[tokio::test]
async fn an_endlessly_growing_schema_delays_no_call() {
    let scene = Scene::empty().await;
    scene.owner.add_fixture("fx", &["--bomb"]).await;
    scene.owner.allow_all("fx").await;
    let limit = Duration::from_secs(5);
    let call = within(limit, "the call's answer", scene.call("bomb", json!({"x": {}})));
    let health = async {
        for _ in 0..20 {
            let reply = within(limit, "the health", scene.wire.get("/health")).await;
            assert_eq!(reply.status, StatusCode::OK);
        }
    };
    let (answer, ()) = tokio::join!(call, health);
    assert_eq!(answer.ran().text, "ran");
    let tools = within(limit, "the tools", scene.owner.tools("fx")).await;
    let bomb = tools.iter().find(|tool| tool.name == "bomb").expect("it is listed");
    assert!(bomb.unchecked, "and its schema is said to be unchecked");
    scene.stop().await;
}

#[tokio::test]
async fn a_rule_is_for_the_definition_the_owner_saw() {
    let scene = Scene::open().await;
    let define = async || {
        let tools = scene.owner.tools("fx").await;
        tools.into_iter().find(|tool| tool.name == "define").expect("the tool").digest
    };
    let seen = define().await;
    scene.call("define", json!({"description": "Does something else now"})).await.ran();
    let changed = async || Some(define().await).filter(|now| *now != seen);
    let now = within(SOON, "the new list", scene.owner.until("the new list", changed)).await;
    let put = async |digest| {
        let body =
            json!({"integration": "fx", "tool": "define", "mode": Mode::Allow, "digest": digest});
        scene.owner.send(Method::PUT, "/control/policy", Some(body)).await
    };
    let before = scene.owner.policy().await.len();
    let stale = put(seen).await;
    assert_eq!(stale.status, StatusCode::CONFLICT, "{}", stale.text);
    assert_eq!(scene.owner.policy().await.len(), before);
    assert_eq!(put(now).await.status, StatusCode::OK);
    scene.stop().await;
}
