//! A server of the HTTP+SSE transport (MCP 2024-11-05), with switches for what goes wrong with such servers.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use agentport_core::Secret;
use axum::{
    Json, Router,
    body::Body,
    extract::{Query, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _, channel::mpsc};
use http::{HeaderMap, HeaderName, StatusCode};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};
use url::Url;

use crate::upstream::{RemoteTarget, UpstreamTarget};

/// How a stream begins.
#[derive(Debug, Default, Clone)]
pub(super) enum Beginning {
    /// With an endpoint of the server's own.
    #[default]
    Endpoint,
    /// With this text, and nothing after it.
    Text(&'static str),
    /// With an event that goes on and on.
    Endless,
    /// With this endpoint.
    Named(String),
}

/// What is wrong with the server.
#[derive(Debug, Default, Clone)]
pub(super) struct Faults {
    pub(super) beginning: Beginning,
    /// `Some((status, challenge))`: GETs are refused.
    pub(super) refuse_get: Option<(u16, bool)>,
    /// The same for messages.
    pub(super) refuse_post: Option<(u16, bool)>,
    /// Requests with another `Authorization` are refused.
    pub(super) wants: Option<&'static str>,
}

impl Faults {
    fn lets_in(&self, headers: &HeaderMap) -> bool {
        let sent = headers.get("authorization").and_then(|value| value.to_str().ok());
        self.wants.is_none_or(|wanted| sent == Some(wanted))
    }
}

/// A server on a port of its own, until it is dropped.
pub(super) struct SseServer {
    pub(super) url: Url,
    pub(super) state: Arc<ServerState>,
    _stop: DropGuard,
}

#[derive(Default)]
pub(super) struct ServerState {
    pub(super) faults: Mutex<Faults>,
    /// The sending side of each stream.
    sessions: Mutex<HashMap<String, mpsc::Sender<Bytes>>>,
    pub(super) streams: AtomicU32,
    /// Headers of the last GET, and of the last message.
    pub(super) get_headers: Mutex<HeaderMap>,
    pub(super) post_headers: Mutex<HeaderMap>,
    /// Calls of `slow` that have begun, and that were cancelled.
    pub(super) begun: watch::Sender<u32>,
    pub(super) cancelled: watch::Sender<u32>,
    grown: AtomicBool,
    /// The `ask` that waits for an answer: the id of its call.
    asking: Mutex<Option<Value>>,
}

impl SseServer {
    /// Serves its streams at `path`.
    pub(super) async fn start(path: &str) -> Self {
        let state = Arc::<ServerState>::default();
        let router = Router::new()
            .route(path, get(open_stream))
            .route("/messages", axum::routing::post(on_message))
            .with_state(state.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        TaskTracker::new().spawn(async move {
            tokio::select! {
                _ = axum::serve(listener, router) => {}
                () = stopped.cancelled() => {}
            }
        });
        let url = format!("http://user:pass@{address}{path}?key=hidden").parse().expect("a URL");
        Self { url, state, _stop: stop.drop_guard() }
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

    pub(super) fn set(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.state.faults.lock());
    }

    pub(super) fn streams(&self) -> u32 {
        self.state.streams.load(Ordering::SeqCst)
    }

    /// Forgets its sessions, whose streams stay open.
    pub(super) fn forget_sessions(&self) {
        let forgotten = std::mem::take(&mut *self.state.sessions.lock());
        // Dropped, the senders would end the streams.
        std::mem::forget(forgotten);
    }

    /// Ends its streams.
    pub(super) fn end_streams(&self) {
        self.state.sessions.lock().clear();
    }
}

fn refused((status, challenge): (u16, bool)) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    let body = "no: obviously-fake";
    match challenge {
        true => (status, [("www-authenticate", "Bearer")], body).into_response(),
        false => (status, body).into_response(),
    }
}

async fn open_stream(State(state): State<Arc<ServerState>>, headers: HeaderMap) -> Response {
    let faults = state.faults.lock().clone();
    let let_in = faults.lets_in(&headers);
    *state.get_headers.lock() = headers;
    if !let_in {
        return refused((401, true));
    }
    if let Some(refusal) = faults.refuse_get {
        return refused(refusal);
    }
    let session = state.streams.fetch_add(1, Ordering::SeqCst).to_string();
    let (mut events, stream) = mpsc::channel::<Bytes>(16);
    let first = match &faults.beginning {
        // A comment and a retry come before it with some servers.
        Beginning::Endpoint => format!(
            ": welcome\r\n\r\nretry: 1000\r\nevent: endpoint\r\ndata: /messages?session={session}\r\n\r\n"
        ),
        Beginning::Named(endpoint) => format!("event: endpoint\ndata: {endpoint}\n\n"),
        Beginning::Text(text) => (*text).to_owned(),
        Beginning::Endless => "event: endpoint\ndata: /".to_owned(),
    };
    let _ = events.try_send(first.into());
    if let Beginning::Endless = faults.beginning {
        TaskTracker::new().spawn(async move {
            while events.send(Bytes::from(vec![b'x'; 8 * 1024])).await.is_ok() {}
        });
    } else {
        state.sessions.lock().insert(session, events);
    }
    let body = Body::from_stream(stream.map(Ok::<_, Infallible>));
    ([("content-type", "text/event-stream; charset=utf-8")], body).into_response()
}

async fn on_message(
    State(state): State<Arc<ServerState>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    Json(message): Json<Value>,
) -> Response {
    let let_in = state.faults.lock().lets_in(&headers);
    *state.post_headers.lock() = headers;
    if !let_in {
        return refused((401, true));
    }
    if let Some(refusal) = state.faults.lock().refuse_post {
        return refused(refusal);
    }
    let session = query.get("session").cloned().unwrap_or_default();
    let Some(events) = state.sessions.lock().get(&session).cloned() else {
        return (StatusCode::NOT_FOUND, "Could not find session").into_response();
    };
    let mut stream = ServerStream(events);
    let late = message["params"]["name"] == "early";
    state.answer(&message, &session, &mut stream).await;
    if late {
        // The answer is on the stream before the message counts as accepted.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    (StatusCode::ACCEPTED, "Accepted").into_response()
}

struct ServerStream(mpsc::Sender<Bytes>);

impl ServerStream {
    async fn send(&mut self, message: &Value) {
        let event = format!(": ping\n\nevent: message\ndata: {message}\n\n");
        let _ = self.0.send(event.into()).await;
    }

    async fn result(&mut self, id: &Value, result: Value) {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result})).await;
    }

    async fn text(&mut self, id: &Value, text: &str) {
        self.result(id, json!({"content": [{"type": "text", "text": text}]})).await;
    }
}

