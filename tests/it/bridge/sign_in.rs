//! A bridge without a key: it asks to be let in by itself, and the owner consents over the control API.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use agentport_tests::{
    Owner, StdioClient,
    gateway::Setup,
    stdio::{bridge_command, bridge_errors, modern},
};
use serde_json::{Value, json};

use crate::scene::Scene;

/// Clients give a server that starts at least this long.
const CLIENT_PATIENCE: Duration = Duration::from_secs(15);

/// `agentport bridge --client <client>`, as a client's file says it.
fn bridge_of(setup: &Setup, client: &str) -> StdioClient {
    let mut command = bridge_command(setup, None);
    command.args(["--client", client]);
    StdioClient::start(command)
}

async fn opened(setup: &Setup, client: &str) -> StdioClient {
    let mut bridge = bridge_of(setup, client);
    let begun = Instant::now();
    bridge.open("2025-11-25", json!({})).await;
    assert!(begun.elapsed() < CLIENT_PATIENCE, "the client would have given up");
    bridge
}

async fn tools(bridge: &mut StdioClient) -> Vec<String> {
    let list = bridge.ask("tools/list", json!({})).await;
    let tools = list["tools"].as_array().expect("tools").iter();
    tools.filter_map(|tool| tool["name"].as_str()).map(str::to_owned).collect()
}

async fn echoes(bridge: &mut StdioClient) {
    let echo = bridge.call_tool("fx", "echo", json!({"text": "in"})).await.ran();
    assert_eq!(echo.text, "in");
}

/// Lets the one bridge in that asks.
async fn let_in(owner: &Owner, bridge: &mut StdioClient) {
    owner.consents_once().await;
    bridge.next_message_of_method("notifications/tools/list_changed").await;
}

fn kept(setup: &Setup, client: &str) -> PathBuf {
    setup.place.home().join(format!("clients/sign-ins/{client}.json"))
}

fn kept_json(setup: &Setup, client: &str) -> Value {
    let text = std::fs::read_to_string(kept(setup, client)).expect("the bridge's file");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test]
async fn a_bridge_without_a_key_asks_once_and_stays_signed_in() {
    let scene = Scene::open().await;
    let setup = &scene.gateway.setup;
    let mut bridge = opened(setup, "claude-desktop").await;
    assert_eq!(tools(&mut bridge).await, ["agentport__status"]);
    let consent = scene.owner.one_consent().await;
    assert_eq!((consent.client_name.as_str(), consent.remote), ("Claude Desktop", false));
    let told = bridge.tool("agentport__status", json!({})).await;
    let number = format!("number {}", consent.code);
    assert!(told.refused().contains(&number), "{}", told.text);
    let said = format!("Let Claude Desktop in: AgentPort shows a request with the {number}.");
    assert!(bridge_errors(setup).contains(&said), "{}", bridge_errors(setup));
    assert!(scene.owner.oauth_agents().await.is_empty(), "nobody consented yet");

    let_in(&scene.owner, &mut bridge).await;
    assert!(tools(&mut bridge).await.contains(&"agentport__call_tool".to_owned()));
    echoes(&mut bridge).await;
    let agent = scene.owner.oauth_agent().await;
    assert_eq!(agent.name, "Claude Desktop");
    let file = kept_json(setup, "claude-desktop");
    assert_eq!(file["agent"], json!(agent.id));
    assert_eq!(file.get("request"), None, "it is over");
    let mode = std::fs::metadata(kept(setup, "claude-desktop")).expect("it is there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let token = file["tokens"]["access"].as_str().expect("a token");
    assert!(!bridge_errors(setup).contains(token));

    // The client is started again.
    bridge.leave().await;
    let mut bridge = opened(setup, "claude-desktop").await;
    echoes(&mut bridge).await;
    assert!(scene.owner.waiting_consents().await.is_empty());
    scene.stop().await;
}

#[tokio::test]
async fn the_newest_revision_is_let_in_too() {
    let scene = Scene::open().await;
    let mut bridge = bridge_of(&scene.gateway.setup, "claude-desktop");
    let discovered = bridge.ask("server/discover", modern(json!({}))).await;
    let consent = scene.owner.one_consent().await;
    assert!(discovered["instructions"].to_string().contains(&consent.code), "{discovered}");
    let listen = json!({"notifications": {"toolsListChanged": true}});
    bridge.send("subscriptions/listen", modern(listen)).await;
    scene.owner.give_consent(&consent).await;
    bridge.next_message_of_method("notifications/subscriptions/acknowledged").await;
    bridge.next_message_of_method("notifications/tools/list_changed").await;
    let list = bridge.ask("tools/list", modern(json!({}))).await;
    assert!(list["tools"].to_string().contains("agentport__call_tool"), "{list}");
    scene.stop().await;
}

#[tokio::test]
async fn a_bridge_of_no_connected_client_is_called_as_its_client_calls_itself() {
    let scene = Scene::open().await;
    let mut bridge = StdioClient::bridge(&scene.gateway.setup, None);
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "My Agent", "version": "1"},
    });
    bridge.ask("initialize", hello).await;
    bridge.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    assert_eq!(scene.owner.one_consent().await.client_name, "My Agent");
    let_in(&scene.owner, &mut bridge).await;
    echoes(&mut bridge).await;
    assert!(kept(&scene.gateway.setup, "bridge-my-agent").exists());
    scene.stop().await;
}

