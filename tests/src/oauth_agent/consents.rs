//! The owner's side of a sign-in (`/control/consents`).

use agentport_api::{ApproveConsent, ConsentState, ConsentView, Items, KeyView, paths};
use agentport_core::{AgentId, ConsentId};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{Owner, wire::Reply};

impl Owner {
    pub async fn consents(&self) -> Vec<ConsentView> {
        self.ask::<Items<ConsentView>>(Method::GET, paths::CONSENTS, None).await.items
    }

    pub async fn waiting_consents(&self) -> Vec<ConsentView> {
        let mut all = self.consents().await;
        all.retain(|consent| consent.state == ConsentState::Waiting);
        all
    }

    pub async fn consent(&self, id: ConsentId) -> ConsentView {
        self.ask(Method::GET, &paths::fill(paths::CONSENT, id), None).await
    }

    /// Waits until exactly one request for consent waits, and returns it.
    pub async fn one_consent(&self) -> ConsentView {
        self.until("one request for consent", async || {
            let mut waiting = self.waiting_consents().await;
            if waiting.len() == 1 { waiting.pop() } else { None }
        })
        .await
    }

    /// Sends a consent; the answer may be a refusal.
    pub async fn try_consent(&self, id: ConsentId, body: &ApproveConsent) -> Reply {
        let body = serde_json::to_value(body).expect("JSON");
        self.send(Method::POST, &paths::fill(paths::CONSENT_APPROVE, id), Some(body)).await
    }

    /// Consents: the agent of before where there is one, else a new one of the suggested name.
    pub async fn give_consent(&self, consent: &ConsentView) {
        let agent = consent.known_as.as_ref().map(|known| known.id);
        // As the page shows it; it has to be typed for what comes from outside.
        let code = consent.remote.then(|| consent.code.clone());
        let body = ApproveConsent { agent, code, ..Default::default() };
        let reply = self.try_consent(consent.id, &body).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT, "{}", reply.text);
    }

    pub async fn refuse_consent(&self, id: ConsentId) -> Reply {
        self.send(Method::POST, &paths::fill(paths::CONSENT_DENY, id), None).await
    }

    /// Waits for the one request for consent, and gives it.
    pub async fn consents_once(&self) -> ConsentView {
        let consent = self.one_consent().await;
        self.give_consent(&consent).await;
        consent
    }

    /// The agents that signed in by OAuth.
    pub async fn oauth_agents(&self) -> Vec<KeyView> {
        let mut all = self.keys().await;
        all.retain(|agent| agent.oauth.is_some());
        all
    }

    /// The one agent that signed in by OAuth.
    pub async fn oauth_agent(&self) -> KeyView {
        let mut all = self.oauth_agents().await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    pub async fn revoke_agent(&self, id: AgentId) {
        let reply = self.send(Method::DELETE, &paths::fill(paths::KEY, id), None).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT, "{}", reply.text);
    }

    pub async fn change_agent(&self, id: AgentId, change: Value) {
        let reply = self.send(Method::PATCH, &paths::fill(paths::KEY, id), Some(change)).await;
        assert!(reply.status.is_success(), "{} {}", reply.status, reply.text);
    }

    pub async fn rename_agent(&self, id: AgentId, name: &str) {
        self.change_agent(id, json!({ "name": name })).await;
    }
}
