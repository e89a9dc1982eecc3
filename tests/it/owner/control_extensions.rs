//! Control extensions: added routes are behind the same guards as the other control routes.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use agentport_api::Event;
use agentport_core::audit::AuditAction;
use agentport_gateway::{ControlExtension, ControlHandle, Port};
use agentport_tests::{Owner, gateway::PASSWORD, soon};
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request, State},
    response::Response,
    routing::{get, post},
};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::ServiceExt as _;

use super::window::Window;

/// State shared by the test and its extension.
#[derive(Clone, Default)]
struct Garden {
    grown: Arc<AtomicUsize>,
    begun: Arc<Notify>,
    go_on: Arc<Notify>,
    done: Arc<Notify>,
}

#[derive(Clone)]
struct Inside {
    garden: Garden,
    handle: ControlHandle,
}

fn extension(garden: &Garden) -> ControlExtension {
    let garden = garden.clone();
    ControlExtension {
        routes: vec![
            (Method::GET, "/control/garden"),
            (Method::POST, "/control/garden/{name}/plant"),
            (Method::POST, "/control/garden/slow"),
            (Method::POST, "/control/garden/weigh"),
            (Method::POST, "/garden"),
        ],
        build: Box::new(move |handle| {
            Router::new()
                .route("/control/garden", get(look))
                .route("/control/garden/{name}/plant", post(plant))
                .route("/control/garden/slow", post(slow))
                .route("/control/garden/weigh", post(weigh))
                // Beyond what is listed, and outside /control.
                .route("/control/garden/hidden", get(look).post(look))
                .route("/garden", post(look))
                .with_state(Inside { garden, handle })
        }),
    }
}

async fn look(State(inside): State<Inside>) -> Json<Value> {
    let Inside { garden, handle } = inside;
    let itself = Request::get("/control/garden").body(Body::empty()).expect("a request");
    let within = handle.router().oneshot(itself).await.expect("an answer").status().as_u16();
    handle.tell(Event::Clients);
    Json(json!({
        "grown": garden.grown.load(Ordering::SeqCst),
        "home": handle.home(),
        "mcp_url": handle.mcp_url(),
        "within": within,
    }))
}

/// Makes a key through the control API, and grows only if that was not refused.
async fn plant(
    State(Inside { garden, handle }): State<Inside>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let mut request = Request::post("/control/keys").header("content-type", "application/json");
    if let Some(shown) = headers.get("agentport-confirmation") {
        request = request.header("agentport-confirmation", shown);
    }
    let body = Body::from(json!({ "name": name }).to_string());
    let made = handle.router().oneshot(request.body(body).expect("a request")).await;
    let made = made.expect("an answer");
    if made.status().is_success() {
        garden.grown.fetch_add(1, Ordering::SeqCst);
        handle.record(AuditAction::ClientConnected, &name, json!({ "rows": 1 })).await;
    }
    made
}

async fn slow(State(Inside { garden, .. }): State<Inside>) {
    garden.begun.notify_one();
    garden.go_on.notified().await;
    garden.grown.fetch_add(1, Ordering::SeqCst);
    garden.done.notify_one();
}

/// Reads the body itself, as no extractor does that knows of limits.
async fn weigh(request: Request) -> (StatusCode, String) {
    match request.into_body().collect().await {
        Ok(body) => (StatusCode::OK, body.to_bytes().len().to_string()),
        Err(_) => (StatusCode::PAYLOAD_TOO_LARGE, String::new()),
    }
}

async fn open(garden: &Garden) -> Window {
    let home = tempfile::Builder::new().prefix("agentport-test-").tempdir();
    let home = Arc::new(home.expect("a directory"));
    Window::with_extensions(home, Port::Chosen(0), vec![extension(garden)]).await
}

