//! A provider on loopback: MCP server, metadata, registration, authorization, token and revocation endpoint, with every
//! answer replaceable and every request recorded.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode, header};
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};
use url::{Url, form_urlencoded};

/// A fixed answer. `{base}` in headers and body becomes the provider's origin.
#[derive(Clone)]
pub(super) struct FixedAnswer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl FixedAnswer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::typed(status, "application/json", &body.to_string())
    }

    pub(super) fn text(status: u16, body: &str) -> Self {
        Self::typed(status, "text/plain", body)
    }

    pub(super) fn typed(status: u16, content_type: &str, body: &str) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status, headers, body: body.to_owned() }
    }

    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn response(&self, base: &str) -> Response {
        let mut response = self.body.replace("{base}", base).into_response();
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
        for (name, value) in &self.headers {
            response.headers_mut().insert(*name, value.replace("{base}", base).parse().unwrap());
        }
        response
    }
}

/// A request as it arrived.
#[derive(Clone)]
pub(super) struct RecordedRequest {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl RecordedRequest {
    pub(super) fn form(&self) -> BTreeMap<String, String> {
        form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }
}

/// What is kept of an authorization until its code is redeemed.
struct IssuedCode {
    challenge: String,
    client_id: String,
    redirect_uri: String,
    resource: Option<String>,
}

#[derive(Default)]
struct ProviderState {
    base: String,
    resource_metadata: Value,
    server_metadata: Value,
    /// Answers to a path that come once each, in order.
    once: HashMap<String, VecDeque<FixedAnswer>>,
    /// Answers to a path that stay.
    always: HashMap<String, FixedAnswer>,
    requests: Vec<RecordedRequest>,
    codes: HashMap<String, IssuedCode>,
    refresh_tokens: Vec<String>,
    counter: u32,
}

/// A running provider.
pub(super) struct Provider {
    state: Arc<Mutex<ProviderState>>,
    _stop: DropGuard,
}

impl Provider {
    pub(super) async fn start() -> Self {
        // Another test may have been faster.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(ProviderState {
            resource_metadata: json!({
                "resource": format!("{base}/mcp"),
                "authorization_servers": [base],
                "scopes_supported": ["r", "w"],
            }),
            server_metadata: json!({
                "issuer": base,
                "authorization_endpoint": format!("{base}/authorize"),
                "token_endpoint": format!("{base}/token"),
                "registration_endpoint": format!("{base}/register"),
                "revocation_endpoint": format!("{base}/revoke"),
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
                "authorization_response_iss_parameter_supported": true,
            }),
            base,
            ..ProviderState::default()
        }));
        let router = Router::new().fallback(on_request).with_state(state.clone());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        TaskTracker::new().spawn(async move {
            let stopped = stopped.cancelled_owned();
            let _ = axum::serve(listener, router).with_graceful_shutdown(stopped).await;
        });
        Self { state, _stop: stop.drop_guard() }
    }

    pub(super) fn base(&self) -> String {
        self.state.lock().base.clone()
    }

    pub(super) fn server(&self) -> Url {
        format!("{}/mcp", self.base()).parse().unwrap()
    }

    pub(super) fn challenge(&self) -> String {
        let base = self.base();
        format!(r#"Bearer resource_metadata="{base}/.well-known/oauth-protected-resource/mcp""#)
    }

    pub(super) fn set_server_metadata(&self, name: &str, value: Value) {
        set(&mut self.state.lock().server_metadata, name, value);
    }

    pub(super) fn set_resource_metadata(&self, name: &str, value: Value) {
        set(&mut self.state.lock().resource_metadata, name, value);
    }

    pub(super) fn answer(&self, path: &str, answer: FixedAnswer) {
        self.state.lock().always.insert(path.to_owned(), answer);
    }

    pub(super) fn answer_once(&self, path: &str, answer: FixedAnswer) {
        self.state.lock().once.entry(path.to_owned()).or_default().push_back(answer);
    }

    pub(super) fn requests(&self, path: &str) -> Vec<RecordedRequest> {
        let state = self.state.lock();
        state.requests.iter().filter(|request| request.path == path).cloned().collect()
    }

    pub(super) fn paths(&self) -> Vec<String> {
        self.state.lock().requests.iter().map(|request| request.path.clone()).collect()
    }

    /// What a browser does: opens the URL, and is sent to the callback.
    pub(super) async fn consent(&self, authorization_url: &str) -> String {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let response = client.get(authorization_url).send().await.unwrap();
        let status = response.status();
        let location = response.headers().get(header::LOCATION);
        let location = location.unwrap_or_else(|| panic!("no redirect: {status}"));
        location.to_str().unwrap().to_owned()
    }
}

