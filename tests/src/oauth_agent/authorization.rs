//! The authorization request (RFC 6749, section 4.1.1, with RFC 7636) and the answer to it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use url::Url;

/// A request as its address says it, with the secrets only the client has.
#[derive(Debug, Clone)]
pub struct AuthorizationRequest {
    endpoint: String,
    parameters: Vec<(String, String)>,
    pub verifier: String,
    pub state: String,
    pub redirect_uri: String,
}

impl AuthorizationRequest {
    pub fn new(endpoint: &str, client_id: &str, redirect_uri: &str) -> Self {
        let verifier = random();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let state = random();
        let request = Self {
            endpoint: endpoint.to_owned(),
            parameters: Vec::new(),
            verifier,
            state: state.clone(),
            redirect_uri: redirect_uri.to_owned(),
        };
        request
            .with("response_type", "code")
            .with("client_id", client_id)
            .with("redirect_uri", redirect_uri)
            .with("state", &state)
            .with("code_challenge", &challenge)
            .with("code_challenge_method", "S256")
    }

    /// Sets a parameter, in place of the one of that name.
    #[must_use]
    pub fn with(self, name: &str, value: &str) -> Self {
        self.without(name).and(name, value)
    }

    /// Adds a parameter, also a second of the same name.
    #[must_use]
    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.parameters.retain(|(key, _)| key != name);
        self
    }

    /// The address that is opened in the browser.
    pub fn url(&self) -> String {
        let mut url = Url::parse(&self.endpoint).expect("a URL");
        url.query_pairs_mut().extend_pairs(&self.parameters);
        url.into()
    }
}

/// 43 characters of base64url, as a verifier has at least.
fn random() -> String {
    let bytes: [[u8; 16]; 2] = std::array::from_fn(|_| *uuid::Uuid::new_v4().as_bytes());
    URL_SAFE_NO_PAD.encode(bytes.concat())
}

/// The address the browser is sent to at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    pub url: Url,
}

impl Callback {
    pub fn parse(url: &str) -> Self {
        Self { url: Url::parse(url).unwrap_or_else(|error| panic!("{url:?}: {error}")) }
    }

    /// A parameter that is there once.
    pub fn get(&self, name: &str) -> Option<String> {
        let mut found: Vec<_> = self.url.query_pairs().filter(|(key, _)| key == name).collect();
        assert!(found.len() < 2, "{name} twice in {}", self.url);
        found.pop().map(|(_, value)| value.into_owned())
    }

    /// The code of a request that was consented to.
    #[track_caller]
    pub fn code(&self) -> String {
        self.get("code").unwrap_or_else(|| panic!("no code in {}", self.url))
    }

    /// The address without its query.
    pub fn target(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.into()
    }
}
