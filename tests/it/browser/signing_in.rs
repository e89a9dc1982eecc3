//! Signing in to upstreams from the pages, with the provider in another tab.

use agentport_api::{AccountState, AccountView, Items};
use agentport_tests::{
    external_program::ExternalProgram, gateway::PASSWORD, oauth_provider::OAuthProvider, programs,
};
use http::Method;

use super::Script;
use crate::scene::Scene;

#[tokio::test]
async fn accounts_are_signed_in_to_and_disconnected_in_chromium() {
    let scene = Scene::empty().await;
    let provider = OAuthProvider::start().await;
    let errors = scene.gateway.place().files().join("script-errors");
    let script = ExternalProgram::script("sign-in.mjs")
        .env("AGENTPORT_TEST_BASE", scene.gateway.base())
        .env("AGENTPORT_TEST_PASSWORD", PASSWORD)
        .env("AGENTPORT_TEST_SERVER", provider.mcp_url())
        .env("CHROMIUM", programs::chromium());
    let mut script = Script { process: script.start(&errors), errors };
    let accounts = async || {
        scene.owner.ask::<Items<AccountView>>(Method::GET, "/control/accounts", None).await.items
    };
    let labels = async || {
        let mut labels: Vec<_> = accounts().await.into_iter().map(|view| view.label).collect();
        labels.sort();
        labels
    };

    let signed_in = script.says("signed in").await;
    assert_eq!(signed_in["answered"], "Signed in", "the provider's tab ends on a page of ours");
    let first = accounts().await;
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!((first[0].is_default, &first[0].state), (true, &AccountState::Connected));

    let refused = script.says("refused").await;
    let text = refused["refused"].as_str().expect("text");
    assert!(text.contains("Try again"), "{text}");
    assert_eq!(labels().await.len(), 1, "nothing is kept of a sign-in that was refused");

    script.says("two accounts").await;
    assert_eq!(labels().await, ["default", "work"]);

    script.says("disconnected").await;
    let left = accounts().await;
    assert_eq!(labels().await, ["work"]);
    assert!(left[0].is_default, "{left:?}");
    let ended = script.process.ended(agentport_tests::SOON).await.and_then(|status| status.code());
    let errors = std::fs::read_to_string(&script.errors).unwrap_or_default();
    assert_eq!(ended, Some(0), "{errors}");
    scene.stop().await;
}
