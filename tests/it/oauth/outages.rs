//! Times without a network, without a provider, or asleep: nothing is lost and nobody is asked.

use std::time::Duration;

use agentport_api::AccountState;
use agentport_tests::{
    oauth_provider::{CannedAnswer, CannedReply, ProviderSite, TOKEN_PATH, TokenShape},
    within,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{OAuthScene, needs_sign_in};

#[tokio::test]
async fn an_unwell_token_endpoint_keeps_the_tokens_and_recovers_by_itself() {
    let (scene, account) = OAuthScene::signed_in().await;
    for reply in [CannedReply::TooMany(1), CannedReply::Status(503)] {
        scene.provider.change(|behaviour| {
            behaviour.canned =
                vec![CannedAnswer::new(ProviderSite::Authorization, TOKEN_PATH, reply.clone())];
        });
        scene.provider.clear_log();
        let answer = scene.refresh_by_call().await;
        assert!(answer.is_error, "{reply:?}: {}", answer.text);
        for _ in 0..10 {
            scene.whoami().await;
        }
        let requests = scene.provider.log().refreshes().len();
        assert!(requests <= 3, "{reply:?}: {requests} requests");
        let view = scene.account(&account).await;
        assert!(!needs_sign_in(&view.state), "{reply:?}: {view:?}");
        scene.provider.change(|behaviour| behaviour.canned.clear());
        scene
            .scene
            .owner
            .until_within(Duration::from_secs(90), "the account to recover", async || {
                let view = scene.account(&account).await;
                matches!(view.state, AccountState::Connected).then_some(())
            })
            .await;
        scene.whoami().await.ran();
    }
    assert_eq!(scene.provider.log().authorizations().len(), 0, "nobody signed in again");
    scene.stop().await;
}

/// Waits as long as a request to an endpoint may take.
#[tokio::test]
async fn a_token_endpoint_that_never_answers_ends_no_account() {
    let (scene, account) = OAuthScene::signed_in().await;
    scene.provider.change(|behaviour| {
        let hang = CannedAnswer::new(ProviderSite::Authorization, TOKEN_PATH, CannedReply::Hang);
        behaviour.canned = vec![hang];
    });
    scene.provider.end_access_tokens();
    scene.provider.clear_log();
    let calls = futures::future::join_all((0..4).map(|_| scene.whoami()));
    for answer in within(Duration::from_secs(60), "the calls end", calls).await {
        assert!(answer.is_error, "{}", answer.text);
    }
    assert_eq!(scene.provider.log().refreshes().len(), 1, "one of them asked, and is waited for");
    let view = scene.account(&account).await;
    assert!(matches!(view.state, AccountState::Unreachable { .. }), "{view:?}");
    scene.provider.change(|behaviour| behaviour.canned.clear());
    let recovered = async || {
        let view = scene.account(&account).await;
        matches!(view.state, AccountState::Connected).then_some(())
    };
    let limit = Duration::from_secs(90);
    scene.scene.owner.until_within(limit, "the account to recover", recovered).await;
    scene.whoami().await.ran();
    assert!(scene.provider.log().authorizations().is_empty(), "nobody signed in again");
    scene.stop().await;
}

#[tokio::test]
async fn after_a_sleep_across_the_expiry_there_is_one_refresh_and_no_browser() {
    let scene = OAuthScene::new().await;
    let short = TokenShape::living(Duration::from_secs(4));
    scene.provider.change(|behaviour| behaviour.exchange = short.into());
    let account = scene.sign_in().await;
    let pid = Pid::from_raw(i32::try_from(scene.scene.gateway.pid()).expect("a process id"));
    let before = scene.provider.log().refreshes().len();
    kill(pid, Signal::SIGSTOP).expect("the gateway stops");
    scene.provider.access_tokens_ended().await;
    kill(pid, Signal::SIGCONT).expect("the gateway goes on");
    for answer in futures::future::join_all((0..4).map(|_| scene.whoami())).await {
        answer.ran();
    }
    let log = scene.provider.log();
    assert!(log.refreshes().len() - before <= 1, "{} refreshes", log.refreshes().len());
    assert_eq!(log.authorizations().len(), 1);
    assert!(!needs_sign_in(&scene.account(&account).await.state));
    scene.stop().await;
}

#[tokio::test]
async fn a_gateway_that_starts_without_a_network_is_unreachable_and_not_signed_out() {
    let (mut scene, account) = OAuthScene::signed_in().await;
    scene.provider.go_down().await;
    let mut scene = scene.restart().await;
    let answer = scene.whoami().await;
    assert!(answer.is_error, "{}", answer.text);
    let view = scene.account(&account).await;
    assert!(!needs_sign_in(&view.state), "{view:?}");
    let health = scene.scene.owner.integration(super::PROVIDER).await.health;
    assert!(!matches!(health, agentport_api::Health::NeedsAuth { .. }), "{health:?}");

    scene.provider.come_back().await;
    scene.provider.clear_log();
    let path = format!("/control/integrations/{}/restart", super::PROVIDER);
    scene.scene.owner.send(http::Method::POST, &path, None).await;
    scene.whoami().await.ran();
    let log = scene.provider.log();
    assert!(log.refreshes().len() <= 1 && log.authorizations().is_empty());
    scene.stop().await;
}

#[tokio::test]
async fn a_restart_in_the_middle_of_a_sign_in_leaves_nothing_behind() {
    let scene = OAuthScene::new().await;
    let view = scene.begin(scene.addition()).await;
    let url = scene.consent_url(&view.id).await;
    let callback = scene.browser.callback(&url, "ada").await;
    let scene = scene.restart().await;
    assert!(!scene.is_installed(super::PROVIDER).await);
    assert!(scene.scene.owner.accounts().await.is_empty());
    let gone = agentport_tests::http_client().get(&callback).send().await;
    assert!(gone.is_err_and(|error| error.is_connect()), "nothing listens there");
    assert!(scene.provider.log().exchanges().is_empty(), "the code was not redeemed");
    scene.sign_in().await;
    scene.whoami().await.ran();
    scene.stop().await;
}
