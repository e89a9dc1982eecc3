use std::{ops::ControlFlow, sync::Arc};

use agentport_core::ApprovalId;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::{
    gateway::supervisor::GatewayStatus,
    notify::Intent,
    testing::{Lab, Machine},
};

struct Bench {
    router: IpcRouter,
    machine: Arc<Machine>,
    lab: Lab,
    _intents: mpsc::Receiver<Intent>,
}

struct Nowhere;

impl StreamSink for Nowhere {
    fn send(&self, _text: String) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Passes on what it gets, for as long as the test reads it.
struct Forwarding(mpsc::UnboundedSender<String>);

impl StreamSink for Forwarding {
    fn send(&self, text: String) -> ControlFlow<()> {
        match self.0.send(text) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

fn bench(lab: Lab, machine: Arc<Machine>) -> Bench {
    let (context, intents) = lab.context(&machine);
    Bench { router: IpcRouter::new(context), machine, lab, _intents: intents }
}

/// No gateway runs.
fn idle() -> Bench {
    bench(Lab::new(), Machine::new())
}

async fn started() -> Bench {
    bench(Lab::started().await, Machine::new())
}

impl Bench {
    async fn sends(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            body: body.map(|body| body.to_string()),
            confirmation: None,
        };
        let response = self.router.answer("main", request, Nowhere).await;
        (response.status, serde_json::from_str(&response.body).unwrap_or(Value::Null))
    }

    async fn status(&self, method: &str, path: &str, body: Value) -> u16 {
        self.sends(method, path, Some(body)).await.0
    }
}

#[tokio::test]
async fn unknown_paths_are_not_there() {
    let bench = idle();
    for (method, path, status) in [
        ("GET", "/nowhere", 404),
        ("GET", "/", 404),
        ("GET", "/controlled", 404),
        ("PUT", "/desktop", 404),
        ("GET", "/desktop/", 404),
        ("GET", "https://example.com/desktop", 400),
        ("GET", "//example.com/desktop", 404),
        ("GET", "desktop", 400),
        ("GET", "", 400),
        ("G E T", "/desktop", 400),
    ] {
        let (answered, body) = bench.sends(method, path, None).await;
        assert_eq!(answered, status, "{method} {path}");
        assert!(body["detail"].is_string(), "{method} {path}: {body}");
    }
}

#[tokio::test]
async fn without_a_gateway_the_control_api_says_so() {
    let bench = idle();
    let (status, problem) = bench.sends("GET", "/control/status", None).await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("not_running")));
    let (status, desktop) = bench.sends("GET", "/desktop", None).await;
    assert_eq!(status, 200);
    assert!(desktop["trouble"].is_string(), "{desktop}");

    let (status, desktop) = bench.sends("POST", "/desktop/try-again", None).await;
    assert_eq!((status, &desktop["trouble"]), (200, &Value::Null));
    assert_eq!(desktop["port"], bench.lab.supervisor.running().unwrap().port);
    bench.lab.supervisor.stop().await;
    let (status, problem) = bench.sends("GET", "/control/status", None).await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("not_running")));
}

#[tokio::test]
async fn the_control_api_is_forwarded() {
    let bench = started().await;
    let (status, tools) = bench.sends("GET", "/control/integrations/demo/tools", None).await;
    assert_eq!(status, 200, "{tools}");
    assert!(!tools["items"].as_array().unwrap().is_empty());
    let (status, problem) = bench.sends("GET", "/control/integrations/none", None).await;
    assert_eq!(status, 404);
    assert!(problem["detail"].is_string());
    let paused = bench.status("POST", "/control/pause", json!({ "paused": true })).await;
    assert_eq!(paused, 204);
    bench.lab.supervisor.stop().await;
}

#[tokio::test]
async fn pages_are_opened_outside_only_where_that_is_safe() {
    let bench = idle();
    for (url, status) in [
        ("https://example.com/a?b#c", 204),
        ("http://127.0.0.1:4747/approve/x", 204),
        ("http://localhost:3000/", 204),
        ("http://[::1]:3000/", 204),
        ("http://example.com/", 422),
        ("http://127.0.0.1.example.com/", 422),
        ("https://user:pw@example.com/", 422),
        ("https://example.com@evil.example/", 422),
        ("file:///etc/passwd", 422),
        ("javascript:alert(1)", 422),
        ("data:text/html,x", 422),
        ("vscode://settings", 422),
        ("smb://host/share", 422),
        ("mailto:a@example.com", 422),
        ("--help", 422),
        ("", 422),
    ] {
        assert_eq!(
            bench.status("POST", "/desktop/open", json!({ "url": url })).await,
            status,
            "{url}"
        );
    }
    assert_eq!(bench.machine.done().len(), 4);
    assert_eq!(bench.machine.done()[0], "page https://example.com/a?b#c");
    assert_eq!(bench.status("POST", "/desktop/open", json!({ "address": "x" })).await, 422);
}

