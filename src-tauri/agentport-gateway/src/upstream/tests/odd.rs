//! Servers over HTTP and stdio that keep to no version of the protocol quite, as seen in the wild.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::post,
};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::{Bench, local::shell, spec};
use crate::upstream::{RemoteTarget, UpstreamTarget};

/// What a server answers to a POST: the message, the headers, and the number of POSTs before.
type Answer = fn(&Value, &HeaderMap, u32) -> Response;

struct OddServer {
    target: UpstreamTarget,
    gets: Arc<AtomicU32>,
    _stop: DropGuard,
}

#[derive(Clone)]
struct OddState {
    answer: Answer,
    get: fn(&HeaderMap) -> Response,
    posts: Arc<AtomicU32>,
    gets: Arc<AtomicU32>,
}

impl OddServer {
    async fn start(answer: Answer, get: fn(&HeaderMap) -> Response) -> Self {
        let gets = Arc::<AtomicU32>::default();
        let state = OddState { answer, get, posts: Arc::default(), gets: gets.clone() };
        let router = Router::new().route("/mcp", post(on_post).get(on_get)).with_state(state);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        TaskTracker::new().spawn(async move {
            let _ = axum::serve(listener, router)
                .with_graceful_shutdown(stopped.cancelled_owned())
                .await;
        });
        let url = format!("http://{address}/mcp").parse().expect("a URL");
        let target = RemoteTarget { url, headers: Vec::new(), secrets: Vec::new(), tokens: None };
        Self { target: UpstreamTarget::Remote(target), gets, _stop: stop.drop_guard() }
    }
}

async fn on_post(State(state): State<OddState>, headers: HeaderMap, body: String) -> Response {
    let message: Value = serde_json::from_str(&body).unwrap_or_default();
    if message["method"] == "server/discover" && headers.contains_key("x-never") {
        std::future::pending::<()>().await;
    }
    let before = state.posts.fetch_add(1, Ordering::SeqCst);
    (state.answer)(&message, &headers, before)
}

async fn on_get(State(state): State<OddState>, headers: HeaderMap) -> Response {
    state.gets.fetch_add(1, Ordering::SeqCst);
    (state.get)(&headers)
}

fn no_stream(_: &HeaderMap) -> Response {
    StatusCode::METHOD_NOT_ALLOWED.into_response()
}

fn result(message: &Value, result: &Value) -> Response {
    let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
    ([("mcp-session-id", "s")], Json(answer)).into_response()
}

fn error(message: &Value, code: i64, text: &str, data: Value) -> Response {
    let error = json!({"code": code, "message": text, "data": data});
    Json(json!({"jsonrpc": "2.0", "id": message["id"], "error": error})).into_response()
}

fn introduction(version: &str) -> Value {
    json!({
        "protocolVersion": version,
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "odd", "version": "1"},
    })
}

/// Answers everything but the handshake.
fn rest(message: &Value) -> Response {
    match message["method"].as_str().unwrap_or_default() {
        "tools/list" => result(message, &json!({"tools": []})),
        "tools/call" => result(message, &json!({"content": [{"type": "text", "text": "it ran"}]})),
        "server/discover" => error(message, -32601, "unknown", Value::Null),
        _ => StatusCode::ACCEPTED.into_response(),
    }
}