#[tokio::test]
async fn an_extension_is_behind_the_same_guards() {
    let garden = Garden::default();
    let window = open(&garden).await;
    let key = window.key("agent").await;
    let routes =
        || extension(&garden).routes.into_iter().filter(|(_, path)| path.starts_with("/control"));
    for wire in [window.wire(), window.agent(&key)] {
        for (method, path) in routes() {
            let reply = wire.send(wire.request(method.clone(), path).json(&json!({}))).await;
            assert_eq!(reply.status, StatusCode::NOT_FOUND, "{method} {path}: {}", reply.text);
            assert!(reply.text.contains("nothing here"), "{method} {path}: {}", reply.text);
        }
    }
    window.done(Method::PUT, "/control/owner-password", Some(json!({ "new": PASSWORD }))).await;
    for wire in [window.wire(), window.agent(&key)] {
        for (method, path) in routes() {
            let reply = wire.send(wire.request(method.clone(), path).json(&json!({}))).await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{method} {path}: {}", reply.text);
        }
    }
    let owner = Owner::sign_in(&window.wire().base, PASSWORD).await.wire;
    let reply = owner.get("/control/garden").await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    for (name, value) in [("origin", "http://evil.example"), ("host", "evil.example")] {
        let reply = owner.send(owner.request(Method::GET, "/control/garden").header(name, value));
        assert_eq!(reply.await.status, StatusCode::FORBIDDEN, "{name}");
    }
    assert_eq!(garden.grown.load(Ordering::SeqCst), 0);

    // What is not listed, or outside /control, is not served.
    for (method, path) in [
        (Method::GET, "/control/garden/hidden"),
        (Method::POST, "/control/garden/hidden"),
        (Method::POST, "/garden"),
    ] {
        let inside = window.send(method.clone(), path, None).await;
        assert_eq!(inside.status, StatusCode::NOT_FOUND, "{method} {path}: {}", inside.text);
        let outside = owner.send(owner.request(method.clone(), path)).await;
        assert!(!outside.text.contains("grown"), "{method} {path}: {}", outside.text);
    }
    window.done(Method::DELETE, "/control/owner-password", None).await;
    assert_eq!(owner.get("/control/garden").await.status, StatusCode::NOT_FOUND);
    window.close().await;
}

#[tokio::test]
async fn an_extension_can_do_what_the_owner_can() {
    let garden = Garden::default();
    let mut window = open(&garden).await;
    let mut events = window.gateway.events();
    let seen = window.read("/control/garden").await;
    assert_eq!(soon("the event", events.recv()).await.ok(), Some(Event::Clients));
    assert_eq!(seen["mcp_url"], window.gateway.announcement().mcp_url.as_str());
    assert_eq!(seen["home"], window.gateway.announcement().home.to_str().expect("Unicode"));
    assert_eq!(seen["within"], 404, "the router of the handle has no extensions");

    // What the control API refuses, it refuses an extension.
    let plant = |name: &str| format!("/control/garden/{name}/plant");
    window.done(Method::POST, &plant("rose"), None).await;
    let (mut phone, _) = window.second_factor().await;
    let path = plant("tulip");
    let refused = window.refused(Method::POST, &path, Value::Null, StatusCode::FORBIDDEN).await;
    assert_eq!(refused["code"], "confirmation_needed");
    assert_eq!(garden.grown.load(Ordering::SeqCst), 1);
    window.confirm(&phone.code().await).await;
    window.done(Method::POST, &path, None).await;
    assert_eq!(garden.grown.load(Ordering::SeqCst), 2);
    let audit = window.read("/control/audit?limit=50").await;
    let rows = audit["items"].as_array().expect("rows");
    let planted: Vec<_> = rows
        .iter()
        .filter(|row| row["action"] == "client.connected")
        .map(|row| &row["subject"])
        .collect();
    assert_eq!(planted, ["tulip", "rose"]);
    assert!(rows.iter().all(|row| row["actor"] != "room"), "{audit}");
    window.close().await;
}

#[tokio::test]
async fn a_change_by_an_extension_completes() {
    let garden = Garden::default();
    let window = open(&garden).await;
    {
        let asked = window.send(Method::POST, "/control/garden/slow", None);
        tokio::pin!(asked);
        tokio::select! {
            reply = &mut asked => panic!("it ended by itself: {}", reply.text),
            () = garden.begun.notified() => {}
        }
        // Whoever asked is gone here.
    }
    garden.go_on.notify_one();
    soon("the end of the change", garden.done.notified()).await;
    assert_eq!(garden.grown.load(Ordering::SeqCst), 1);
    window.close().await;
}

#[tokio::test]
async fn bodies_sent_to_an_extension_are_bounded() {
    let garden = Garden::default();
    let window = open(&garden).await;
    let of = async |bytes: usize| {
        window.send_text(Method::POST, "/control/garden/weigh", "x".repeat(bytes)).await
    };
    let reply = of(2 << 20).await;
    assert_eq!((reply.status, reply.text.as_str()), (StatusCode::OK, "2097152"));
    assert_eq!(of((2 << 20) + 1).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    window.close().await;
}
