//! The test server over HTTP, with switches.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use agentport_core::Secret;
use axum::{
    Router,
    extract::{Request, State as Shared},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderName, StatusCode};
use rmcp::transport::{
    StreamableHttpServerConfig, StreamableHttpService,
    streamable_http_server::session::local::LocalSessionManager,
};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use super::{
    super::Target,
    server::{Era, Server},
};

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
        tokio::spawn(async move {
            let _ = axum::serve(listener, router)
                .with_graceful_shutdown(stopped.cancelled_owned())
                .await;
        });
        let url = format!("http://{address}/mcp?key=hidden").parse().expect("a URL");
        Self { server, url, gate, _stop: stop.drop_guard() }
    }

    pub(super) fn target(&self) -> Target {
        let header = (HeaderName::from_static("x-key"), Secret::new("obviously-fake"));
        Target::Remote { url: self.url.clone(), headers: vec![header] }
    }

    pub(super) fn refuse(&self, refuses: Option<(u16, bool)>) {
        *self.gate.refuses.lock().unwrap() = refuses;
    }

    pub(super) fn forget_the_session(&self) {
        *self.gate.forgets.lock().unwrap() = Forgets::Next;
    }

    pub(super) fn requests(&self) -> u32 {
        self.gate.requests.load(Ordering::SeqCst)
    }

    pub(super) fn seen(&self, name: &str) -> Option<String> {
        let seen = self.gate.seen.lock().unwrap();
        seen.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    }
}

async fn pass(Shared(gate): Shared<Arc<Gate>>, request: Request, next: Next) -> Response {
    gate.requests.fetch_add(1, Ordering::SeqCst);
    *gate.seen.lock().unwrap() = request.headers().clone();
    let refuses = *gate.refuses.lock().unwrap();
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
        let mut forgets = gate.forgets.lock().unwrap();
        if *forgets == Forgets::Next {
            *forgets = Forgets::Session(session.to_owned());
        }
        if *forgets == Forgets::Session(session.to_owned()) {
            return StatusCode::NOT_FOUND.into_response();
        }
    }
    next.run(request).await
}
