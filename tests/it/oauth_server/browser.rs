//! The waiting page in a real browser: its script, its style, and pages of other origins.

use agentport_api::ConsentState;
use agentport_tests::{
    ExternalProgram, OAuthAgent, TokenSet,
    oauth_agent::{AuthorizePage, Callback, fixtures},
    process::Process,
    programs,
};
use serde_json::{Value, json};

use crate::scene::Scene;

/// The script's next line, which says it has come to this step.
async fn step(script: &mut Process, name: &str, errors: &std::path::Path) -> Value {
    let line = script.line().await.unwrap_or_default();
    let said = serde_json::from_str::<Value>(&line).unwrap_or_default();
    let errors = std::fs::read_to_string(errors).unwrap_or_default();
    assert_eq!(said["step"], name, "{line}\n{errors}");
    said
}

#[tokio::test]
async fn the_page_waits_in_chromium_is_no_use_to_a_stranger_and_goes_back_to_the_client() {
    let scene = Scene::empty().await;
    let port = super::foreign::free_port();
    let body =
        fixtures::with_redirects("an editor", &[&format!("http://127.0.0.1:{port}/callback")]);
    let client = OAuthAgent::register_as(&scene.gateway.said.mcp_url, &body).await;
    let request = client.request();
    // The same request: the browser's page is a reload of this one.
    AuthorizePage::open(&request.url()).await.waits();
    let consent = scene.owner.one_consent().await;
    let errors = scene.gateway.place().files().join("script-errors");
    let mut script = ExternalProgram::script("authorize.mjs")
        .env("AGENTPORT_TEST_URL", request.url())
        .env("AGENTPORT_TEST_PORT", port.to_string())
        .env("AGENTPORT_TEST_CONSENT", consent.id.to_string())
        .env("CHROMIUM", programs::chromium())
        .start(&errors);

    let shown = step(&mut script, "waiting", &errors).await;
    let text = shown["text"].as_str().expect("text");
    assert!(text.contains("an editor wants to use AgentPort"), "{text}");
    assert!(text.contains(&consent.code), "the same digits: {text}");
    assert_ne!(shown["width"], "none", "the style is let in");

    let attacked = step(&mut script, "attacked", &errors).await;
    assert_eq!(attacked, json!({"step": "attacked", "read": 0, "framed": 0}));
    assert_eq!(scene.owner.consent(consent.id).await.state, ConsentState::Waiting);

    scene.owner.give_consent(&consent).await;
    let back = step(&mut script, "back", &errors).await;
    let callback = Callback::parse(back["url"].as_str().expect("an address"));
    assert_eq!(callback.get("state").as_deref(), Some(request.state.as_str()));
    TokenSet::of(&client.exchange(&callback.code(), &request).await);
    let ended = script.ended(agentport_tests::SOON).await.and_then(|status| status.code());
    assert_eq!(ended, Some(0), "{}", std::fs::read_to_string(&errors).unwrap_or_default());
    scene.stop().await;
}