#[tokio::test]
async fn two_bridges_of_one_client_share_one_sign_in() {
    let scene = Scene::open().await;
    let setup = &scene.gateway.setup;
    let mut one = opened(setup, "cursor-0123abcd").await;
    let mut other = opened(setup, "cursor-0123abcd").await;
    let consent = scene.owner.one_consent().await;
    let told = other.tool("agentport__status", json!({})).await;
    assert!(told.refused().contains(&consent.code), "{}", told.text);
    scene.owner.give_consent(&consent).await;
    for bridge in [&mut one, &mut other] {
        bridge.next_message_of_method("notifications/tools/list_changed").await;
        echoes(bridge).await;
    }
    assert_eq!(scene.owner.oauth_agent().await.oauth.expect("a sign-in").valid, 1);

    // Both are started again after the access token has expired, and use it at the same moment.
    one.leave().await;
    other.leave().await;
    let mut file = kept_json(setup, "cursor-0123abcd");
    let before = file["tokens"]["refresh"].clone();
    file["tokens"]["expires_at"] = json!("1970-01-01T00:00:00Z");
    std::fs::write(kept(setup, "cursor-0123abcd"), file.to_string()).expect("written");
    let (mut one, mut other) =
        tokio::join!(opened(setup, "cursor-0123abcd"), opened(setup, "cursor-0123abcd"));
    echoes(&mut one).await;
    echoes(&mut other).await;
    assert_ne!(kept_json(setup, "cursor-0123abcd")["tokens"]["refresh"], before, "refreshed");
    assert!(scene.owner.waiting_consents().await.is_empty(), "nobody was logged out");
    scene.stop().await;
}

#[tokio::test]
async fn a_revoked_bridge_asks_once_more_when_it_is_used() {
    let scene = Scene::open().await;
    let setup = &scene.gateway.setup;
    let mut bridge = opened(setup, "claude-desktop").await;
    let_in(&scene.owner, &mut bridge).await;
    echoes(&mut bridge).await;
    scene.owner.revoke_agent(scene.owner.oauth_agent().await.id).await;
    // A sign of life is no use.
    bridge.ask("ping", json!({})).await;
    assert!(scene.owner.waiting_consents().await.is_empty());
    let told = bridge.call_tool("fx", "echo", json!({"text": "out"})).await;
    let consent = scene.owner.one_consent().await;
    let told = told.refused();
    assert!(told.contains("was ended in AgentPort") && told.contains(&consent.code), "{told}");
    assert!(
        bridge_errors(setup).contains("The sign-in was ended in AgentPort. Let Claude Desktop in")
    );
    assert!(consent.known_as.is_none(), "who was shut out is no old acquaintance");
    scene.owner.give_consent(&consent).await;
    bridge.next_message_of_method("notifications/tools/list_changed").await;
    echoes(&mut bridge).await;
    scene.stop().await;
}