#[tokio::test]
async fn a_server_that_refuses_versions_is_asked_for_those_it_has() {
    let by_text: Answer = |message, _, _| match message["params"]["protocolVersion"].as_str() {
        Some("2025-03-26") => result(message, &introduction("2025-03-26")),
        Some(other) => (
            StatusCode::BAD_REQUEST,
            format!("unsupported protocol version {other} (I have 2025-03-26)"),
        )
            .into_response(),
        None => rest(message),
    };
    let by_code: Answer = |message, _, _| match message["params"]["protocolVersion"].as_str() {
        Some("2025-03-26") => result(message, &introduction("2025-03-26")),
        Some(_) => error(message, -32602, "Invalid params", Value::Null),
        None => rest(message),
    };
    let by_data: Answer = |message, _, _| match message["params"]["protocolVersion"].as_str() {
        Some("2025-03-26") => result(message, &introduction("2025-03-26")),
        Some(_) => error(message, -32602, "no", json!({"supported": ["2025-03-26"]})),
        None => rest(message),
    };
    for answer in [by_text, by_code, by_data] {
        let server = OddServer::start(answer, no_stream).await;
        let bench = Bench::empty();
        let listing = bench.upstreams.probe(spec(server.target.clone())).await.unwrap();
        assert_eq!(listing.revision, "2025-03-26");
        bench.end().await;
    }
}

#[tokio::test]
async fn a_local_server_that_refuses_versions_is_asked_for_those_it_has() {
    let script = r#"while read -r line; do
        id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
        case "$line" in
        *'"initialize"'*2024-11-05*) printf '%s\n' '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":"2024-11-05","capabilities":{"tools":{}},"serverInfo":{"name":"old","version":"1"}}}' ;;
        *'"tools/list"'*) printf '%s\n' '{"jsonrpc":"2.0","id":'$id',"result":{"tools":[]}}' ;;
        *'"id"'*) printf '%s\n' '{"jsonrpc":"2.0","id":'$id',"error":{"code":-32602,"message":"Invalid params"}}' ;;
        esac
    done"#;
    let bench = Bench::empty();
    let listing = bench.upstreams.probe(spec(shell(script))).await.unwrap();
    assert_eq!(listing.revision, "2024-11-05");
    bench.end().await;
}

#[tokio::test]
async fn a_server_that_never_answers_discover_costs_little() {
    // The rest of the shell server's answers; `server/discover` is read and left alone.
    let silent = super::local::introduce("[]").replace("exit 7", "true");
    let answer: Answer = |message, _, _| match message["method"].as_str() {
        Some("initialize") => result(message, &introduction("2025-06-18")),
        _ => rest(message),
    };
    let server = OddServer::start(answer, no_stream).await;
    let UpstreamTarget::Remote(mut remote) = server.target.clone() else { unreachable!() };
    remote
        .headers
        .push((http::HeaderName::from_static("x-never"), agentport_core::Secret::new("1")));
    for target in [shell(&silent), UpstreamTarget::Remote(remote)] {
        let bench = Bench::empty();
        let begun = Instant::now();
        let listing = bench.upstreams.probe(spec(target)).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
        assert_eq!(listing.revision, "2025-06-18");
        bench.end().await;
    }
}

#[tokio::test]
async fn a_lost_session_is_renewed_for_every_kind_of_refusal() {
    let ways: [Answer; 4] = [
        |message, _, _| {
            (StatusCode::UNPROCESSABLE_ENTITY, message["id"].to_string()).into_response()
        },
        |message, _, _| {
            let answer = error(message, -32000, "Server not initialized", Value::Null);
            (StatusCode::BAD_REQUEST, answer).into_response()
        },
        |message, _, _| error(message, -32001, "Session not found", Value::Null),
        |_, _, _| StatusCode::UNAUTHORIZED.into_response(),
    ];
    for (at, way) in ways.into_iter().enumerate() {
        // The first call finds its session lost.
        static LOST: [AtomicU32; 4] = [const { AtomicU32::new(0) }; 4];
        let answers: [Answer; 4] = [
            |m, h, n| lose_first(&LOST[0], m, h, n),
            |m, h, n| lose_first(&LOST[1], m, h, n),
            |m, h, n| lose_first(&LOST[2], m, h, n),
            |m, h, n| lose_first(&LOST[3], m, h, n),
        ];
        WAYS.with(|ways| ways.borrow_mut().push(way));
        let server = OddServer::start(answers[at], no_stream).await;
        let bench = Bench::new(server.target.clone());
        assert_eq!(bench.tool("echo", json!({})).await.unwrap(), "it ran", "way {at}");
        bench.end().await;
    }
}

