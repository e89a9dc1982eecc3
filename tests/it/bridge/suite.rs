//! The official conformance suite, through the bridge.
//!
//! The suite only speaks Streamable HTTP to a server. So a front takes its requests and hands them over another
//! transport, as they are: one connection ([`Link`]) for each session of the earlier revisions, one for each request of
//! the newest. Here that is the bridge on stdio. What is about HTTP itself is the front's, and stands in
//! `tests/conformance/stdio-*.yml`.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use agentport_api::NewKey;
use agentport_core::IntegrationId;
use agentport_tests::{StdioClient, stdio::bridge_command};
use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    response::Response,
};
use futures::StreamExt as _;
use http::{Method, StatusCode, header};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{conformance, scene::Scene};

/// A connection to the gateway: what is sent goes as it is, what comes back is a message each.
pub(crate) struct Link {
    pub(crate) say: UnboundedSender<Vec<u8>>,
    pub(crate) heard: UnboundedReceiver<Value>,
}

/// What the front is made of.
#[derive(Clone)]
struct Front {
    start: Arc<dyn Fn() -> Link + Send + Sync>,
    sessions: Arc<Mutex<HashMap<String, Session>>>,
    numbers: Arc<AtomicUsize>,
}

/// One connection, and the requests that wait for its messages.
#[derive(Clone)]
struct Session {
    say: UnboundedSender<Vec<u8>>,
    listeners: Arc<Mutex<Listeners>>,
}

#[derive(Default)]
struct Listeners {
    /// By the request's id and its progress token.
    requests: Vec<(Value, Value, UnboundedSender<Value>)>,
    stream: Option<UnboundedSender<Value>>,
    unheard: VecDeque<Value>,
}

impl Session {
    fn open(link: Link) -> Self {
        let Link { say, mut heard } = link;
        let listeners = Arc::new(Mutex::new(Listeners::default()));
        let hears = listeners.clone();
        TaskTracker::new().spawn(async move {
            while let Some(message) = heard.recv().await {
                hears.lock().give(message);
            }
        });
        Self { say, listeners }
    }

    fn lock(&self) -> MutexGuard<'_, Listeners> {
        self.listeners.lock()
    }

    fn ask(&self, message: &Value, body: &[u8]) -> UnboundedReceiver<Value> {
        let (send, heard) = unbounded_channel();
        let token = message["params"]["_meta"]["progressToken"].clone();
        self.lock().requests.push((message["id"].clone(), token, send));
        self.tell(body);
        heard
    }

    fn tell(&self, body: &[u8]) {
        self.say.send(body.to_vec()).expect("the connection is open");
    }

    fn listen(&self) -> UnboundedReceiver<Value> {
        let (send, heard) = unbounded_channel();
        let mut listeners = self.lock();
        for message in listeners.unheard.drain(..) {
            let _ = send.send(message);
        }
        listeners.stream = Some(send);
        heard
    }
}

impl Listeners {
    /// To the request it belongs to; what belongs to none to the request that came last, as there is but one stream.
    fn give(&mut self, message: Value) {
        if message.get("method").is_none() {
            if let Some(place) = self.requests.iter().position(|(id, ..)| *id == message["id"]) {
                let _ = self.requests.remove(place).2.send(message);
            }
            return;
        }
        let token = &message["params"]["progressToken"];
        let own = self.requests.iter().find(|(_, its, _)| !token.is_null() && its == token);
        let to = own.or(self.requests.last()).map(|(.., send)| send).or(self.stream.as_ref());
        match to {
            Some(send) => {
                // It may have gone.
                let _ = send.send(message);
            }
            None => self.unheard.push_back(message),
        }
    }
}

async fn front(State(front): State<Front>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
    let sessions = || front.sessions.lock();
    let id = parts.headers.get("mcp-session-id").map(|id| id.to_str().expect("text").to_owned());
    let known = id.as_ref().and_then(|id| sessions().get(id).cloned());
    if parts.method == Method::DELETE {
        let gone = id.and_then(|id| sessions().remove(&id));
        return status(if gone.is_some() { StatusCode::ACCEPTED } else { StatusCode::NOT_FOUND });
    }
    if parts.method == Method::GET {
        return match known {
            Some(session) => stream(session.listen()),
            None => status(StatusCode::METHOD_NOT_ALLOWED),
        };
    }
    let Ok(message) = serde_json::from_slice::<Value>(&body) else {
        return status(StatusCode::BAD_REQUEST);
    };
    let is_request = message.get("method").is_some() && message.get("id").is_some();
    let meta = &message["params"]["_meta"];
    let modern = parts.headers.get("mcp-protocol-version").is_some_and(|v| v == "2026-07-28")
        || meta.get("io.modelcontextprotocol/protocolVersion").is_some();
    if modern {
        if !is_request {
            return status(StatusCode::ACCEPTED);
        }
        let session = Session::open((front.start)());
        return modern_answer(session.ask(&message, &body), session, meta).await;
    }
    if message["method"] == "initialize" {
        let session = Session::open((front.start)());
        let answer = session.ask(&message, &body).recv().await.expect("an answer");
        let id = format!("front-{}", front.numbers.fetch_add(1, Ordering::Relaxed));
        sessions().insert(id.clone(), session);
        let mut response = json_answer(StatusCode::OK, &answer);
        response.headers_mut().insert("mcp-session-id", id.parse().expect("a value"));
        return response;
    }
    match known {
        Some(session) if is_request => stream(session.ask(&message, &body)),
        Some(session) => {
            session.tell(&body);
            status(StatusCode::ACCEPTED)
        }
        None if id.is_some() => status(StatusCode::NOT_FOUND),
        None => status(StatusCode::BAD_REQUEST),
    }
}

