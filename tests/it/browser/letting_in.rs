//! The owner decides in a browser which agents are let in.

use agentport_tests::{
    external_program::ExternalProgram,
    gateway::PASSWORD,
    oauth_agent::{AuthorizePage, OAuthAgent, TokenSet, fixtures},
    programs,
};
use serde_json::json;

use super::Script;
use crate::scene::Scene;

#[tokio::test]
async fn the_owner_lets_agents_in_refuses_renames_and_shuts_out_in_chromium() {
    let scene = Scene::new().await;
    let errors = scene.gateway.place().files().join("script-errors");
    let script = ExternalProgram::script("let-in.mjs")
        .env("AGENTPORT_TEST_BASE", scene.gateway.base())
        .env("AGENTPORT_TEST_PASSWORD", PASSWORD)
        .env("CHROMIUM", programs::chromium());
    let mut script = Script { process: script.start(&errors), errors };
    script.says("inbox").await;

    // A name with a tag and a character that turns the text around.
    let url = &scene.gateway.said.mcp_url;
    let odd = fixtures::named("Odd <b>Client</b>\u{202e}");
    let client = OAuthAgent::register_as(url, &odd).await;
    let request = client.request();
    let page = AuthorizePage::open(&request.url()).await;
    page.waits();
    let code = scene.owner.one_consent().await.code;
    let seen = script.says("seen").await;
    let text = seen["text"].as_str().expect("text");
    for part in ["A new agent wants in", "Unverified name", "port 33418", &code, "Odd "] {
        assert!(text.contains(part), "the page shows {part:?}: {text}");
    }
    assert!(!text.contains('\u{202e}'), "{text}");
    let spoken = seen["spoken"].as_str().expect("text");
    assert!(spoken.contains("wants in"), "{spoken}");
    script.says("let in").await;
    let callback = page.callback().await;
    let tokens = TokenSet::of(&client.exchange(&callback.code(), &request).await);
    let wire = tokens.wire(&scene.gateway);
    wire.call_tool("fx", "echo", json!({"text": "by OAuth"})).await.request();
    assert_eq!(scene.owner.oauth_agent().await.name, "My editor");

    let again = client.request();
    let page = AuthorizePage::open(&again.url()).await;
    assert_eq!(script.says("known").await["checked"], true);
    script.says("let in again").await;
    TokenSet::of(&client.exchange(&page.callback().await.code(), &again).await);
    assert_eq!(scene.owner.oauth_agent().await.name, "My editor", "the same agent");

    let stranger = OAuthAgent::register_as(url, &fixtures::named("Stranger")).await;
    let page = AuthorizePage::open(&stranger.request().url()).await;
    script.says("refused").await;
    let callback = page.callback().await;
    assert_eq!(callback.get("error").as_deref(), Some("access_denied"), "{callback:?}");

    let text = script.says("agent").await["text"].as_str().expect("text").to_owned();
    for part in ["a program on this computer, port 33418", "2 sign-ins valid", "this computer"] {
        assert!(text.contains(part), "the page shows {part:?}: {text}");
    }
    script.says("renamed").await;
    assert_eq!(scene.owner.oauth_agent().await.name, "Another name");
    script.says("shut out").await;
    assert_eq!(wire.get("/api/users/me").await.status, 401, "on its next request");
    assert_eq!(
        script.process.ended(agentport_tests::SOON).await.and_then(|status| status.code()),
        Some(0)
    );
    scene.stop().await;
}
