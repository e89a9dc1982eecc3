//! The test server over HTTP, with switches.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use agentport_core::Secret;
use axum::{
    Json, Router,
    extract::{Request, State as Shared},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::post,
};
use http::{HeaderMap, HeaderName, StatusCode};
use parking_lot::Mutex;
use rmcp::transport::{
    StreamableHttpServerConfig, StreamableHttpService,
    streamable_http_server::session::local::LocalSessionManager,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};
use url::Url;

use super::server::{Era, Server};
use crate::upstream::{RemoteTarget, UpstreamTarget};

/// A server on a port of its own, until it is dropped.
pub(super) struct HttpServer {
    pub(super) server: Server,
    pub(super) url: Url,
    pub(super) gate: Arc<Gate>,
    _stop: DropGuard,
}

/// What stands before the server.
#[derive(Default)]
pub(super) struct Gate {
    /// Requests that came.
    pub(super) requests: AtomicU32,
    /// `Some((status, challenge))`: nobody is let in.
    pub(super) refuses: Mutex<Option<(u16, bool)>>,
    /// Says of a forgotten session what many servers say, not what the specification wants.
    pub(super) forgets_loosely: AtomicBool,
    /// The next session seen is forgotten.
    pub(super) forgets: Mutex<Forgets>,
    /// Headers of the last request.
    pub(super) seen: Mutex<HeaderMap>,
}

#[derive(Default, Clone, PartialEq)]
pub(super) enum Forgets {
    #[default]
    Nothing,
    Next,
    Session(String),
}

impl HttpServer {
    pub(super) async fn start(era: Era, json: bool) -> Self {
        let server = Server::new(era);
        let stop = CancellationToken::new();
        let made = server.clone();
        let service = StreamableHttpService::new(
            move || Ok(made.clone()),
            Arc::new(LocalSessionManager::default()),
            StreamableHttpServerConfig::default()
                .with_cancellation_token(stop.child_token())
                .with_json_response(json),
        );
        let gate = Arc::<Gate>::default();
        let router = Router::new()
            .route_service("/mcp", service)
            .layer(middleware::from_fn_with_state(gate.clone(), pass));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stopped = stop.clone();
        TaskTracker::new().spawn(async move {
            let _ = axum::serve(listener, router)
                .with_graceful_shutdown(stopped.cancelled_owned())
                .await;
        });
        let url = format!("http://user:pass@{address}/mcp?key=hidden").parse().expect("a URL");
        Self { server, url, gate, _stop: stop.drop_guard() }
    }

    pub(super) fn target(&self) -> UpstreamTarget {
        let header = (HeaderName::from_static("x-key"), Secret::new("obviously-fake"));
        UpstreamTarget::Remote(RemoteTarget {
            url: self.url.clone(),
            headers: vec![header],
            secrets: Vec::new(),
            tokens: None,
        })
    }

    pub(super) fn refuse(&self, refuses: Option<(u16, bool)>) {
        *self.gate.refuses.lock() = refuses;
    }

    pub(super) fn forget_the_session(&self, loosely: bool) {
        self.gate.forgets_loosely.store(loosely, Ordering::SeqCst);
        *self.gate.forgets.lock() = Forgets::Next;
    }

    pub(super) fn requests(&self) -> u32 {
        self.gate.requests.load(Ordering::SeqCst)
    }

    pub(super) fn seen(&self, name: &str) -> Option<String> {
        let seen = self.gate.seen.lock();
        seen.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    }
}

async fn pass(Shared(gate): Shared<Arc<Gate>>, request: Request, next: Next) -> Response {
    gate.requests.fetch_add(1, Ordering::SeqCst);
    *gate.seen.lock() = request.headers().clone();
    let refuses = *gate.refuses.lock();
    if let Some((status, challenge)) = refuses {
        let status = StatusCode::from_u16(status).unwrap();
        let body = "no: obviously-fake";
        return if challenge {
            (status, [("www-authenticate", "Bearer")], body).into_response()
        } else {
            (status, body).into_response()
        };
    }
    let session = request.headers().get("mcp-session-id").and_then(|id| id.to_str().ok());
    if let Some(session) = session {
        let mut forgets = gate.forgets.lock();
        if *forgets == Forgets::Next {
            *forgets = Forgets::Session(session.to_owned());
        }
        if *forgets == Forgets::Session(session.to_owned()) {
            if !gate.forgets_loosely.load(Ordering::SeqCst) {
                return StatusCode::NOT_FOUND.into_response();
            }
            let message = "Bad Request: No valid session ID provided";
            let error = json!({"code": -32000, "message": message});
            let answer = json!({"jsonrpc": "2.0", "id": null, "error": error});
            return (StatusCode::BAD_REQUEST, Json(answer)).into_response();
        }
    }
    next.run(request).await
}

/// A server of a revision before 2026-07-28 that breaks off the stream of each call, to be taken up again with a GET.
pub(super) async fn breaking_server() -> (Url, DropGuard) {
    let stop = CancellationToken::new();
    let router = Router::new().route("/mcp", post(answer_or_break_off).get(take_up));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let stopped = stop.clone();
    TaskTracker::new().spawn(async move {
        let _ =
            axum::serve(listener, router).with_graceful_shutdown(stopped.cancelled_owned()).await;
    });
    (format!("http://{address}/mcp").parse().expect("a URL"), stop.drop_guard())
}

async fn answer_or_break_off(Json(message): Json<Value>) -> Response {
    let result = match message["method"].as_str().unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "breaking", "version": "1"},
        }),
        "tools/list" => json!({"tools": []}),
        "tools/call" => {
            // The id of the call comes back as the id of the event, and so with the GET.
            let event = format!("id: 7 {}\nretry: 1\ndata:\n\ndata: half of an", message["id"]);
            return ([("content-type", "text/event-stream")], event).into_response();
        }
        "notifications/initialized" => return StatusCode::ACCEPTED.into_response(),
        _ => return StatusCode::BAD_REQUEST.into_response(),
    };
    let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
    ([("mcp-session-id", "s")], Json(answer)).into_response()
}

async fn take_up(headers: HeaderMap) -> Response {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let Some((event, id)) = last.and_then(|last| last.split_once(' ')) else {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    };
    let text = json!([{"type": "text", "text": format!("resumed after {event}")}]);
    let id: i64 = id.parse().unwrap_or_default();
    let answer = json!({"jsonrpc": "2.0", "id": id, "result": {"content": text}});
    ([("content-type", "text/event-stream")], format!("data: {answer}\n\n")).into_response()
}
