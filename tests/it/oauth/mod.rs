//! Signing in to upstreams by OAuth, through the whole gateway, against a provider that departs from the rules as real
//! ones do. The owner uses the control API, and a browser without a window.

mod callbacks;
mod chosen;
mod clients;
mod discovery;
mod foreign;
mod logs;
mod outages;
mod refreshing;
mod scopes;
mod several;
mod shapes;

use agentport_api::{AccountState, AccountView, SignInState, SignInView};
use agentport_core::{AccountId, SignInId};
use agentport_tests::{
    Answer, OAuthProvider,
    gateway::Setup,
    oauth_provider::{ConsentBrowser, ProviderBehaviour},
};
use serde_json::{Value, json};

use crate::scene::Scene;

/// The integration of most tests.
const PROVIDER: &str = "prov";

/// A gateway, a provider, and the owner's browser.
struct OAuthScene {
    scene: Scene,
    provider: OAuthProvider,
    browser: ConsentBrowser,
}

impl OAuthScene {
    async fn new() -> Self {
        Self::with(ProviderBehaviour::default()).await
    }

    async fn with(behaviour: ProviderBehaviour) -> Self {
        Self::on(Setup::default(), behaviour).await
    }

    async fn on(setup: Setup, behaviour: ProviderBehaviour) -> Self {
        let provider = OAuthProvider::start_with(behaviour).await;
        Self { scene: Scene::with(setup).await, provider, browser: ConsentBrowser::new() }
    }

    /// Signed in, with every tool allowed.
    async fn signed_in() -> (Self, AccountId) {
        let scene = Self::new().await;
        let account = scene.sign_in().await;
        (scene, account)
    }

    // ---- the owner signs in

    /// The body of `POST /control/sign-ins` that adds the provider's server.
    fn addition(&self) -> Value {
        json!({"integration": PROVIDER, "url": self.provider.mcp_url(), "name": "Provider"})
    }

    async fn begin(&self, body: Value) -> SignInView {
        self.scene.owner.begin_sign_in(body).await
    }

    async fn consent_url(&self, id: &SignInId) -> String {
        self.scene.owner.consent_url(*id).await
    }

    async fn done(&self, id: &SignInId) -> AccountId {
        self.scene.owner.signed_in(*id).await
    }

    /// The sentence a sign-in failed with.
    async fn failure(&self, id: &SignInId) -> String {
        let view = self.scene.owner.sign_in_end(*id).await;
        match view.state {
            SignInState::Failed { message } => message,
            other => panic!("it should have failed but is {other:?}"),
        }
    }

    async fn complete(&self, body: Value) -> AccountId {
        self.scene.owner.complete_sign_in(&self.browser, body).await
    }

    /// Adds the provider's server as [`PROVIDER`] and allows all its tools.
    async fn sign_in(&self) -> AccountId {
        let account = self.complete(self.addition()).await;
        self.scene.owner.allow_all(PROVIDER).await;
        account
    }

    // ---- the accounts

    async fn account(&self, id: &AccountId) -> AccountView {
        self.scene.owner.account(*id).await
    }

    async fn account_until(
        &self,
        id: &AccountId,
        what: &str,
        fits: impl Fn(&AccountState) -> bool,
    ) -> AccountView {
        let look = async || Some(self.account(id).await).filter(|view| fits(&view.state));
        self.scene.owner.until(what, look).await
    }

    async fn is_installed(&self, integration: &str) -> bool {
        let all = self.scene.owner.integrations().await;
        all.iter().any(|one| one.id.as_str() == integration)
    }

    // ---- the agent

    async fn whoami(&self) -> Answer {
        self.scene.wire.call_tool(PROVIDER, "whoami", json!({})).await
    }

    async fn write(&self) -> Answer {
        self.scene.wire.call_tool(PROVIDER, "write", json!({"text": "hello"})).await
    }

    /// Calls until the refresh that this needs has come about, by taking the access token away.
    async fn refresh_by_call(&self) -> Answer {
        self.provider.end_access_tokens();
        self.whoami().await
    }

    async fn restart(self) -> Self {
        Self { scene: self.scene.restart().await, ..self }
    }

    async fn stop(self) {
        self.scene.stop().await;
    }
}

fn needs_sign_in(state: &AccountState) -> bool {
    matches!(state, AccountState::SignInNeeded { .. })
}

/// One parameter of a URL.
fn parameter(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).expect("a URL");
    url.query_pairs().find_map(|(key, value)| (key == name).then(|| value.into_owned()))
}
