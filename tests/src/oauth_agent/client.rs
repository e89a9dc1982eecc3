//! A registered client: authorization, token and revocation requests.

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::{AuthorizationRequest, AuthorizePage, Callback, Discovery, FormClient, fixtures};
use crate::{Gateway, Owner, Wire, wire::Reply};

/// A client that has registered.
#[derive(Debug, Clone)]
pub struct OAuthAgent {
    pub found: Discovery,
    pub client_id: String,
    /// The redirect it uses.
    pub redirect_uri: String,
    /// What the registration was answered.
    pub registered: Value,
    http: FormClient,
}

/// A successful token answer (RFC 6749, section 5.1).
#[derive(Debug, Clone, Deserialize)]
pub struct TokenSet {
    pub access_token: String,
    pub token_type: String,
    pub expires_in: u64,
    pub refresh_token: String,
    pub scope: String,
}

impl TokenSet {
    #[track_caller]
    pub fn of(reply: &Reply) -> Self {
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        let tokens: Self = crate::owner::typed(reply);
        assert_eq!(tokens.token_type, "Bearer");
        tokens
    }

    /// Plain HTTP with the access token.
    pub fn wire(&self, gateway: &Gateway) -> Wire {
        bearer(gateway.base(), &self.access_token)
    }
}

/// Plain HTTP with a Bearer token.
pub fn bearer(base: &str, token: &str) -> Wire {
    Wire::new(base).with("authorization", &format!("Bearer {token}"))
}

impl OAuthAgent {
    /// Discovers the gateway's endpoints from its URL and registers as Claude Code does.
    pub async fn register(gateway: &Gateway) -> Self {
        Self::register_as(&gateway.said.mcp_url, &fixtures::claude_code()).await
    }

    /// The same under a name of its own, so that it is another client.
    pub async fn register_named(gateway: &Gateway, name: &str) -> Self {
        Self::register_as(&gateway.said.mcp_url, &fixtures::named(name)).await
    }

    /// Registers with this body and uses its first redirect.
    pub async fn register_as(url: &str, body: &Value) -> Self {
        let found = Discovery::of(url).await;
        let http = FormClient::default();
        let reply = http.post_json(found.endpoint("registration_endpoint"), body).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{body}: {}", reply.text);
        let registered = reply.json();
        let text = |field: &Value| field.as_str().expect("text").to_owned();
        Self {
            client_id: text(&registered["client_id"]),
            redirect_uri: text(&registered["redirect_uris"][0]),
            found,
            registered,
            http,
        }
    }

    /// A request with a fresh verifier and state, for the resource the client was given.
    pub fn request(&self) -> AuthorizationRequest {
        self.request_to(&self.redirect_uri)
    }

    /// The same to another redirect.
    pub fn request_to(&self, redirect_uri: &str) -> AuthorizationRequest {
        let endpoint = self.found.endpoint("authorization_endpoint");
        AuthorizationRequest::new(endpoint, &self.client_id, redirect_uri)
            .with("resource", self.found.resource())
    }

    /// Opens a request in the browser; the owner consents.
    pub async fn consented(&self, owner: &Owner, request: &AuthorizationRequest) -> Callback {
        let page = AuthorizePage::open(&request.url()).await;
        page.waits();
        owner.consents_once().await;
        page.callback().await
    }

    /// The whole way, to tokens.
    pub async fn sign_in(&self, owner: &Owner) -> TokenSet {
        let request = self.request();
        let callback = self.consented(owner, &request).await;
        TokenSet::of(&self.exchange(&callback.code(), &request).await)
    }

    /// Sends a token request as it is.
    pub async fn token(&self, fields: &[(&str, &str)]) -> Reply {
        self.http.post(self.found.endpoint("token_endpoint"), fields).await
    }

    pub async fn exchange(&self, code: &str, request: &AuthorizationRequest) -> Reply {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &request.redirect_uri),
            ("client_id", &self.client_id),
            ("code_verifier", &request.verifier),
            ("resource", self.found.resource()),
        ])
        .await
    }

    pub async fn refresh(&self, refresh_token: &str) -> Reply {
        self.token(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
            ("client_id", &self.client_id),
            ("resource", self.found.resource()),
        ])
        .await
    }

    pub async fn revoke(&self, token: &str) -> Reply {
        let fields = [("token", token), ("client_id", self.client_id.as_str())];
        self.http.post(self.found.endpoint("revocation_endpoint"), &fields).await
    }
}
