//! The provider by itself, with a client as plain as can be.

use std::time::Duration;

use base64::Engine as _;
use http::StatusCode;
use serde_json::{Value, json};
use sha2::Digest as _;
use url::{Url, form_urlencoded};

use super::{behaviour::strings, token_answer::NewTokens, *};

const REDIRECT: &str = "http://127.0.0.1:9/callback";
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-the-rule-of-43";

/// A client that was registered and has a browser.
struct PlainClient<'a> {
    provider: &'a OAuthProvider,
    http: reqwest::Client,
    browser: ConsentBrowser,
    id: String,
    secret: Option<String>,
}

impl<'a> PlainClient<'a> {
    async fn register(provider: &'a OAuthProvider) -> Self {
        let http = crate::http_client();
        let url = provider.url(ProviderSite::Authorization, REGISTRATION_PATH);
        let body = json!({"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"});
        let answer = http.post(url).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::CREATED);
        let answer: Value = answer.json().await.expect("JSON");
        let id = answer["client_id"].as_str().expect("an id").to_owned();
        let secret = answer["client_secret"].as_str().map(ToOwned::to_owned);
        Self { provider, http, browser: ConsentBrowser::new(), id, secret }
    }

    fn authorization_url(&self, more: &[(&str, &str)]) -> String {
        let endpoint = self.provider.url(ProviderSite::Authorization, AUTHORIZATION_PATH);
        let digest = sha2::Sha256::digest(VERIFIER.as_bytes());
        let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
        let mut url = Url::parse(&endpoint).expect("a URL");
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.id)
            .append_pair("redirect_uri", REDIRECT)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("state", "st")
            .extend_pairs(more);
        url.into()
    }

    async fn code(&self) -> String {
        let url = self.authorization_url(&[("scope", "read write")]);
        parameter(&self.browser.callback(&url, "grace").await, "code").expect("a code")
    }

    async fn token(&self, fields: &[(&str, &str)]) -> (StatusCode, String) {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("client_id", &self.id).extend_pairs(fields);
        if let Some(secret) = &self.secret {
            form.append_pair("client_secret", secret);
        }
        let url = self.provider.url(ProviderSite::Authorization, TOKEN_PATH);
        let request = self.http.post(url).body(form.finish());
        let answer = request.send().await.expect("an answer");
        (answer.status(), answer.text().await.expect("text"))
    }

    async fn exchange(&self) -> Value {
        let code = self.code().await;
        let (status, body) = self.exchange_code(&code).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        serde_json::from_str(&body).expect("JSON")
    }

    async fn exchange_code(&self, code: &str) -> (StatusCode, String) {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    async fn refresh(&self, token: &Value) -> (StatusCode, Value) {
        let shown = token.as_str().expect("a refresh token");
        let fields = [("grant_type", "refresh_token"), ("refresh_token", shown)];
        let (status, body) = self.token(&fields).await;
        (status, serde_json::from_str(&body).expect("JSON"))
    }

    async fn call(&self, token: Option<&Value>, tool: &str) -> reqwest::Response {
        let message = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": tool, "arguments": {"text": "hello"}},
        });
        let mut request = self.http.post(self.provider.mcp_url()).json(&message);
        if let Some(token) = token.and_then(Value::as_str) {
            request = request.bearer_auth(token);
        }
        request.send().await.expect("an answer")
    }
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).expect("a URL");
    url.query_pairs().find_map(|(key, value)| (key == name).then(|| value.into_owned()))
}

async fn get(url: &str) -> (StatusCode, Value) {
    let answer = crate::http_client().get(url).send().await.expect("an answer");
    (answer.status(), answer.json().await.unwrap_or_default())
}

