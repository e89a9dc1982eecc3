//! Integrations imported from a client: secrets in arguments, own time limits, adding without a trial connection,
//! comparing with existing ones, and the client's other fields.

use std::time::{Duration, Instant};

use agentport_api::{Health, IntegrationView};
use agentport_tests::{Latch, programs, soon, upstream::lines};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::window::Window;
use crate::{
    cli,
    scene::Scene,
    secrets::{found_under, visible},
};

const SECRET: &str = "fake-argument-secret-0001";

fn fixture(more: Value) -> Value {
    let mut connection = json!({ "type": "local_mcp", "command": programs::fixture() });
    let more = more.as_object().expect("an object").clone();
    connection.as_object_mut().expect("an object").extend(more);
    connection
}

/// With its secret written to standard error, from an argument.
fn telling() -> Value {
    let args = json!(["--stderr", "my key is {token}"]);
    json!({
        "id": "fx", "connection": fixture(json!({ "args": args, "secret_args": [1] })),
        "secrets": { "token": SECRET },
    })
}

impl Window {
    async fn add(&self, body: Value) -> IntegrationView {
        self.ask(Method::POST, "/control/integrations", Some(body)).await
    }

    async fn integration(&self, id: &str) -> IntegrationView {
        self.ask(Method::GET, &format!("/control/integrations/{id}"), None).await
    }

    /// Looks again after every event.
    async fn integration_until(
        &self,
        id: &str,
        what: &str,
        fits: impl Fn(&IntegrationView) -> bool,
    ) -> IntegrationView {
        let mut events = self.gateway.events();
        let look = async {
            loop {
                let view = self.integration(id).await;
                if fits(&view) {
                    return view;
                }
                let _ = events.recv().await;
            }
        };
        soon(what, look).await
    }

    async fn allow(&self, id: &str) {
        let change = Some(json!({ "default_mode": "allow" }));
        self.done(Method::PATCH, &format!("/control/integrations/{id}"), change).await;
    }

    async fn compare(&self, body: Value) -> Value {
        let answer: Value =
            self.ask(Method::POST, "/control/connections/compare", Some(body)).await;
        answer["same"].clone()
    }

    async fn audited(&self, action: &str) -> Vec<Value> {
        let audit = self.read("/control/audit?limit=200").await;
        let rows = audit["items"].as_array().expect("rows").iter();
        rows.filter(|row| row["action"] == action).cloned().collect()
    }
}