fn set(object: &mut Value, name: &str, value: Value) {
    match value {
        Value::Null => {
            object.as_object_mut().unwrap().remove(name);
        }
        value => object[name] = value,
    }
}

async fn on_request(State(state): State<Arc<Mutex<ProviderState>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let recorded = RecordedRequest {
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let query = parts.uri.query().unwrap_or_default();
    let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let mut state = state.lock();
    state.requests.push(recorded.clone());
    let once = state.once.get_mut(&recorded.path).and_then(VecDeque::pop_front);
    if let Some(fixed) = once.or_else(|| state.always.get(&recorded.path).cloned()) {
        return fixed.response(&state.base);
    }
    match recorded.path.as_str() {
        "/.well-known/oauth-protected-resource/mcp" => found(&state.resource_metadata),
        "/.well-known/oauth-authorization-server" => found(&state.server_metadata),
        "/register" => state.register(&recorded),
        "/authorize" => state.authorize(&query),
        "/token" => state.token(&recorded),
        "/revoke" => StatusCode::OK.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn found(document: &Value) -> Response {
    axum::Json(document.clone()).into_response()
}

fn refused(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, axum::Json(json!({ "error": error }))).into_response()
}

impl ProviderState {
    fn next(&mut self) -> u32 {
        self.counter += 1;
        self.counter
    }

    fn register(&mut self, request: &RecordedRequest) -> Response {
        let body: Value = serde_json::from_str(&request.body).unwrap();
        let mut answer = body.clone();
        answer["client_id"] = format!("client-{}", self.next()).into();
        (StatusCode::CREATED, axum::Json(answer)).into_response()
    }

    fn authorize(&mut self, query: &BTreeMap<String, String>) -> Response {
        assert_eq!(query["code_challenge_method"], "S256");
        assert_eq!(query["response_type"], "code");
        let code = format!("planted-code-{}", self.next());
        let mut location: Url = query["redirect_uri"].parse().unwrap();
        let mut pairs = location.query_pairs_mut();
        pairs.append_pair("code", &code).append_pair("state", &query["state"]);
        pairs.append_pair("iss", &self.base);
        drop(pairs);
        let issued = IssuedCode {
            challenge: query["code_challenge"].clone(),
            client_id: query["client_id"].clone(),
            redirect_uri: query["redirect_uri"].clone(),
            resource: query.get("resource").cloned(),
        };
        self.codes.insert(code, issued);
        (StatusCode::FOUND, [(header::LOCATION, location.to_string())]).into_response()
    }

    fn token(&mut self, request: &RecordedRequest) -> Response {
        let form = request.form();
        match form["grant_type"].as_str() {
            "authorization_code" => {
                let Some(issued) = self.codes.remove(&form["code"]) else {
                    return refused("invalid_grant");
                };
                let digest = Sha256::digest(form["code_verifier"].as_bytes());
                let is_right = BASE64_URL_SAFE_NO_PAD.encode(digest) == issued.challenge
                    && form.get("client_id").is_none_or(|id| *id == issued.client_id)
                    && form["redirect_uri"] == issued.redirect_uri
                    && form.get("resource") == issued.resource.as_ref();
                if is_right { self.grant() } else { refused("invalid_grant") }
            }
            "refresh_token" => {
                let known = self.refresh_tokens.iter().position(|t| *t == form["refresh_token"]);
                let Some(at) = known else { return refused("invalid_grant") };
                self.refresh_tokens.remove(at);
                self.grant()
            }
            _ => refused("unsupported_grant_type"),
        }
    }

    fn grant(&mut self) -> Response {
        let n = self.next();
        let refresh_token = format!("planted-refresh-{n}");
        self.refresh_tokens.push(refresh_token.clone());
        let answer = json!({
            "access_token": format!("planted-access-{n}"),
            "refresh_token": refresh_token,
            "token_type": "Bearer",
            "expires_in": 3600,
            "workspace_name": "Acme",
        });
        axum::Json(answer).into_response()
    }
}