#[tokio::test]
async fn a_bridge_that_is_refused_does_not_ask_again_by_itself() {
    let scene = Scene::open().await;
    let setup = &scene.gateway.setup;
    let mut bridge = opened(setup, "claude-desktop").await;
    let consent = scene.owner.one_consent().await;
    scene.owner.refuse_consent(consent.id).await;
    let refused = async || {
        bridge_errors(setup).contains("The owner did not let Claude Desktop in.").then_some(())
    };
    scene.owner.until("the bridge says so", refused).await;
    for _ in 0..3 {
        let told = bridge.tool("agentport__status", json!({})).await;
        assert!(told.refused().contains("did not let Claude Desktop in"), "{}", told.text);
    }
    assert!(scene.owner.waiting_consents().await.is_empty());
    bridge.leave().await;
    let mut bridge = opened(setup, "claude-desktop").await;
    let_in(&scene.owner, &mut bridge).await;
    echoes(&mut bridge).await;
    scene.stop().await;
}

/// Clients end servers that start slowly, and start them again.
#[tokio::test]
async fn a_killed_bridge_goes_on_with_its_request() {
    let scene = Scene::open().await;
    let setup = &scene.gateway.setup;
    let first = opened(setup, "claude-desktop").await;
    let consent = scene.owner.one_consent().await;
    // Killed, as by its client.
    drop(first);
    let mut second = opened(setup, "claude-desktop").await;
    let told = second.tool("agentport__status", json!({})).await;
    assert!(told.refused().contains(&consent.code), "the same number: {}", told.text);
    let waiting = scene.owner.one_consent().await;
    assert_eq!(waiting.id, consent.id, "the same request");
    let_in(&scene.owner, &mut second).await;
    echoes(&mut second).await;

    // Killed while another waits for it: that one takes over.
    scene.owner.revoke_agent(scene.owner.oauth_agent().await.id).await;
    second.leave().await;
    let third = opened(setup, "claude-desktop").await;
    let consent = scene.owner.one_consent().await;
    let mut fourth = opened(setup, "claude-desktop").await;
    drop(third);
    scene.owner.give_consent(&consent).await;
    fourth.next_message_of_method("notifications/tools/list_changed").await;
    echoes(&mut fourth).await;
    scene.stop().await;
}

#[tokio::test]
async fn a_gateway_that_was_started_again_elsewhere_is_asked_again() {
    let scene = Scene::open().await;
    let mut bridge = opened(&scene.gateway.setup, "claude-desktop").await;
    let before = scene.owner.one_consent().await;
    let setup = scene.gateway.kill().await;
    let gateway = Setup { port: 0, ..setup }.start().await;
    let owner = gateway.owner().await;
    let after = owner.one_consent().await;
    assert_ne!(before.id, after.id);
    let_in(&owner, &mut bridge).await;
    echoes(&mut bridge).await;

    // Signed in, it finds the gateway at any port.
    let setup = gateway.kill().await;
    let gateway = Setup { port: 0, ..setup }.start().await;
    echoes(&mut bridge).await;
    assert!(gateway.owner().await.waiting_consents().await.is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn without_a_gateway_a_bridge_asks_as_soon_as_there_is_one() {
    let scene = Scene::open().await;
    let setup = scene.gateway.stop().await;
    let mut bridge = opened(&setup, "claude-desktop").await;
    let told = bridge.tool("agentport__status", json!({})).await;
    assert!(told.refused().contains("not running"), "{}", told.text);
    let gateway = setup.start().await;
    let owner = gateway.owner().await;
    let told = bridge.tool("agentport__status", json!({})).await;
    let consent = owner.one_consent().await;
    assert!(told.refused().contains(&consent.code), "{}", told.text);
    let_in(&owner, &mut bridge).await;
    echoes(&mut bridge).await;
    gateway.stop().await;
}

/// A key of before is used, and one that comes while the bridge asks.
#[tokio::test]
async fn a_key_wins() {
    let scene = Scene::open().await;
    let setup = &scene.gateway.setup;
    let keys = scene.gateway.place().home().join("clients/keys");
    std::fs::create_dir_all(&keys).expect("a directory");
    let mut bridge = opened(setup, "cursor").await;
    scene.owner.one_consent().await;
    agentport_tests::gateway::private_file(&keys.join("cursor"), &scene.key.key);
    echoes(&mut bridge).await;
    bridge.leave().await;
    let mut bridge = opened(setup, "cursor").await;
    echoes(&mut bridge).await;
    assert!(scene.owner.oauth_agents().await.is_empty());
    scene.stop().await;
}