#[tokio::test]
async fn a_secret_in_an_argument_is_seen_by_the_server_alone() {
    let window = Window::open().await;
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    let mut without = telling();
    without["secrets"] = json!({});
    for (bad, what) in [
        (without, "token"),
        (
            json!({ "id": "fx", "connection": fixture(json!({ "args": ["a"], "secret_args": [0] })) }),
            "index 0",
        ),
        (json!({ "id": "fx", "connection": fixture(json!({ "secret_args": [0] })) }), "index 0"),
        (json!({ "id": "fx", "connection": fixture(json!({ "timeout_seconds": 0 })) }), "3600"),
    ] {
        let said = window.refused(Method::POST, "/control/integrations", bad, refused).await;
        assert_eq!(said["field"], "connection", "{said}");
        assert!(said["detail"].as_str().expect("a sentence").contains(what), "{said}");
    }
    window.add(telling()).await;
    window.allow("fx").await;
    let agent = window.agent(&window.key("agent").await);
    let echoed = agent.call_tool("fx", "env", json!({ "name": "x" })).await.ran().raw.to_string();
    assert!(echoed.contains("my key is ") && !echoed.contains(SECRET), "{echoed}");
    let view = window.integration_until("fx", "it runs", |view| view.pid.is_some()).await;
    let process = String::from_utf8_lossy(&visible(view.pid.expect("a pid"))).into_owned();
    assert!(process.contains(&format!("my key is {SECRET}")), "{process}");

    let log = window.read("/control/integrations/fx/log").await.to_string();
    assert!(log.contains("my key is"), "{log}");
    let mut shown = log;
    for path in ["/control/integrations/fx", "/control/backup", "/control/audit?limit=200"] {
        shown += &window.read(path).await.to_string();
    }
    assert!(shown.contains("my key is {token}"), "shown with its placeholder: {shown}");
    assert!(!shown.contains(SECRET), "{shown}");
    // A new value counts from the next start on.
    let other = format!("{SECRET}-renewed");
    let body = Some(json!({ "secrets": { "token": other } }));
    window.done(Method::PUT, "/control/integrations/fx/credentials", body).await;
    agent.call_tool("fx", "echo", json!({ "text": "x" })).await.ran();
    let view = window.integration_until("fx", "it runs again", |view| view.pid.is_some()).await;
    let process = String::from_utf8_lossy(&visible(view.pid.expect("a pid"))).into_owned();
    assert!(process.contains(&other), "{process}");
    let home = window.close().await;
    assert_eq!(found_under(home.path(), SECRET), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn an_integration_can_have_a_time_of_its_own() {
    let window = Window::open().await;
    let state = window.home.path().join("state");
    std::fs::create_dir_all(&state).expect("a directory");
    let connection = |seconds: Option<u32>| {
        fixture(json!({ "args": ["--state", state], "timeout_seconds": seconds }))
    };
    window.add(json!({ "id": "hasty", "connection": connection(Some(1)) })).await;
    window.add(json!({ "id": "usual", "connection": connection(None) })).await;
    for id in ["hasty", "usual"] {
        window.allow(id).await;
    }
    let agent = window.agent(&window.key("agent").await);
    let latch = Latch::new().await;
    let began = Instant::now();
    let (answer, held) =
        tokio::join!(agent.call_tool("hasty", "hold", latch.arguments()), latch.begun());
    assert!(answer.is_error, "{}", answer.text);
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(30), "{took:?}");
    held.cancelled().await;

    // The other one has the time of the settings, whatever this one was given.
    let (answer, ()) =
        tokio::join!(agent.call_tool("usual", "slow", json!({ "ms": 1_500 })), async {});
    assert_eq!(answer.ran().text, "finished");
    assert_eq!(lines(state.join("slow")), 2, "started and finished");
    // And the settings' time is not this one's.
    let hour = Some(json!({ "call_timeout_seconds": 1 }));
    window.done(Method::PATCH, "/control/settings", hour).await;
    window.done(Method::DELETE, "/control/integrations/hasty", None).await;
    window.add(json!({ "id": "patient", "connection": connection(Some(60)) })).await;
    window.allow("patient").await;
    let answer = agent.call_tool("patient", "slow", json!({ "ms": 1_500 })).await;
    assert_eq!(answer.ran().text, "finished");
    window.close().await;
}

#[tokio::test]
async fn an_untried_import_connects_by_itself() {
    let window = Window::open().await;
    let slow = fixture(json!({ "args": ["--delay-start", "1500"] }));
    let began = Instant::now();
    let view = window.add(json!({ "id": "late", "connection": slow, "untried": true })).await;
    assert!(began.elapsed() < Duration::from_millis(1_500), "nobody waited for it");
    assert_eq!(view.tools.total, 0);
    let ready = |view: &IntegrationView| view.tools.total > 0 && view.health == Health::Ready;
    window.integration_until("late", "its tools came by themselves", ready).await;

    let dead = json!({ "type": "local_mcp", "command": "no-such-command" });
    window.add(json!({ "id": "dead", "connection": dead, "untried": true })).await;
    let failed = |view: &IntegrationView| matches!(view.health, Health::Failed { .. });
    window.integration_until("dead", "it says why not", failed).await;

    // One that is off is not even started.
    let state = window.home.path().join("state");
    std::fs::create_dir_all(&state).expect("a directory");
    let hanging = fixture(json!({ "args": ["--hang"] }));
    let view = window.add(json!({ "id": "off", "connection": hanging, "enabled": false })).await;
    assert_eq!((view.health, view.pid, view.tools.total), (Health::Disabled, None, 0));
    let on = fixture(json!({ "args": ["--plain"] }));
    let off = json!({ "id": "later", "connection": on, "enabled": false, "untried": true });
    assert_eq!(window.add(off).await.health, Health::Disabled);
    let change = Some(json!({ "enabled": true }));
    window.done(Method::PATCH, "/control/integrations/later", change).await;
    window.done(Method::POST, "/control/integrations/later/restart", None).await;
    window.integration_until("later", "it is on", ready).await;

    let added = window.audited("integration.added").await;
    let detail = |id: &str| {
        let row = added.iter().find(|row| row["subject"] == id);
        row.expect("it is audited")["detail"].clone()
    };
    assert_eq!(detail("late"), json!({ "name": "late", "untried": true }));
    assert_eq!(detail("off"), json!({ "name": "off", "enabled": false }));
    // What can't be used is refused, tried or not.
    let bad = json!({ "id": "bad", "connection": { "type": "local_mcp", "command": " " }, "untried": true });
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    window.refused(Method::POST, "/control/integrations", bad, refused).await;
    window.close().await;
}

#[tokio::test]
async fn imported_fields_are_kept_until_they_are_settled() {
    let window = Window::open().await;
    let connection = json!({ "type": "local_mcp", "command": "no-such-command" });
    let add = |extra: Value| {
        let imported = json!({
            "from": "Claude Desktop", "auto_approve": ["read_file", "list"], "auto_approve_all": true, "extra": extra,
        });
        json!({ "id": "x", "connection": connection, "enabled": false, "imported": imported })
    };
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    let large = add(json!({ "notes": "x".repeat(64 * 1024) }));
    let said = window.refused(Method::POST, "/control/integrations", large, refused).await;
    assert_eq!(said["field"], "imported", "{said}");
    let extra = json!({ "order": 3, "oauth": { "clientSecret": SECRET }, "note": format!("Bearer {SECRET}") });
    let view = window.add(add(extra)).await;
    let check = |view: &IntegrationView, proposed: usize| {
        let imported = view.imported.as_ref().expect("it is there");
        assert_eq!(
            (imported.from.as_str(), &imported.extra["order"]),
            ("Claude Desktop", &json!(3))
        );
        assert_eq!(imported.auto_approve.len(), proposed);
        assert_eq!(imported.auto_approve_all, proposed > 0);
        assert!(!imported.extra.to_string().contains(SECRET), "{}", imported.extra);
    };
    check(&view, 2);
    let window = window.again().await;
    check(&window.integration("x").await, 2);
    let document = window.read("/control/backup").await;

    let settle = |settled: bool| Some(json!({ "imported_settled": settled }));
    window.done(Method::PATCH, "/control/integrations/x", settle(false)).await;
    check(&window.integration("x").await, 2);
    window.done(Method::PATCH, "/control/integrations/x", settle(true)).await;
    check(&window.integration("x").await, 0);
    let changed = window.audited("integration.changed").await;
    assert_eq!(changed[0]["detail"]["imported_settled"], true, "{changed:?}");
    assert_eq!(window.audited("integration.added").await[0]["detail"]["from"], "Claude Desktop");

    // Into a fresh home it comes along; a document from before it takes nothing away.
    let fresh = Window::open().await;
    fresh.done(Method::POST, "/control/restore", Some(document.clone())).await;
    check(&fresh.integration("x").await, 2);
    let mut old = document;
    for integration in old["integrations"].as_array_mut().expect("a list") {
        integration.as_object_mut().expect("an object").remove("imported");
    }
    let report: Value = fresh.ask(Method::POST, "/control/restore", Some(old)).await;
    assert_eq!(report["changes"], json!([]));
    check(&fresh.integration("x").await, 2);
    fresh.close().await;
    let home = window.close().await;
    assert_eq!(found_under(home.path(), SECRET), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn the_same_server_is_found_again() {
    let window = Window::open().await;
    let local = |args: Value, places: Value, env: Value, secret_env: Value| {
        json!({
            "type": "local_mcp", "command": "no-such-command", "args": args, "secret_args": places, "env": env, "secret_env": secret_env,
        })
    };
    let kept =
        local(json!(["--key={token}"]), json!([0]), json!({ "A": "1", "B": "2" }), json!(["K"]));
    window
        .add(json!({
            "id": "compare", "connection": kept, "secrets": { "token": SECRET, "K": "fake-k" }, "untried": true,
        }))
        .await;
    let remote = json!({
        "type": "remote_mcp", "url": "http://127.0.0.1:9/mcp", "headers": { "Authorization": "Bearer {token}" },
        "timeout_seconds": 60,
    });
    window
        .add(json!({
            "id": "far", "connection": remote, "secrets": { "token": SECRET }, "enabled": false,
        }))
        .await;

    let asked = |connection: &Value, secrets: Value| json!({ "connection": connection, "secrets": secrets });
    let other_names =
        local(json!(["--key={token3}"]), json!([0]), json!({ "B": "2", "A": "1" }), json!(["K"]));
    let right = json!({ "token3": SECRET, "K": "fake-k" });
    assert_eq!(window.compare(asked(&other_names, right.clone())).await, "compare");
    let wrong = json!({ "token3": "fake-other", "K": "fake-k" });
    assert_eq!(window.compare(asked(&other_names, wrong)).await, Value::Null);
    let mut more = other_names.clone();
    more["cwd"] = json!("/srv");
    assert_eq!(window.compare(asked(&more, right)).await, Value::Null);

    let far = |timeout: Value| {
        json!({
            "type": "remote_mcp", "url": "http://127.0.0.1:9/mcp", "headers": { "authorization": "Bearer {token9}" },
            "timeout_seconds": timeout,
        })
    };
    let token = || json!({ "token9": SECRET });
    for (timeout, same) in
        [(Value::Null, json!("far")), (json!(60), json!("far")), (json!(61), Value::Null)]
    {
        assert_eq!(window.compare(asked(&far(timeout), token())).await, same);
    }
    let other = json!({ "token9": "fake-other" });
    assert_eq!(window.compare(asked(&far(Value::Null), other)).await, Value::Null);
    let demo = json!({ "type": "builtin", "name": "demo" });
    assert_eq!(window.compare(asked(&demo, json!({}))).await, "demo");

    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    let missing = asked(&far(Value::Null), json!({}));
    window.refused(Method::POST, "/control/connections/compare", missing, refused).await;
    let elsewhere = asked(&demo, json!({}));
    let status = StatusCode::METHOD_NOT_ALLOWED;
    window.refused(Method::POST, "/control/integrations/far", elsewhere, status).await;
    // One of that very name is an integration like any other.
    assert_eq!(window.integration("compare").await.name, "compare");
    let name = Some(json!({ "name": "Compare" }));
    window.done(Method::PATCH, "/control/integrations/compare", name).await;
    window.done(Method::DELETE, "/control/integrations/compare", None).await;
    window.close().await;
}

#[tokio::test]
async fn a_terminal_shows_it_and_takes_a_new_secret() {
    let scene = Scene::empty().await;
    let mut add = telling();
    add["connection"]["timeout_seconds"] = json!(60);
    add["imported"] = json!({ "from": "Claude Desktop", "auto_approve": ["echo", "add"] });
    scene.owner.add(add).await;
    let terminal = cli::owner(&scene);
    let shown = terminal.run("integrations show fx").await;
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    for line in ["my key is {token}", "at most 60 s", "Claude Desktop", "echo, add"] {
        assert!(shown.stdout.contains(line), "{line:?} in {}", shown.stdout);
    }
    let secrets = shown.stdout.lines().find(|line| line.starts_with("Secrets"));
    assert!(secrets.is_some_and(|line| line.ends_with(" token")), "{}", shown.stdout);
    assert!(!shown.stdout.contains(SECRET), "{}", shown.stdout);

    let words = ["integrations", "credentials", "fx"];
    let renewed = format!("{SECRET}-renewed");
    let ran = terminal.run_words(&words, &format!("{renewed}\n")).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    scene.owner.allow_all("fx").await;
    let ran = scene.call("env", json!({ "name": "x" })).await.ran();
    let pid = ran.structured.expect("an object")["pid"].as_u64().expect("a pid");
    let process = visible(u32::try_from(pid).expect("a pid"));
    assert!(String::from_utf8_lossy(&process).contains(&renewed));
    scene.stop().await;
}