thread_local! {
    /// How the server of this test says that a session is lost; the last counts.
    static WAYS: std::cell::RefCell<Vec<Answer>> = const { std::cell::RefCell::new(Vec::new()) };
}

fn lose_first(lost: &AtomicU32, message: &Value, headers: &HeaderMap, before: u32) -> Response {
    match message["method"].as_str() {
        Some("initialize") => result(message, &introduction("2025-06-18")),
        Some("tools/call") if lost.fetch_add(1, Ordering::SeqCst) == 0 => WAYS.with(|ways| {
            let way = ways.borrow().last().copied();
            way.map_or_else(|| rest(message), |way| way(message, headers, before))
        }),
        _ => rest(message),
    }
}

#[tokio::test]
async fn an_answer_fetched_by_polling_is_waited_for() {
    let answer: Answer = |message, _, _| match message["method"].as_str() {
        Some("initialize") => result(message, &introduction("2025-11-25")),
        Some("tools/call") => {
            let event = format!("id: {} 0\nretry: 1\ndata:\n\n", message["id"]);
            ([("content-type", "text/event-stream")], event).into_response()
        }
        _ => rest(message),
    };
    // Eight streams end after a new event id each; the ninth brings the answer.
    let get = |headers: &HeaderMap| {
        let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
        let Some((id, step)) = last.and_then(|last| last.split_once(' ')) else {
            return StatusCode::METHOD_NOT_ALLOWED.into_response();
        };
        let step: u32 = step.parse().unwrap_or_default();
        let event = match step {
            8 => format!(
                "data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":[{{\"type\":\"text\",\"text\":\"polled\"}}]}}}}\n\n"
            ),
            _ => format!("id: {id} {}\ndata:\n\n", step + 1),
        };
        ([("content-type", "text/event-stream")], event).into_response()
    };
    let server = OddServer::start(answer, get).await;
    let bench = Bench::new(server.target.clone());
    assert_eq!(bench.tool("echo", json!({})).await.unwrap(), "polled");
    bench.end().await;
}

#[tokio::test]
async fn a_get_that_brings_no_stream_is_not_repeated() {
    let answer: Answer = |message, _, _| match message["method"].as_str() {
        Some("initialize") => result(message, &introduction("2025-11-25")),
        _ => rest(message),
    };
    let server = OddServer::start(answer, |_| Json(json!({})).into_response()).await;
    let bench = Bench::new(server.target.clone());
    bench.tool("echo", json!({})).await.unwrap();
    while server.gets.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Formerly there was one a second.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(server.gets.load(Ordering::SeqCst), 1);
    bench.end().await;
}

#[tokio::test]
async fn handshake_and_lists_are_read_like_calls() {
    let answer: Answer = |message, _, _| match message["method"].as_str() {
        Some("initialize") => {
            let answer = json!({
                "jsonrpc": "2.0", "id": message["id"], "error": null,
                "result": introduction("2025-06-18"),
            });
            let events = format!("event: endpoint\ndata: x\n\nevent: result\ndata: {answer}\n\n");
            ([("content-type", "Text/Event-Stream")], events).into_response()
        }
        // Odd, but nothing waits for an answer to a notification.
        Some("notifications/initialized") => {
            (StatusCode::BAD_REQUEST, "what is this?").into_response()
        }
        Some("tools/list") => {
            let tool = json!({"name": "a", "inputSchema": {"type": "object"}});
            result(message, &json!({"tools": [tool], "nextCursor": "again"}))
        }
        _ => rest(message),
    };
    let server = OddServer::start(answer, no_stream).await;
    let bench = Bench::empty();
    let listing = bench.upstreams.probe(spec(server.target.clone())).await.unwrap();
    assert_eq!(listing.revision, "2025-06-18");
    assert!((1..=2).contains(&listing.tools.len()), "the list stops when its cursor comes again");
    bench.end().await;
}