fn challenge(answer: &reqwest::Response) -> &str {
    let value = answer.headers().get("www-authenticate");
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn a_client_finds_its_way_from_the_challenge_to_a_call() {
    let provider = OAuthProvider::start().await;
    let client = PlainClient::register(&provider).await;
    let refused = client.call(None, "whoami").await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let (_, rest) = challenge(&refused).split_once("resource_metadata=\"").expect("a pointer");
    let (pointer, _) = rest.split_once('"').expect("its end");
    let (_, document) = get(pointer).await;
    assert_eq!(document["resource"], json!(provider.mcp_url()));
    let issuer = document["authorization_servers"][0].as_str().expect("an issuer");
    let (_, document) = get(&format!("{issuer}/.well-known/oauth-authorization-server")).await;
    assert_eq!(document["issuer"], json!(issuer));

    let tokens = client.exchange().await;
    assert_eq!(tokens["expires_in"], json!(3600));
    let answer: Value =
        client.call(Some(&tokens["access_token"]), "whoami").await.json().await.expect("JSON");
    assert_eq!(answer["result"]["content"][0]["text"], json!("account=grace scopes=read,write"));
    assert_eq!(provider.log().exchanges().len(), 1);
    assert!(provider.secrets().contains(&VERIFIER.to_owned()));
}

#[tokio::test]
async fn a_reused_refresh_token_ends_its_family() {
    let provider = OAuthProvider::start().await;
    let client = PlainClient::register(&provider).await;
    let first = client.exchange().await;
    let (status, second) = client.refresh(&first["refresh_token"]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(client.call(Some(&second["access_token"]), "whoami").await.status(), StatusCode::OK);
    let (status, refusal) = client.refresh(&first["refresh_token"]).await;
    assert_eq!((status, &refusal["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
    let answer = client.call(Some(&second["access_token"]), "whoami").await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(challenge(&answer).contains("invalid_token"), "{}", challenge(&answer));
    let (status, _) = client.refresh(&second["refresh_token"]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "the newest went with it");
    assert!(provider.live_accounts().is_empty());
}

#[tokio::test]
async fn codes_are_bound_to_their_verifier_and_used_once() {
    let provider = OAuthProvider::start().await;
    let client = PlainClient::register(&provider).await;
    let code = client.code().await;
    let wrong = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", "another"),
    ];
    assert_eq!(client.token(&wrong).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(client.exchange_code(&code).await.0, StatusCode::BAD_REQUEST, "it is used up");
}

#[tokio::test]
async fn the_issued_method_of_authentication_is_required() {
    let provider = OAuthProvider::start().await;
    provider.change(|behaviour| behaviour.registration.secret = Some(ClientAuth::Post));
    let mut client = PlainClient::register(&provider).await;
    client.exchange().await;
    let code = client.code().await;
    client.secret = None;
    let (status, body) = client.exchange_code(&code).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(body.contains("invalid_client"), "{body}");
}

#[tokio::test]
async fn a_forgotten_client_gets_a_page_and_no_redirect() {
    let provider = OAuthProvider::start().await;
    let client = PlainClient::register(&provider).await;
    let code = client.code().await;
    provider.forget_clients();
    let page = client.browser.open(&client.authorization_url(&[])).await;
    assert_eq!((page.status, page.location), (StatusCode::UNPROCESSABLE_ENTITY, None));
    let (status, body) = client.exchange_code(&code).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(body.contains("invalid_client"), "{body}");
}

#[tokio::test]
async fn the_resource_is_compared_byte_for_byte() {
    let provider = OAuthProvider::start().await;
    provider.change(|behaviour| {
        behaviour.resource_rule = ResourceRule::Required;
        behaviour.discovery.resource_name = ResourceName::Origin;
    });
    let client = PlainClient::register(&provider).await;
    let origin = provider.url(ProviderSite::Resource, "");
    let slashed = format!("{origin}/");
    let refused = client.browser.open(&client.authorization_url(&[("resource", &slashed)])).await;
    let back = refused.location.expect("a redirect");
    assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_target"));
    assert_eq!(parameter(&back, "iss"), Some(provider.issuer()));
    let page = client.browser.open(&client.authorization_url(&[("resource", &origin)])).await;
    assert_eq!(page.status, StatusCode::OK);
}

#[tokio::test]
async fn a_write_without_its_scope_is_challenged_for_it() {
    let provider = OAuthProvider::start().await;
    provider.change(|behaviour| {
        behaviour.authorization.granted_scopes = Some(vec!["read".to_owned()]);
    });
    let client = PlainClient::register(&provider).await;
    let tokens = client.exchange().await;
    let answer = client.call(Some(&tokens["access_token"]), "write").await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let challenge = challenge(&answer);
    assert!(challenge.contains("insufficient_scope") && challenge.contains("scope=\"write\""));
}

#[tokio::test]
async fn a_provider_that_was_down_still_knows_its_tokens() {
    let mut provider = OAuthProvider::start().await;
    let tokens = PlainClient::register(&provider).await.exchange().await;
    let url = provider.mcp_url();
    provider.go_down().await;
    assert!(crate::http_client().get(&url).send().await.is_err(), "the port is closed");
    provider.come_back().await;
    let request = crate::http_client().get(&url);
    let token = tokens["access_token"].as_str().expect("a token");
    let answer = request.bearer_auth(token).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "let in, but GET is nothing");
}

#[tokio::test]
async fn revocation_of_a_refresh_token_ends_the_grant() {
    let provider = OAuthProvider::start().await;
    let client = PlainClient::register(&provider).await;
    let tokens = client.exchange().await;
    assert_eq!(provider.live_accounts(), ["grace"]);
    let url = provider.url(ProviderSite::Authorization, REVOCATION_PATH);
    let token = tokens["refresh_token"].as_str().expect("a token");
    let body = format!("client_id={}&token={token}", client.id);
    let answer = client.http.post(url).body(body).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(provider.live_accounts().is_empty());
}

async fn written(shape: TokenShape) -> (u16, String, String) {
    let scopes = strings(["read", "write"]);
    let tokens = NewTokens { access: "a".to_owned(), refresh: None, scopes };
    let response = token_answer::issued(&shape, &tokens);
    let status = response.status().as_u16();
    let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
    let body = axum::body::to_bytes(response.into_body(), MAX_BODY_BYTES).await.expect("a body");
    (status, kind, String::from_utf8(body.to_vec()).expect("text"))
}

#[tokio::test]
async fn token_answers_have_the_shape_that_was_asked_for() {
    let plain = TokenShape::default;
    let cases = [
        (plain(), r#""expires_in":3600,"#),
        (TokenShape { expires_in: ExpiresIn::Text, ..plain() }, r#""expires_in":"3600""#),
        (TokenShape { expires_in: ExpiresIn::Float, ..plain() }, r#""expires_in":3600.0"#),
        (TokenShape { expires_in: ExpiresIn::Seconds(0), ..plain() }, r#""expires_in":0,"#),
        (TokenShape { expires_in: ExpiresIn::Null, ..plain() }, r#""expires_in":null"#),
        (TokenShape { scope: ScopeField::Commas, ..plain() }, r#""scope":"read,write""#),
        (TokenShape { scope: ScopeField::Array, ..plain() }, r#""scope":["read","write"]"#),
        (TokenShape { scope: ScopeField::Empty, ..plain() }, r#""scope":"""#),
        (TokenShape { access_token: AccessTokenField::Empty, ..plain() }, r#""access_token":"""#),
    ];
    for (shape, part) in cases {
        let (status, kind, body) = written(shape.clone()).await;
        assert_eq!((status, kind.as_str()), (200, "application/json"));
        assert!(body.contains(part), "{shape:?}: {body}");
    }
    let bare = TokenShape {
        status: 201,
        encoding: TokenEncoding::Form,
        token_type: None,
        expires_in: ExpiresIn::Missing,
        scope: ScopeField::Missing,
        life: Duration::from_secs(1),
        ..plain()
    };
    let form = "application/x-www-form-urlencoded".to_owned();
    assert_eq!(written(bare).await, (201, form, "access_token=a".to_owned()));
    let text = TokenShape { encoding: TokenEncoding::JsonAsText, ..plain() };
    assert_eq!(written(text).await.1, "text/plain");
}
