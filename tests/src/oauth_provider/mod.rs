//! A test provider: an authorization server (OAuth 2.1, RFC 8414, RFC 7591, RFC 7009, RFC 9207), an MCP server that it
//! protects (RFC 9728), and an unrelated origin, each on a loopback port of its own.
//!
//! [`ProviderBehaviour`] switches every deviation that real providers show. All requests are recorded. The owner's part in
//! a browser is played by [`ConsentBrowser`]; the authorization page works in a real browser too.

mod addresses;
mod authorize;
mod behaviour;
mod browser;
mod ledger;
mod mcp_server;
mod metadata;
mod record;
mod registration;
mod sse_server;
mod token;
mod token_answer;
mod token_behaviour;

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::header,
    response::{IntoResponse as _, Response},
    serve::ListenerExt as _,
};
use http::StatusCode;
use parking_lot::Mutex;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::form_urlencoded;

use self::ledger::{RegisteredClient, TokenFamily, TokenLedger};
pub use self::{
    behaviour::*,
    browser::{ConsentBrowser, Page},
    record::{RecordedRequest, RequestLog},
    token_behaviour::*,
};
use crate::{SOON, soon, within};

pub const MCP_PATH: &str = "/mcp";
pub const AUTHORIZATION_PATH: &str = "/oauth/authorize";
pub const DECISION_PATH: &str = "/oauth/authorize/decision";
pub const TOKEN_PATH: &str = "/oauth/token";
pub const REGISTRATION_PATH: &str = "/oauth/register";
pub const REVOCATION_PATH: &str = "/oauth/revoke";

/// Longest body of a request.
const MAX_BODY_BYTES: usize = 1 << 20;

/// A running provider. It stops when dropped.
#[derive(Debug)]
pub struct OAuthProvider {
    core: Arc<ProviderCore>,
    serving: Vec<JoinHandle<std::io::Result<()>>>,
    tasks: TaskTracker,
}

/// Ports of the three origins, which outlast [`OAuthProvider::go_down`].
#[derive(Debug, Clone, Copy)]
struct ProviderPorts {
    resource: u16,
    authorization: u16,
    elsewhere: u16,
}

/// State that the three servers share.
#[derive(Debug)]
struct ProviderCore {
    behaviour: Mutex<ProviderBehaviour>,
    ledger: Mutex<TokenLedger>,
    log: watch::Sender<RequestLog>,
    ports: ProviderPorts,
    /// Requests with a dead token that wait for [`McpBehaviour::gathered_refusals`].
    refusals: watch::Sender<usize>,
    /// Event streams of HTTP+SSE by the session in their endpoint's address.
    streams: Mutex<HashMap<String, mpsc::UnboundedSender<String>>>,
    /// Ends the servers and every answer that is held back.
    stop: Mutex<CancellationToken>,
}

#[derive(Debug, Clone)]
struct SitePoint {
    core: Arc<ProviderCore>,
    site: ProviderSite,
}

impl OAuthProvider {
    pub async fn start() -> Self {
        Self::start_with(ProviderBehaviour::default()).await
    }

    pub async fn start_with(behaviour: ProviderBehaviour) -> Self {
        let listeners = [bind(0).await, bind(0).await, bind(0).await];
        let [resource, authorization, elsewhere] = listeners
            .each_ref()
            .map(|listener| listener.local_addr().expect("a bound listener has an address").port());
        let core = ProviderCore {
            behaviour: Mutex::new(behaviour),
            ledger: Mutex::default(),
            log: watch::Sender::default(),
            ports: ProviderPorts { resource, authorization, elsewhere },
            refusals: watch::Sender::default(),
            streams: Mutex::default(),
            stop: Mutex::default(),
        };
        let mut provider =
            Self { core: Arc::new(core), serving: Vec::new(), tasks: TaskTracker::new() };
        provider.serve(listeners);
        provider
    }

    fn serve(&mut self, listeners: [TcpListener; 3]) {
        let sites = [ProviderSite::Resource, ProviderSite::Authorization, ProviderSite::Elsewhere];
        for (listener, site) in listeners.into_iter().zip(sites) {
            let point = SitePoint { core: self.core.clone(), site };
            let router = axum::Router::new().fallback(answer).with_state(point);
            let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
            let stopped = self.core.stop.lock().clone().cancelled_owned();
            let served = axum::serve(listener, router).with_graceful_shutdown(stopped);
            self.serving.push(self.tasks.spawn(served.into_future()));
        }
    }

