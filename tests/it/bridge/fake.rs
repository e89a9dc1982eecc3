//! A scripted gateway: a test sees what the bridge sends and decides the answers, also ones the real gateway never gives.

use std::{
    convert::Infallible,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use agentport_core::key::Key;
use agentport_gateway::data_dir::{DataDir, DataDirLock, Runtime};
use agentport_tests::{
    StdioClient,
    gateway::{Place, Setup},
    soon,
};
use axum::{
    body::{Body, Bytes},
    extract::Request,
    response::Response,
};
use futures::{Stream, StreamExt as _};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) headers: HeaderMap,
    /// `null` where there is none.
    pub(super) body: Value,
}

pub(super) struct Fake {
    setup: Setup,
    key: String,
    asked: watch::Receiver<Vec<Asked>>,
    stop: CancellationToken,
    _lock: DataDirLock,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    /// Is it this JSON-RPC method?
    pub(super) fn calls(&self, method: &str) -> bool {
        self.body["method"] == method
    }
}

impl Fake {
    /// What `answer` does not answer is answered as plainly as can be.
    pub(super) async fn start(
        answer: impl Fn(&Asked) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        let setup = Setup::default();
        let home = DataDir::open(Some(setup.place.home())).expect("a home");
        let lock = home.lock().expect("nobody else has it");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (send, asked) = watch::channel(Vec::new());
        let sessions = Arc::new(AtomicUsize::new(0));
        let answer = Arc::new(answer);
        let handler = move |request: Request| {
            let (send, sessions, answer) = (send.clone(), sessions.clone(), answer.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
                let asked = Asked {
                    method: parts.method.to_string(),
                    headers: parts.headers,
                    body: serde_json::from_slice(&body).unwrap_or_default(),
                };
                send.send_modify(|all| all.push(asked.clone()));
                answer(&asked).unwrap_or_else(|| plainly(&asked, &sessions))
            }
        };
        let stop = CancellationToken::new();
        let (ended, router) =
            (stop.clone().cancelled_owned(), axum::Router::new().fallback(handler));
        TaskTracker::new().spawn(async move {
            tokio::select! {
                served = axum::serve(listener, router) => served,
                () = ended => Ok(()),
            }
        });
        let url = format!("http://127.0.0.1:{port}");
        let runtime = Runtime {
            port,
            pid: std::process::id(),
            mcp_url: format!("{url}/mcp"),
            control_url: url,
        };
        home.write_runtime(&runtime).expect("the runtime file");
        let key = Key::from_random([7; 24]).secret().expose().to_owned();
        Self { setup, key, asked, stop, _lock: lock }
    }

    pub(super) fn place(&self) -> &Place {
        &self.setup.place
    }

    /// `agentport` in its environment, with no home named.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        self.setup.command(arguments)
    }

    /// A bridge to it that has said nothing yet.
    pub(super) fn bridge(&self) -> StdioClient {
        StdioClient::bridge(&self.setup, Some(&self.key))
    }

    /// A client in a session.
    pub(super) async fn client(&self) -> StdioClient {
        let mut client = self.bridge();
        client.open("2025-11-25", json!({})).await;
        client
    }

    /// Waits for a request that fits.
    pub(super) async fn asked(&self, what: &str, fits: impl Fn(&Asked) -> bool) -> Asked {
        let mut asked = self.asked.clone();
        let all = soon(what, asked.wait_for(|all| all.iter().any(&fits))).await;
        all.expect("it runs").iter().find(|asked| fits(asked)).expect("it is there").clone()
    }

    /// Everything so far that fits.
    pub(super) fn all(&self, fits: impl Fn(&Asked) -> bool) -> Vec<Asked> {
        self.asked.borrow().iter().filter(|asked| fits(asked)).cloned().collect()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn plainly(asked: &Asked, sessions: &AtomicUsize) -> Response {
    let id = &asked.body["id"];
    match (asked.method.as_str(), asked.body["method"].as_str()) {
        ("POST", Some("initialize")) => {
            let result = json!({
                "protocolVersion": asked.body["params"]["protocolVersion"],
                "capabilities": {},
                "serverInfo": {"name": "fake", "version": "1"},
            });
            let mut response = json_answer(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
            let number = sessions.fetch_add(1, Ordering::Relaxed) + 1;
            let session = format!("session-{number}").parse().expect("a header's value");
            response.headers_mut().insert("mcp-session-id", session);
            response
        }
        ("POST", Some(_)) if !id.is_null() => {
            json_answer(&json!({"jsonrpc": "2.0", "id": id, "result": {}}))
        }
        ("POST" | "DELETE", _) => status(StatusCode::ACCEPTED),
        _ => status(StatusCode::METHOD_NOT_ALLOWED),
    }
}

pub(super) fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

pub(super) fn json_answer(message: &Value) -> Response {
    of_type("application/json", Body::from(message.to_string()))
}

/// An event stream, whole.
pub(super) fn events(text: impl Into<Bytes>) -> Response {
    of_type("text/event-stream", Body::from(text.into()))
}

/// An event stream in pieces, which breaks off after the last.
pub(super) fn broken_events(pieces: impl Stream<Item = String> + Send + 'static) -> Response {
    let pieces = pieces.map(|piece| Ok(Bytes::from(piece)));
    let broken = futures::stream::once(async { Err(std::io::Error::other("on purpose")) });
    of_type("text/event-stream", Body::from_stream(pieces.chain(broken)))
}

/// An event stream in pieces.
pub(super) fn event_pieces(pieces: impl Stream<Item = String> + Send + 'static) -> Response {
    let pieces = pieces.map(|piece| Ok::<_, Infallible>(Bytes::from(piece)));
    of_type("text/event-stream", Body::from_stream(pieces))
}

fn of_type(kind: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, kind.parse().expect("a type"));
    response
}