/// With the status that HTTP has for some errors (2026-07-28, Streamable HTTP).
async fn modern_answer(
    mut heard: UnboundedReceiver<Value>,
    session: Session,
    meta: &Value,
) -> Response {
    let whole = ["protocolVersion", "clientCapabilities"]
        .iter()
        .all(|key| meta.get(format!("io.modelcontextprotocol/{key}")).is_some());
    let first = heard.recv().await.expect("an answer");
    let code = match first["error"]["code"].as_i64() {
        Some(-32601) => StatusCode::NOT_FOUND,
        Some(-32022..=-32020) => StatusCode::BAD_REQUEST,
        Some(-32602) if !whole => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    if first.get("method").is_none() {
        return json_answer(code, &first);
    }
    let rest = futures::stream::unfold((heard, session), async |(mut heard, session)| {
        heard.recv().await.map(|message| (message, (heard, session)))
    });
    events(futures::stream::iter([first]).chain(rest))
}

fn stream(heard: UnboundedReceiver<Value>) -> Response {
    events(futures::stream::unfold(heard, async |mut heard| {
        heard.recv().await.map(|message| (message, heard))
    }))
}

fn events(messages: impl futures::Stream<Item = Value> + Send + 'static) -> Response {
    let events = messages.map(|message| {
        Ok::<_, std::convert::Infallible>(Bytes::from(format!("data: {message}\n\n")))
    });
    of_type(StatusCode::OK, "text/event-stream", Body::from_stream(events))
}

fn json_answer(status: StatusCode, message: &Value) -> Response {
    of_type(status, "application/json", Body::from(message.to_string()))
}

fn of_type(status: StatusCode, kind: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, kind.parse().expect("a type"));
    response
}

fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A bridge on stdio.
fn bridge(mut client: StdioClient) -> Link {
    let (say, mut said) = unbounded_channel::<Vec<u8>>();
    let (hear, heard) = unbounded_channel();
    TaskTracker::new().spawn(async move {
        loop {
            tokio::select! {
                text = said.recv() => match text {
                    Some(mut line) => {
                        line.push(b'\n');
                        client.write(&line).await;
                    }
                    None => {
                        client.leave().await;
                        return;
                    }
                },
                message = client.hear() => {
                    // The session it belongs to may have gone.
                    let _ = hear.send(message);
                }
            }
        }
    });
    Link { say, heard }
}

/// An agent that sees the fixture's tools under their own names, with prompts and resources.
pub(crate) async fn suite_agent(scene: &Scene, era: &str) -> NewKey {
    scene.owner.add_fixture("fx", &["--era", era]).await;
    scene.owner.change("fx", json!({"default_mode": "allow", "resources": true})).await;
    let only = IntegrationId::new("fx").expect("an id");
    let profile =
        json!({"name": "suite", "integrations": [only], "mode": "direct", "naming": "bare"});
    scene.owner.put_profile("suite", profile).await;
    scene.owner.create_key_with(json!({"name": "suite", "profile": "suite"})).await
}

/// Runs the suite against a front before such connections.
pub(crate) async fn run_through(
    start: impl Fn() -> Link + Send + Sync + 'static,
    name: &str,
    requirements: &str,
    expected_failures: &str,
) {
    let state = Front {
        start: Arc::new(start),
        sessions: Arc::default(),
        numbers: Arc::new(AtomicUsize::new(1)),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    let stop = CancellationToken::new();
    let (ended, router) =
        (stop.clone().cancelled_owned(), axum::Router::new().fallback(front).with_state(state));
    TaskTracker::new().spawn(async move {
        tokio::select! {
            served = axum::serve(listener, router) => served,
            () = ended => Ok(()),
        }
    });
    conformance::run(name, &url, requirements, Some(expected_failures)).await;
    stop.cancel();
}

async fn through_the_bridge(name: &str, era: &str, requirements: &str) {
    let scene = Scene::empty().await;
    let key = suite_agent(&scene, era).await;
    let setup = scene.gateway.setup.clone();
    let start = move || bridge(StdioClient::start(bridge_command(&setup, Some(&key.key))));
    let failures = format!("stdio-{requirements}.yml");
    run_through(start, name, requirements, &failures).await;
    scene.stop().await;
}

#[tokio::test]
async fn bridge_2025_11_25() {
    through_the_bridge("bridge-2025-11-25", "legacy", "2025-11-25").await;
}

#[tokio::test]
async fn bridge_2026_07_28() {
    through_the_bridge("bridge-2026-07-28", "modern", "2026-07-28").await;
}
