//! Adding an integration: what the owner sees meanwhile, what is said when it fails, and what is kept.

use std::time::Duration;

use agentport_api::{AddProgress, IntegrationView, StartStep};
use agentport_tests::{HttpFixture, SOON, wire::Reply, within};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{ScriptedServer, described};
use crate::scene::Scene;

const ADDING: &str = "/control/integrations/slow/adding";

async fn progress(scene: &Scene) -> Option<AddProgress> {
    let reply = scene.owner.send(Method::GET, ADDING, None).await;
    (reply.status == StatusCode::OK)
        .then(|| serde_json::from_str(&reply.text).expect("the progress of an addition"))
}

/// Adds `connection` as `slow`; once `until` says so of its progress, the owner ends it.
async fn watched(
    scene: &Scene,
    connection: Value,
    until: impl Fn(&AddProgress) -> bool,
) -> (Reply, AddProgress) {
    let body = json!({"id": "slow", "connection": connection});
    let adding = scene.owner.send(Method::POST, "/control/integrations", Some(body));
    let watching = async {
        // Progress is read, not announced.
        let looking = async {
            loop {
                if let Some(seen) = progress(scene).await.filter(|progress| until(progress)) {
                    return seen;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let seen = within(SOON, "the addition says what it waits for", looking).await;
        let ended = scene.owner.send(Method::DELETE, ADDING, None).await;
        assert_eq!(ended.status, StatusCode::NO_CONTENT);
        seen
    };
    tokio::join!(adding, watching)
}

#[tokio::test]
async fn an_addition_says_what_it_waits_for() {
    let scene = Scene::empty().await;
    assert_eq!(progress(&scene).await, None);
    let script = "echo 'fetching 12 packages' >&2; exec sleep 600";
    let local = json!({"type": "local_mcp", "command": "sh", "args": ["-c", script]});
    let (reply, seen) = watched(&scene, local, |seen| seen.last_line.is_some()).await;
    assert_eq!(reply.status, StatusCode::CONFLICT, "{}", reply.text);
    assert_eq!(seen.last_line.as_deref(), Some("fetching 12 packages"));
    assert!(seen.waiting_for.contains("\"sh\" to start"), "{seen:?}");
    assert_eq!((seen.step, seen.limit_seconds), (StartStep::StartingProgram, 30));

    // A server that takes connections and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/mcp", silent.local_addr().expect("an address"));
    let remote = json!({"type": "remote_mcp", "url": url});
    let (reply, seen) = watched(&scene, remote, |_| true).await;
    assert_eq!(reply.status, StatusCode::CONFLICT, "{}", reply.text);
    assert_eq!((seen.step, seen.limit_seconds), (StartStep::Connecting, 30));
    assert!(seen.waiting_for.contains("127.0.0.1"), "{seen:?}");
    assert_eq!(progress(&scene).await, None, "nothing of it is left");
    scene.stop().await;
}

#[tokio::test]
async fn a_server_that_does_not_list_its_tools_is_waited_for_by_that_name() {
    let scene = Scene::empty().await;
    let introduction = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "slow", "version": "1"},
    });
    let script = format!(
        r#"while read -r line; do
            id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
            case "$line" in
            *'"initialize"'*) printf '{{"jsonrpc":"2.0","id":%s,"result":%s}}\n' "$id" '{introduction}' ;;
            *'"server/discover"'*) printf '{{"jsonrpc":"2.0","id":%s,"error":{{"code":-32601,"message":"no"}}}}\n' "$id" ;;
            esac
        done"#
    );
    let local = json!({"type": "local_mcp", "command": "sh", "args": ["-c", script]});
    let (reply, seen) = watched(&scene, local, |seen| seen.step == StartStep::ListingTools).await;
    assert_eq!(reply.status, StatusCode::CONFLICT, "{}", reply.text);
    assert!(seen.waiting_for.ends_with("to list its tools"), "{seen:?}");
    let kept = scene.owner.send(Method::GET, "/control/integrations/slow", None).await;
    assert_eq!(kept.status, StatusCode::NOT_FOUND, "nothing was kept");
    scene.stop().await;
}