#[tokio::test]
async fn windows_are_opened_and_the_one_that_asks_is_closed() {
    let bench = idle();
    let id: ApprovalId = "01a1f959-a065-76d7-bd07-68b8fab13fb5".parse().unwrap();
    for (body, status) in [
        (json!({ "window": "main", "route": "#/activity?agent=x" }), 204),
        (json!({ "window": "approval", "id": id }), 204),
        (json!({ "window": "main", "route": "https://example.com" }), 422),
        (json!({ "window": "main", "route": "#/a b" }), 422),
        (json!({ "window": "approval", "id": "../x" }), 422),
        (json!({ "window": "other" }), 422),
    ] {
        assert_eq!(bench.status("POST", "/desktop/window", body.clone()).await, status, "{body}");
    }
    let request = Request {
        method: "DELETE".into(),
        path: "/desktop/window".into(),
        body: None,
        confirmation: None,
    };
    assert_eq!(bench.router.answer("approval", request, Nowhere).await.status, 204);
    let done = ["main #/activity?agent=x", &format!("approval {id} Asked"), "close approval"];
    assert_eq!(bench.machine.done(), done);
}

#[tokio::test]
async fn the_rest_of_the_platform() {
    let bench = idle();
    assert_eq!(bench.status("POST", "/desktop/copy", json!({ "text": "t" })).await, 204);
    assert_eq!(bench.status("PUT", "/desktop/autostart", json!({ "on": true })).await, 204);
    assert_eq!(bench.sends("GET", "/desktop", None).await.1["autostart"], true);
    assert_eq!(bench.status("POST", "/desktop/quit", Value::Null).await, 204);
    assert_eq!(bench.machine.done(), ["copy t", "quit"]);
}

#[tokio::test]
async fn secrets_on_the_clipboard_are_marked_as_such() {
    let bench = idle();
    let key = agentport_core::key::Key::from_random([7; 24]);
    let key = key.secret().expose();
    let entry = format!(
        "{{\"url\": \"http://127.0.0.1:4747/mcp\", \"headers\": {{\"Authorization\": \"Bearer {key}\"}}}}"
    );
    for (body, noted) in [
        (json!({ "text": "plain" }), "copy plain".to_owned()),
        (json!({ "text": "codes", "secret": true }), "copy the secret codes".to_owned()),
        (json!({ "text": key }), format!("copy the secret {key}")),
        (json!({ "text": entry }), format!("copy the secret {entry}")),
    ] {
        assert_eq!(bench.status("POST", "/desktop/copy", body).await, 204);
        assert_eq!(bench.machine.done().last(), Some(&noted));
    }
}

#[tokio::test]
async fn a_test_notification_needs_a_daemon() {
    let bench = self::bench(Lab::new(), Machine::without_notifications());
    assert_eq!(bench.status("POST", "/desktop/test-notification", Value::Null).await, 503);
    assert!(bench.machine.shown.borrow().is_empty());
    let bench = idle();
    assert_eq!(bench.status("POST", "/desktop/test-notification", Value::Null).await, 204);
    bench.machine.shows("Notifications arrive").await;
    let (_, desktop) = bench.sends("GET", "/desktop", None).await;
    assert_eq!(
        desktop["notifications"],
        json!({ "reachable": true, "buttons": true, "server": "recorder" })
    );
}

