//! Entries of `mcp-remote` become the servers behind them, or stay the programs they are.

use agentport_api::{Connection, Health, IntegrationView, SignInState, SignInView, paths};
use agentport_clients::types::McpRemoteFate;
use agentport_tests::{HttpFixture, OAuthProvider, Wire, oauth_provider::ConsentBrowser};
use http::Method;
use serde_json::json;

use super::{CURSOR, Desk, key_of, with_key};
use crate::cli;

const TOKEN: &str = "fake-token-0001";

/// As people write it, with the token in a variable.
fn file(url: &str, disabled: bool) -> String {
    let entry = json!({
        "disabled": disabled,
        "command": "npx",
        "args": [
            "-y", "mcp-remote@latest", url, "--header", "Authorization: Bearer ${AUTH_TOKEN}", "--transport",
            "http-first",
        ],
        "env": { "AUTH_TOKEN": TOKEN },
    });
    // Odd blanks, which a restore brings back too.
    format!("{{ \"mcpServers\":\n  {{ \"far\":   {entry} }}\n}}\n\n")
}

#[tokio::test]
async fn the_server_is_reached_without_the_program_and_a_restore_brings_the_entry_back() {
    let remote = HttpFixture::start(&["--token", TOKEN]).await;
    let desk = Desk::new().await;
    let before = file(&remote.url, false);
    desk.put(CURSOR, &before);
    let reply = desk.try_plan("cursor", with_key("cursor", "consolidate")).await;
    assert!(!reply.text.contains(TOKEN), "{}", reply.text);
    let plan: agentport_clients::types::PlanView = agentport_tests::owner::typed(&reply);
    let import = &plan.imports[0];
    assert_eq!(import.mcp_remote, Some(McpRemoteFate::Server));
    assert_eq!((import.summary.as_str(), import.command.as_deref()), (remote.url.as_str(), None));
    assert_eq!(import.secrets, ["header Authorization"]);
    desk.apply(&plan).await;

    let view = desk.scene.owner.integration("far").await;
    let Connection::RemoteMcp { url, headers, .. } = &view.connection else { panic!("{view:?}") };
    assert_eq!((url, headers["Authorization"].as_str()), (&remote.url, "Bearer {token}"));
    desk.scene.owner.allow_all("far").await;
    let agent = Wire::new(desk.scene.gateway.base()).with_key(&key_of(&desk.json(CURSOR)));
    // The fixture answers only those who have the token.
    agent.call_tool("far", "inspect", json!({})).await.ran();

    desk.does("cursor", json!({ "what": "restore", "remove_integrations": true })).await;
    assert_eq!(desk.read(CURSOR).as_deref(), Some(before.as_str()), "byte for byte");
    assert!(desk.integrations().await.is_empty());
    desk.stop().await;
    remote.stop().await;
}

#[tokio::test]
async fn the_owner_keeps_the_program_and_a_restore_finds_it_again() {
    let desk = Desk::new().await;
    // Switched off, so that nothing is downloaded.
    let before = file("https://mcp.example.com/mcp", true);
    desk.put(CURSOR, &before);
    let line = "consolidate cursor --as-program far --yes -o json";
    let ran = cli::owner(&desk.scene).run(line).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let view = desk.scene.owner.integration("far").await;
    let Connection::LocalMcp { command, secret_env, .. } = &view.connection else {
        panic!("{view:?}")
    };
    assert_eq!((command.as_str(), secret_env.as_slice()), ("npx", &["AUTH_TOKEN".to_owned()][..]));
    desk.does("cursor", json!({ "what": "restore", "remove_integrations": true })).await;
    assert_eq!(desk.read(CURSOR).as_deref(), Some(before.as_str()));
    assert!(desk.integrations().await.is_empty(), "its program stands in the file again");

    let unknown = cli::owner(&desk.scene).run("consolidate cursor --as-program near --yes").await;
    assert_ne!(unknown.code, Some(0));
    assert!(unknown.stderr.contains("no server called \"near\""), "{}", unknown.stderr);
    desk.stop().await;
}

/// Most entries hold no credential: `mcp-remote` signs in by itself.
#[tokio::test]
async fn a_server_that_mcp_remote_signed_in_to_is_signed_in_to_from_here() {
    let provider = OAuthProvider::start().await;
    let desk = Desk::new().await;
    let entry = json!({ "command": "npx", "args": ["-y", "mcp-remote", provider.mcp_url()] });
    desk.put(CURSOR, &json!({ "mcpServers": { "far": entry } }).to_string());
    desk.consolidate("cursor").await;
    let owner = &desk.scene.owner;
    let needs_auth = |view: &IntegrationView| matches!(view.health, Health::NeedsAuth { .. });
    owner.integration_until("far", "it needs a sign-in", needs_auth).await;
    owner.allow_all("far").await;

    let started = owner.send(Method::POST, paths::SIGN_INS, Some(json!({ "integration": "far" })));
    let sign_in: SignInView = agentport_tests::owner::typed(&started.await);
    let path = paths::fill(paths::SIGN_IN, sign_in.id);
    let look = async || {
        let view: SignInView = owner.ask(Method::GET, &path, None).await;
        match view.state {
            SignInState::WaitingForConsent { authorization_url } => Some(authorization_url),
            _ => None,
        }
    };
    let url = owner.until("the address of the consent page", look).await;
    ConsentBrowser::new().approve(&url).await;
    let ready = |view: &IntegrationView| view.health == Health::Ready;
    let view = owner.integration_until("far", "it is connected", ready).await;
    assert_eq!(view.auth_method, "oauth");
    assert!(view.connection.oauth().is_some(), "{view:?}");
    let agent = Wire::new(desk.scene.gateway.base()).with_key(&key_of(&desk.json(CURSOR)));
    let answer = agent.call_tool("far", "whoami", json!({})).await.ran();
    assert!(answer.text.contains("account="), "{}", answer.text);
    desk.stop().await;
}