/// Over HTTP for servers that have one session for life; a local server need not be started twice.
#[tokio::test]
async fn the_connection_that_was_tried_is_the_one_that_is_called() {
    let scene = Scene::empty().await;
    let tools = json!([described("send", "Sends a note.")]);
    let local = ScriptedServer::local(&scene, &tools);
    for server in [ScriptedServer::remote(&scene, &tools, "--one-session").await, local] {
        let before = (server.calls(), server.sessions());
        server.add_to(&scene).await;
        scene.owner.allow_all("fx").await;
        scene.call("send", json!({})).await.ran();
        assert_eq!((server.calls(), server.sessions()), (before.0 + 1, before.1 + 1));
        let removed = scene.owner.send(Method::DELETE, "/control/integrations/fx", None).await;
        assert_eq!(removed.status, StatusCode::NO_CONTENT);
    }
    scene.stop().await;
}

#[tokio::test]
async fn a_server_that_was_given_no_name_and_no_id_has_its_own() {
    let scene = Scene::empty().await;
    let tools = json!([described("send", "Sends a note.")]);
    let server = ScriptedServer::remote(&scene, &tools, "--http").await;
    for id in ["scripted-server", "scripted-server-2"] {
        let view = scene.owner.add(json!({"connection": server.connection()})).await;
        assert_eq!((view.id.as_str(), view.name.as_str()), (id, "Scripted server"));
    }
    assert_eq!(server.add_to(&scene).await.name, "Scripted server");
    let named = json!({"name": "Mine", "connection": server.connection()});
    let view: IntegrationView = scene.owner.add(named).await;
    assert_eq!((view.id.as_str(), view.name.as_str()), ("mine", "Mine"));
    // One that does not answer is named after its address, which tells nothing here.
    let unreachable = json!({
        "connection": {"type": "remote_mcp", "url": "http://127.0.0.1:1/mcp"}, "keep_unreachable": true,
    });
    let view: IntegrationView = scene.owner.add(unreachable).await;
    assert_eq!((view.id.as_str(), view.name.as_str()), ("server", "server"));
    scene.stop().await;
}

#[tokio::test]
async fn a_server_that_wants_a_token_says_so_and_takes_a_pasted_one() {
    let scene = Scene::empty().await;
    let fixture = HttpFixture::start(&["--token", "fake-token-1"]).await;
    let bare = json!({"id": "remote", "connection": {"type": "remote_mcp", "url": fixture.url}});
    let refused = scene.owner.send(Method::POST, "/control/integrations", Some(bare)).await;
    let problem = refused.json();
    assert_eq!(problem["code"], "token_needed", "{}", refused.text);
    assert!(refused.text.contains("wants a token"), "{}", refused.text);
    let place = &problem["token"];
    assert_eq!(*place, json!({"header": "Authorization", "format": "Bearer {token}"}));

    let with = |token: &str| {
        let header = place["header"].as_str().expect("a name");
        json!({
            "id": "remote",
            "connection": {"type": "remote_mcp", "url": fixture.url, "headers": {header: place["format"]}},
            "secrets": {"token": token},
        })
    };
    for (pasted, code, word) in [
        ("fake-token-2", 502, "refused the credential"),
        ("fake-token-1 fake", 422, "blank"),
        (" \n", 422, "empty"),
    ] {
        let refused =
            scene.owner.send(Method::POST, "/control/integrations", Some(with(pasted))).await;
        assert_eq!(refused.status.as_u16(), code, "{pasted:?}: {}", refused.text);
        assert!(refused.text.contains(word), "{}", refused.text);
        assert!(!refused.text.contains("fake-token"), "{}", refused.text);
    }
    let view = scene.owner.add(with(" \"Bearer fake-token-1\"\r\n")).await;
    assert!(view.tools.total > 0);
    scene.stop().await;
}
