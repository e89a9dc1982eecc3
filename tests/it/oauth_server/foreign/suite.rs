//! The official conformance suite: its authorization-server scenarios, and its server scenarios with an OAuth token.

use agentport_tests::{
    ExternalProgram, HttpFixture, KeyProxy, OAuthAgent, TokenSet,
    oauth_agent::{AuthorizePage, FormClient, fixtures},
    programs,
};
use serde_json::json;

use super::{consent, free_port, page_in};
use crate::{conformance, scene::Scene};

#[tokio::test]
async fn the_authorization_server_scenarios() {
    let scene = Scene::empty().await;
    let port = free_port();
    let body = fixtures::with_redirects("suite", &[&format!("http://127.0.0.1:{port}/callback")]);
    let client = OAuthAgent::register_as(&scene.gateway.said.mcp_url, &body).await;
    let results = programs::target().join("conformance/authorization-server");
    // Only what this run found; there may be nothing to remove.
    let _ = std::fs::remove_dir_all(&results);
    let folder = scene.gateway.place().files();
    let mut suite = ExternalProgram::package("@modelcontextprotocol/conformance/dist/index.js")
        .args(["authorization", "--url", client.found.issuer(), "--client-id", &client.client_id])
        .args(["--resource", client.found.resource(), "--port", &port.to_string(), "--output-dir"])
        .args([&results])
        .start(&folder.join("suite-stderr"));
    let mut said = String::new();
    while let Some(line) = suite.line().await {
        if let Some(page) = page_in(&format!("{line}\n")) {
            consent(&scene, &page).await;
        }
        said.push_str(&line);
        said.push('\n');
    }
    let status = suite.ended(agentport_tests::SOON).await.and_then(|status| status.code());
    let errors = std::fs::read_to_string(folder.join("suite-stderr")).unwrap_or_default();
    assert_eq!(status, Some(0), "{said}\n{errors}");
    for scenario in ["authorization-server-metadata-endpoint", "authorization-code-grant"] {
        assert!(said.contains(scenario), "{scenario} ran: {said}");
    }
    assert!(!said.to_uppercase().contains("SKIPPED"), "{said}");
    scene.stop().await;
}

/// An agent that signed in by OAuth and sees the fixture's tools under their own names, with prompts and resources.
async fn bare_token(scene: &Scene) -> String {
    scene.owner.change("fx", json!({"default_mode": "allow", "resources": true})).await;
    let profile =
        json!({"name": "suite", "integrations": ["fx"], "mode": "direct", "naming": "bare"});
    scene.owner.put_profile("suite", profile).await;
    let client = OAuthAgent::register(&scene.gateway).await;
    let request = client.request();
    let page = AuthorizePage::open(&request.url()).await;
    let consent = scene.owner.one_consent().await;
    let chosen =
        agentport_api::ApproveConsent { profile: Some("suite".to_owned()), ..Default::default() };
    let reply = scene.owner.try_consent(consent.id, &chosen).await;
    assert!(reply.status.is_success(), "{}", reply.text);
    TokenSet::of(&client.exchange(&page.callback().await.code(), &request).await).access_token
}

async fn with_a_token(era: &str, requirements: &str) {
    let scene = Scene::empty().await;
    let fixture = HttpFixture::start(&["--era", era]).await;
    scene.owner.add_remote("fx", &fixture.url).await;
    let token = bare_token(&scene).await;
    let proxy = KeyProxy::start_with_token(&scene.gateway, &token).await;
    let name = format!("oauth-{requirements}");
    conformance::run(&name, &proxy.url, requirements, Some(&format!("{requirements}.yml"))).await;
    // Nothing came in by the key of the scene.
    assert_eq!(FormClient::default().get(&scene.gateway.said.mcp_url).await.status, 401);
    drop(proxy);
    scene.stop().await;
    drop(fixture);
}

#[tokio::test]
async fn the_server_scenarios_of_2025_11_25_with_a_token() {
    with_a_token("legacy", "2025-11-25").await;
}

#[tokio::test]
async fn the_server_scenarios_of_2026_07_28_with_a_token() {
    with_a_token("modern", "2026-07-28").await;
}
