//! The owner signs in to an upstream over the control API (`/control/sign-ins`).

use agentport_api::{AccountView, Items, SignInState, SignInView};
use agentport_core::{AccountId, SignInId};
use http::Method;
use serde_json::Value;

use crate::{Owner, oauth_provider::ConsentBrowser};

impl Owner {
    /// `POST /control/sign-ins`.
    pub async fn begin_sign_in(&self, body: Value) -> SignInView {
        self.ask(Method::POST, "/control/sign-ins", Some(body)).await
    }

    pub async fn sign_in_view(&self, id: SignInId) -> SignInView {
        self.ask(Method::GET, &format!("/control/sign-ins/{id}"), None).await
    }

    pub async fn sign_in_until(
        &self,
        id: SignInId,
        what: &str,
        fits: impl Fn(&SignInState) -> bool,
    ) -> SignInView {
        let look = async || Some(self.sign_in_view(id).await).filter(|view| fits(&view.state));
        self.until(what, look).await
    }

    /// Waits until there is a page to consent on, or the end.
    pub async fn sign_in_settled(&self, id: SignInId) -> SignInView {
        let settled = |state: &SignInState| {
            state.is_over() || matches!(state, SignInState::WaitingForConsent { .. })
        };
        self.sign_in_until(id, "a page to consent on, or the end of a sign-in", settled).await
    }

    /// The address of the provider's page, once there is one.
    pub async fn consent_url(&self, id: SignInId) -> String {
        let view = self.sign_in_settled(id).await;
        match view.state {
            SignInState::WaitingForConsent { authorization_url } => authorization_url,
            other => panic!("no page to consent on but {other:?}, notes {:?}", view.notes),
        }
    }

    /// How a sign-in ends.
    pub async fn sign_in_end(&self, id: SignInId) -> SignInView {
        self.sign_in_until(id, "the end of a sign-in", SignInState::is_over).await
    }

    /// The account of a sign-in that ends well.
    pub async fn signed_in(&self, id: SignInId) -> AccountId {
        let view = self.sign_in_end(id).await;
        match view.state {
            SignInState::Done { account } => account,
            other => panic!("not signed in but {other:?}, notes {:?}", view.notes),
        }
    }

    /// Begins, approves on the test provider's page, and waits for the end.
    pub async fn complete_sign_in(&self, browser: &ConsentBrowser, body: Value) -> AccountId {
        let view = self.begin_sign_in(body).await;
        let url = self.consent_url(view.id).await;
        browser.approve(&url).await;
        self.signed_in(view.id).await
    }

    pub async fn accounts(&self) -> Vec<AccountView> {
        self.ask::<Items<AccountView>>(Method::GET, "/control/accounts", None).await.items
    }

    pub async fn account(&self, id: AccountId) -> AccountView {
        self.ask(Method::GET, &format!("/control/accounts/{id}"), None).await
    }
}