#[tokio::test]
async fn downloads_are_saved_beside_each_other_and_only_they_are_revealed() {
    let bench = started().await;
    bench.lab.agent("Claude").await;
    let save = json!({ "path": "/control/audit/export", "name": "../audit.jsonl" });
    let mut saved = Vec::new();
    for name in ["audit.jsonl", "audit (2).jsonl"] {
        let (status, answer) = bench.sends("POST", "/desktop/save", Some(save.clone())).await;
        assert_eq!(status, 200, "{answer}");
        let file = bench.machine.downloads.path().join(name);
        assert_eq!(answer["file"].as_str(), file.to_str());
        assert!(std::fs::read_to_string(&file).unwrap().starts_with('{'));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0);
        }
        saved.push(file);
    }
    for (path, status) in [
        ("/desktop", 422),
        ("https://example.com/control/", 422),
        ("/control/nothing", 404),
        ("/control/events", 422),
    ] {
        let save = json!({ "path": path, "name": "x" });
        assert_eq!(bench.status("POST", "/desktop/save", save).await, status, "{path}");
    }
    assert_eq!(std::fs::read_dir(bench.machine.downloads.path()).unwrap().count(), 2);

    let reveal = |file: &std::path::Path| json!({ "file": file });
    assert_eq!(bench.status("POST", "/desktop/reveal", reveal(&saved[1])).await, 204);
    let other = bench.machine.downloads.path().join("other");
    std::fs::write(&other, "x").unwrap();
    assert_eq!(bench.status("POST", "/desktop/reveal", reveal(&other)).await, 404);
    std::fs::remove_file(&saved[0]).unwrap();
    assert_eq!(bench.status("POST", "/desktop/reveal", reveal(&saved[0])).await, 404);
    assert_eq!(bench.machine.done(), [format!("reveal {}", saved[1].display())]);
    bench.lab.supervisor.stop().await;
}

#[tokio::test]
async fn the_port_is_changed_and_stored() {
    let bench = started().await;
    let first = bench.lab.supervisor.running().unwrap().port;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let (status, problem) =
        bench.sends("PUT", "/desktop/port", Some(json!({ "port": port }))).await;
    assert_eq!((status, problem["field"].as_str()), (409, Some("port")));
    assert_eq!(bench.lab.supervisor.running().unwrap().port, first);
    assert_eq!(bench.status("PUT", "/desktop/port", json!({ "port": 80 })).await, 422);
    drop(taken);
    let (status, desktop) =
        bench.sends("PUT", "/desktop/port", Some(json!({ "port": port }))).await;
    assert_eq!((status, &desktop["port"]), (200, &json!(port)), "{desktop}");
    let settings = bench.sends("GET", "/control/settings", None).await.1;
    assert_eq!(settings["port"], port);
    bench.lab.supervisor.stop().await;
}

/// Opens a stream of events under a number, and reads its snapshot.
async fn stream(bench: &Bench, number: u64) -> mpsc::UnboundedReceiver<String> {
    let (sender, mut texts) = mpsc::unbounded_channel();
    let request = Request {
        method: "GET".into(),
        path: format!("/control/events?stream={number}"),
        body: None,
        confirmation: None,
    };
    let response = bench.router.answer("main", request, Forwarding(sender)).await;
    assert_eq!((response.status, response.body.as_str()), (200, ""));
    let snapshot = texts.recv().await.unwrap();
    assert!(snapshot.starts_with("data: {\"type\":\"snapshot\""), "{snapshot}");
    texts
}

/// The rest of a stream, to its end.
async fn rest(mut texts: mpsc::UnboundedReceiver<String>) -> String {
    let mut all = String::new();
    while let Some(text) = texts.recv().await {
        if text.is_empty() {
            return all;
        }
        all += &text;
    }
    panic!("a stream says that it has ended; this one said {all}")
}

#[tokio::test]
async fn events_are_relayed_until_they_are_cancelled() {
    let bench = started().await;
    let first = stream(&bench, 1).await;
    bench.status("POST", "/control/pause", json!({ "paused": true })).await;
    assert_eq!(bench.status("DELETE", "/desktop/stream/1", Value::Null).await, 204);
    assert!(rest(first).await.contains("paused"));
    assert_eq!(bench.status("DELETE", "/desktop/stream/1", Value::Null).await, 404);

    let (again, other) = (stream(&bench, 2).await, stream(&bench, 3).await);
    let instead = stream(&bench, 2).await;
    rest(again).await;
    bench.router.end_streams("approval");
    bench.router.end_streams("main");
    rest(other).await;
    rest(instead).await;

    let last = stream(&bench, 4).await;
    bench.lab.supervisor.stop().await;
    rest(last).await;
    assert!(matches!(bench.lab.supervisor.status(), GatewayStatus::Stopping));
}

#[test]
fn a_confirmation_goes_along() {
    let request = Request {
        method: "POST".into(),
        path: "/control/x".into(),
        body: Some("{}".into()),
        confirmation: Some("token".into()),
    };
    let request = http_request("main", request).unwrap();
    assert_eq!(request.headers()["agentport-confirmation"], "token");
    assert_eq!(request.headers()["content-type"], "application/json");
}