    /// Closes every port. Clients and tokens stay.
    pub async fn go_down(&mut self) {
        self.core.stop.lock().cancel();
        for served in self.serving.drain(..) {
            soon("the provider stops", served).await.expect("it did not panic").expect("it served");
        }
    }

    /// Opens the same ports again.
    pub async fn come_back(&mut self) {
        *self.core.stop.lock() = CancellationToken::new();
        let ports = self.core.ports;
        let listeners = [
            bind(ports.resource).await,
            bind(ports.authorization).await,
            bind(ports.elsewhere).await,
        ];
        self.serve(listeners);
    }

    // ---- addresses

    /// The MCP endpoint.
    pub fn mcp_url(&self) -> String {
        let behaviour = self.core.behaviour();
        self.core.url_of(&behaviour, ProviderSite::Resource, behaviour.mcp_path())
    }

    /// The issuer that the resource names.
    pub fn issuer(&self) -> String {
        self.core.named_issuer(&self.core.behaviour())
    }

    /// An address on one of the three origins.
    pub fn url(&self, site: ProviderSite, path: &str) -> String {
        self.core.url(site, path)
    }

    /// The address of one of its ports, whatever name it is known under.
    pub fn address(&self, site: ProviderSite) -> String {
        self.core.address(site)
    }

    // ---- switches

    pub fn change(&self, change: impl FnOnce(&mut ProviderBehaviour)) {
        change(&mut self.core.behaviour.lock());
    }

    /// Adds a client that the owner registered by hand, and gives its secret.
    pub fn add_client(&self, id: &str, redirect_uri: &str) -> String {
        let mut ledger = self.core.ledger.lock();
        let secret = ledger.secret("client-secret");
        let client = RegisteredClient {
            secret: Some(secret.clone()),
            method: None,
            redirect_uris: vec![redirect_uri.to_owned()],
        };
        ledger.clients.insert(id.to_owned(), client);
        secret
    }

    /// Grants every scope to an account without a browser, and gives the access token.
    pub fn grant(&self, account: &str) -> String {
        let scopes = self.core.behaviour().discovery.server_scopes;
        let mut ledger = self.core.ledger.lock();
        let (client, account) = ("none".to_owned(), account.to_owned());
        let family = ledger.begin_family(TokenFamily { client, account, scopes, alive: true });
        ledger.issue_access(family, TokenShape::default().life)
    }

    /// Forgets every client, as some providers do after a time.
    pub fn forget_clients(&self) {
        self.core.ledger.lock().clients.clear();
    }

    /// Ends every access token; refresh tokens stay.
    pub fn end_access_tokens(&self) {
        self.core.ledger.lock().end_access_tokens(None);
    }

    /// Ends everything that was ever granted.
    pub fn end_grants(&self) {
        self.core.ledger.lock().end_families();
    }

    // ---- what happened

    pub fn log(&self) -> RequestLog {
        self.core.log.borrow().clone()
    }

    /// Forgets the requests so far.
    pub fn clear_log(&self) {
        self.core.log.send_modify(|log| log.0.clear());
    }

    /// Waits until the requests so far fit.
    pub async fn until(&self, what: &str, fits: impl FnMut(&RequestLog) -> bool) -> RequestLog {
        self.until_within(SOON, what, fits).await
    }

    pub async fn until_within(
        &self,
        limit: Duration,
        what: &str,
        mut fits: impl FnMut(&RequestLog) -> bool,
    ) -> RequestLog {
        let mut log = self.core.log.subscribe();
        let seen = within(limit, what, log.wait_for(|log| fits(log))).await;
        seen.expect("the provider is there").clone()
    }

    /// Waits until every access token has lived its life.
    pub async fn access_tokens_ended(&self) {
        let last = self.core.ledger.lock().last_end();
        tokio::time::sleep_until(last.into()).await;
    }

    /// Ids of the clients it knows.
    pub fn clients(&self) -> Vec<String> {
        self.core.ledger.lock().clients.keys().cloned().collect()
    }

    /// The accounts whose grant is alive, one for each grant.
    pub fn live_accounts(&self) -> Vec<String> {
        self.core.ledger.lock().live_accounts()
    }