impl ServerState {
    async fn answer(&self, message: &Value, session: &str, stream: &mut ServerStream) {
        let id = &message["id"];
        match message["method"].as_str() {
            Some("initialize") => {
                let version = &message["params"]["protocolVersion"];
                assert_eq!(version, "2025-11-25", "asked for the newest with `initialize`");
                let introduction = json!({
                    "protocolVersion": "2024-11-05",
                    "capabilities": {"tools": {"listChanged": true}},
                    "serverInfo": {"name": "old", "version": "1"},
                });
                stream.result(id, introduction).await;
            }
            Some("tools/list") => {
                let mut tools = vec![json!({"name": "echo", "inputSchema": {"type": "object"}})];
                if self.grown.load(Ordering::SeqCst) {
                    tools.push(json!({"name": "grown", "inputSchema": {"type": "object"}}));
                }
                stream.result(id, json!({"tools": tools})).await;
            }
            Some("tools/call") => self.call(message, session, stream).await,
            Some("notifications/cancelled") => {
                assert!(message["params"]["requestId"].is_i64());
                self.cancelled.send_modify(|cancelled| *cancelled += 1);
            }
            Some(_) => {}
            None => {
                let asking = self.asking.lock().take();
                if let Some(call) = asking {
                    stream.text(&call, &message["result"].to_string()).await;
                }
            }
        }
    }

    async fn call(&self, message: &Value, session: &str, stream: &mut ServerStream) {
        let (id, params) = (&message["id"], &message["params"]);
        match params["name"].as_str().unwrap_or_default() {
            "echo" => {
                let text = params["arguments"]["text"].as_str().unwrap_or_default();
                stream.text(id, text).await;
            }
            "early" => stream.text(id, "early").await,
            "drop" => drop(self.sessions.lock().remove(session)),
            "slow" => self.begun.send_modify(|begun| *begun += 1),
            "steps" => {
                let token = &params["_meta"]["progressToken"];
                for step in 1..=3 {
                    let params = json!({"progressToken": token, "progress": step});
                    let method = "notifications/progress";
                    stream
                        .send(&json!({"jsonrpc": "2.0", "method": method, "params": params}))
                        .await;
                }
                stream.text(id, "stepped").await;
            }
            "log" => {
                let params = json!({"level": "warning", "data": "hot"});
                let log =
                    json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params});
                stream.send(&log).await;
                stream.text(id, "logged").await;
            }
            "ask" | "ping" => {
                *self.asking.lock() = Some(id.clone());
                let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}});
                let params = json!({"message": "Who?", "requestedSchema": schema});
                let question = match message["params"]["name"] == "ping" {
                    true => json!({"jsonrpc": "2.0", "id": 7, "method": "ping"}),
                    false => json!({
                        "jsonrpc": "2.0", "id": 7, "method": "elicitation/create", "params": params,
                    }),
                };
                stream.send(&question).await;
            }
            "grow" => {
                self.grown.store(true, Ordering::SeqCst);
                let changed =
                    json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
                stream.send(&changed).await;
                stream.text(id, "grown").await;
            }
            "huge" => {
                let _ = stream.0.send("data: ".into()).await;
                for _ in 0..33 {
                    let _ = stream.0.send(Bytes::from(vec![b'x'; 1024 * 1024])).await;
                }
            }
            other => {
                let error = json!({"code": -32602, "message": "no such tool", "data": other});
                stream.send(&json!({"jsonrpc": "2.0", "id": id, "error": error})).await;
            }
        }
    }
}
