//! Secrets stay out of everything that is written or shown.

use std::path::Path;

use agentport_tests::gateway::Setup;
use agentport_tests::oauth_provider::{ClientAuth, ProviderBehaviour, RegistrationBehaviour};
use http::Method;
use serde_json::json;

use super::{OAuthScene, PROVIDER};

/// Every file below a directory, with its content.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path.display().to_string(), bytes));
        }
    }
    found
}

#[tokio::test]
async fn no_token_code_secret_or_verifier_is_written_or_shown() {
    let behaviour = ProviderBehaviour {
        registration: RegistrationBehaviour {
            secret: Some(ClientAuth::Post),
            ..Default::default()
        },
        ..Default::default()
    };
    // Everything, and rmcp by name: its debug lines hold codes and whole token answers.
    let setup = Setup::default().env("RUST_LOG", "trace,rmcp=trace,rmcp::transport::auth=trace");
    let scene = OAuthScene::on(setup, behaviour).await;
    let account = scene.sign_in().await;
    scene.whoami().await.ran();
    scene.refresh_by_call().await.ran();
    let mut shown = vec![scene.scene.gateway.stderr()];
    for path in [
        "/control/accounts".to_owned(),
        "/control/sign-ins".to_owned(),
        format!("/control/accounts/{account}"),
        format!("/control/integrations/{PROVIDER}"),
        format!("/control/integrations/{PROVIDER}/log"),
        "/control/activity?limit=100".to_owned(),
        "/control/audit".to_owned(),
        "/control/backup".to_owned(),
    ] {
        shown.push(scene.scene.owner.send(Method::GET, &path, None).await.text);
    }
    shown.push(processes());
    scene.provider.end_grants();
    shown.push(scene.whoami().await.text);
    shown.push(scene.scene.owner.send(Method::GET, "/control/accounts", None).await.text);
    let again = scene.begin(json!({"integration": PROVIDER, "account": account})).await;
    let url = scene.consent_url(&again.id).await;
    shown.push(url.clone());
    scene.browser.deny(&url).await;
    scene.failure(&again.id).await;

    let OAuthScene { scene: inner, provider, .. } = scene;
    let setup = inner.gateway.stop().await;
    let secrets = provider.secrets();
    assert!(secrets.len() >= 6, "client secret, code, verifier and two pairs of tokens");
    let written = files(setup.place.home().as_path());
    assert!(written.len() >= 2, "the database and its key");
    let errors = std::fs::read(setup.place.stderr()).expect("the log");
    assert!(!errors.is_empty(), "the log is at its most talkative");
    for secret in &secrets {
        let finder = memchr::memmem::Finder::new(secret);
        for text in &shown {
            assert!(finder.find(text.as_bytes()).is_none(), "{secret} is shown: {text}");
        }
        for (path, bytes) in &written {
            assert!(finder.find(bytes).is_none(), "{secret} is in {path}");
        }
        assert!(finder.find(&errors).is_none(), "{secret} is in the log");
    }
}

/// The command lines and environments of every process that can be read.
fn processes() -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let own = entry.file_name() == std::process::id().to_string().as_str();
        for file in ["cmdline", "environ"] {
            // A process may end meanwhile.
            if let Ok(bytes) = std::fs::read(entry.path().join(file))
                && !own
            {
                text.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
    }
    text
}