    /// Every secret that was issued or sent: tokens, codes, client secrets, code verifiers.
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets = self.core.ledger.lock().secrets.clone();
        let log = self.core.log.borrow();
        secrets.extend(log.0.iter().filter_map(|request| request.field("code_verifier")));
        secrets
    }
}

impl Drop for OAuthProvider {
    fn drop(&mut self) {
        self.core.stop.lock().cancel();
    }
}

async fn bind(port: u16) -> TcpListener {
    TcpListener::bind(("127.0.0.1", port)).await.expect("a free port")
}

impl ProviderCore {
    fn behaviour(&self) -> ProviderBehaviour {
        self.behaviour.lock().clone()
    }

    fn record(&self, request: RecordedRequest) -> usize {
        let mut index = 0;
        self.log.send_modify(|log| {
            index = log.0.len();
            log.0.push(request);
        });
        index
    }

    fn set_status(&self, index: usize, status: StatusCode) {
        self.log.send_modify(|log| {
            // The log may have been cleared meanwhile.
            if let Some(request) = log.0.get_mut(index) {
                request.status = Some(status.as_u16());
            }
        });
    }

    /// Holds an answer back until the servers stop.
    async fn hang(&self) -> Response {
        let stop = self.stop.lock().clone();
        stop.cancelled().await;
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    }
}

/// Records a request and answers it.
async fn answer(State(SitePoint { core, site }): State<SitePoint>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let query = parts.uri.query().unwrap_or_default();
    let request = RecordedRequest {
        at: Instant::now(),
        site,
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        status: None,
    };
    let index = core.record(request.clone());
    let response = core.respond(&request).await;
    core.set_status(index, response.status());
    response
}

impl ProviderCore {
    async fn respond(&self, request: &RecordedRequest) -> Response {
        let behaviour = self.behaviour();
        let canned = behaviour.canned.iter();
        let mut canned = canned.filter(|one| one.site == request.site && one.path == request.path);
        if let Some(canned) = canned.next_back() {
            return self.canned(&canned.reply).await;
        }
        if let Some(document) = self.document(&behaviour, request) {
            return axum::Json(document).into_response();
        }
        match (request.site, request.path.as_str()) {
            (ProviderSite::Resource, path) if path == behaviour.mcp_path() => {
                match behaviour.mcp.transport {
                    McpTransport::StreamableHttp => self.serve_mcp(&behaviour, request).await,
                    McpTransport::Sse => self.open_stream(&behaviour, request).await,
                }
            }
            (ProviderSite::Resource, sse_server::MESSAGES_PATH) => {
                self.receive_message(&behaviour, request).await
            }
            (ProviderSite::Authorization, AUTHORIZATION_PATH) => {
                self.authorize(&behaviour, request)
            }
            (ProviderSite::Authorization, DECISION_PATH) => self.decide(&behaviour, request),
            (ProviderSite::Authorization, TOKEN_PATH) => self.token(&behaviour, request).await,
            (ProviderSite::Authorization, REGISTRATION_PATH) => self.register(&behaviour, request),
            (ProviderSite::Authorization, REVOCATION_PATH) => self.revoke(&behaviour, request),
            (ProviderSite::Elsewhere, _) => html(StatusCode::OK, "Another site altogether"),
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }

    async fn canned(&self, reply: &CannedReply) -> Response {
        match reply {
            CannedReply::Status(status) => status_code(*status).into_response(),
            CannedReply::TooMany(seconds) => {
                let wait = [(header::RETRY_AFTER, seconds.to_string())];
                (StatusCode::TOO_MANY_REQUESTS, wait).into_response()
            }
            CannedReply::Html => html(StatusCode::OK, "A page, whatever was asked for"),
            CannedReply::Redirect(to) => {
                (StatusCode::FOUND, [(header::LOCATION, to.as_str())]).into_response()
            }
            CannedReply::Json(document) => axum::Json(document).into_response(),
            CannedReply::Hang => self.hang().await,
        }
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("a status code")
}

/// A page with this text or markup.
fn html(status: StatusCode, body: &str) -> Response {
    let page = format!("<!doctype html><title>Provider</title><main>{body}</main>");
    (status, axum::response::Html(page)).into_response()
}

fn with_type(status: u16, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(Bytes::from(body)));
    *response.status_mut() = status_code(status);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    response
}
