//! Processes of local servers when the gateway stops or is killed.

use std::time::{Duration, Instant};

use agentport_tests::{
    SOON,
    process::{alive, gone},
    within,
};
use http::Method;
use serde_json::{Value, json};

use crate::scene::Scene;

/// A server that answers the handshake, then ignores the end of its input and SIGTERM. Its process ids come as the
/// names of its tools.
const STUBBORN: &str = r#"trap '' TERM
sleep 1000 & child=$!
while read -r line; do
    id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
    case "$line" in
    *'"initialize"'*) printf '%s\n' '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"stubborn","version":"1"}}}' ;;
    *'"tools/list"'*) printf '%s\n' '{"jsonrpc":"2.0","id":'$id',"result":{"tools":[{"name":"p'$$'","inputSchema":{"type":"object"}},{"name":"p'$child'","inputSchema":{"type":"object"}}]}}' ;;
    *'"server/discover"'*) printf '%s\n' '{"jsonrpc":"2.0","id":'$id',"error":{"code":-32601,"message":"unknown"}}' ;;
    esac
done
while :; do sleep 1000; done"#;

/// Adds the stubborn server, starts it, and returns the ids of its processes.
async fn add_stubborn(scene: &Scene) -> Vec<u32> {
    let connection = json!({"type": "local_mcp", "command": "sh", "args": ["-c", STUBBORN]});
    scene.owner.add(json!({"id": "stubborn", "connection": connection})).await;
    let _: Value =
        scene.owner.ask(Method::POST, "/control/integrations/stubborn/restart", None).await;
    let tools: Value =
        scene.owner.ask(Method::GET, "/control/integrations/stubborn/tools", None).await;
    let names = tools["items"].as_array().into_iter().flatten();
    let pids: Vec<u32> =
        names.filter_map(|tool| tool["name"].as_str()?.strip_prefix('p')?.parse().ok()).collect();
    assert_eq!(pids.len(), 2, "{tools}");
    assert!(pids.iter().all(|pid| alive(*pid)), "{pids:?}");
    pids
}

#[tokio::test]
async fn stopping_takes_at_most_eight_seconds_whatever_a_server_ignores() {
    let scene = Scene::empty().await;
    let pids = add_stubborn(&scene).await;
    let begun = Instant::now();
    scene.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert!(pids.iter().all(|pid| !alive(*pid)), "{pids:?}");
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_killed_gateway_leaves_no_server_behind() {
    let scene = Scene::empty().await;
    let pids = add_stubborn(&scene).await;
    let setup = scene.gateway.kill().await;
    assert!(gone(pids[0], SOON).await, "the server dies with its gateway");
    // What the server started ignores the end of its input and is ended by the next start.
    let again = within(SOON * 3, "the next start", setup.start()).await;
    assert!(gone(pids[1], SOON).await, "the next start ends what was left");
    again.stop().await;
}
