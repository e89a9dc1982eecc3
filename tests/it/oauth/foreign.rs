//! An authorization server of another project, and a real browser.

use std::path::PathBuf;

use agentport_api::AccountState;
use agentport_tests::{
    ExternalProgram, OAuthProvider, oauth_provider::ConsentBrowser, process::Process, programs,
};
use serde_json::{Value, json};

use super::{OAuthScene, PROVIDER};
use crate::scene::Scene;

/// `oauth_server.py` of the Python SDK, in a directory of its own.
struct PythonServer {
    url: String,
    directory: PathBuf,
    process: Process,
}

impl PythonServer {
    async fn start(scene: &Scene) -> Self {
        let directory = scene.gateway.place().files().join("python");
        std::fs::create_dir(&directory).expect("a directory");
        let mut process = ExternalProgram::python("oauth_server.py")
            .args([&directory])
            .start(&directory.join("stderr"));
        let line = process.line().await.expect("it says where it listens");
        let said: Value = serde_json::from_str(&line).expect("JSON");
        Self { url: said["url"].as_str().expect("a URL").to_owned(), directory, process }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

#[tokio::test]
async fn a_server_of_the_python_sdk_is_signed_in_to_and_renewed_also_after_a_restart() {
    let scene = Scene::empty().await;
    let server = PythonServer::start(&scene).await;
    // The harness of the other tests, with this server instead of ours.
    let provider = OAuthProvider::start().await;
    let scene = OAuthScene { scene, provider, browser: ConsentBrowser::new() };
    let view = scene.begin(json!({"integration": "python", "url": server.url})).await;
    let page = scene.browser.follow(&scene.consent_url(&view.id).await).await;
    assert!(page.status.is_success(), "{page:?}");
    let account = scene.done(&view.id).await;
    scene.scene.owner.allow_all("python").await;
    let greet = async |scene: &OAuthScene| {
        scene.scene.wire.call_tool("python", "greet", json!({"name": "ada"})).await.ran()
    };
    assert!(greet(&scene).await.text.contains("hello ada"));
    let view = scene.account(&account).await;
    assert_eq!(view.scopes, ["tools"]);
    assert!(view.renews_itself && matches!(view.state, AccountState::Connected), "{view:?}");

    std::fs::write(server.file("expire"), "").expect("a file");
    assert!(greet(&scene).await.text.contains("hello ada"));
    let scene = scene.restart().await;
    std::fs::write(server.file("expire"), "").expect("a file");
    assert!(greet(&scene).await.text.contains("hello ada"));
    let tokens = std::fs::read_to_string(server.file("tokens")).expect("a file");
    assert_eq!(tokens.lines().collect::<Vec<_>>(), ["code", "refresh", "refresh"]);

    scene.stop().await;
    server.process.stop().await;
}

#[tokio::test]
async fn the_owner_consents_in_chromium() {
    let scene = OAuthScene::new().await;
    let view = scene.begin(scene.addition()).await;
    let url = scene.consent_url(&view.id).await;
    let ended = ExternalProgram::script("consent.mjs")
        .env("CHROMIUM", programs::chromium())
        .env("AGENTPORT_TEST_URL", &url)
        .run()
        .await
        .ok();
    let page: Value = serde_json::from_str(ended.trim()).expect("what the page said");
    let text = page["text"].as_str().expect("text");
    assert!(text.contains("Signed in"), "{text}");
    assert_eq!(page["status"], json!(200));
    let secrets = scene.provider.secrets();
    assert!(secrets.iter().all(|secret| !text.contains(secret)), "{text}");
    scene.done(&view.id).await;
    scene.scene.owner.allow_all(PROVIDER).await;
    assert!(scene.whoami().await.ran().text.contains("account=ada"));
    scene.stop().await;
}
