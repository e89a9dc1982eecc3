//! No port on the machine can decide anything while the app runs on a home without an owner password.

use std::net::SocketAddr;

use agentport_api::{IntegrationView, Items, KeyView, NewKey, RuleView, Settings};
use agentport_core::policy::Rule;
use agentport_gateway::control::owner_routes;
use agentport_tests::{
    Wire,
    desktop::{Inside, NotificationDaemon, Panel, Session, app::AppSetup, sockets::listening},
    gateway::Setup,
    programs,
    upstream::lines,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// What an owner has that nobody else may change.
#[derive(Debug, PartialEq)]
pub(super) struct Owned {
    rules: Vec<Rule>,
    keys: Vec<(String, bool)>,
    integrations: Vec<(String, String)>,
    settings: Settings,
    password: bool,
    second_factor: bool,
}

impl Owned {
    async fn of(inside: &Inside) -> Self {
        let get = async |path: &str| inside.ask::<Value>(Method::GET, path, None).await;
        let rules: Items<RuleView> = inside.ask(Method::GET, "/control/policy", None).await;
        let keys: Items<KeyView> = inside.ask(Method::GET, "/control/keys", None).await;
        let integrations: Items<IntegrationView> =
            inside.ask(Method::GET, "/control/integrations", None).await;
        let status = get("/control/status").await;
        Self {
            rules: rules.items.into_iter().map(|view| view.rule).collect(),
            keys: keys.items.into_iter().map(|key| (key.name, key.revoked_at.is_some())).collect(),
            integrations: integrations
                .items
                .into_iter()
                .map(|one| (one.id.to_string(), format!("{:?}", one.connection)))
                .collect(),
            settings: inside.ask(Method::GET, "/control/settings", None).await,
            password: status["owner_password"].as_bool().expect("a flag"),
            second_factor: status["second_factor"].as_bool().expect("a flag"),
        }
    }
}

/// A home without an owner password, with an agent and the fixture `fx`.
pub(super) async fn seeded(setup: &Setup) -> (NewKey, Owned) {
    let inside = Inside::open(setup).await;
    let state = setup.place.files().join("fx");
    std::fs::create_dir_all(&state).expect("a directory");
    let connection = json!({
        "type": "local_mcp", "command": programs::fixture(), "args": ["--state", state],
    });
    let added = json!({"id": "fx", "connection": connection});
    inside.ask::<Value>(Method::POST, "/control/integrations", Some(added)).await;
    let welcomed = json!({"welcomed": true});
    inside.ask::<Value>(Method::PATCH, "/control/settings", Some(welcomed)).await;
    let key = inside.ask(Method::POST, "/control/keys", Some(json!({"name": "tester"}))).await;
    let owned = Owned::of(&inside).await;
    inside.stop().await;
    (key, owned)
}

/// Every way to show what an agent has, and none.
fn credentials(base: &str, key: &NewKey) -> Vec<Wire> {
    let nobody = Wire::new(base);
    let bearer = format!("Bearer {}", key.key);
    let cookie = format!("agentport={0}; session={0}", key.key);
    vec![
        nobody.clone(),
        nobody.clone().with("origin", base),
        nobody.clone().with_key(&key.key),
        nobody.clone().with("authorization", &bearer).with_key(&key.key),
        nobody.with("origin", base).with("cookie", &cookie).with("authorization", &bearer),
    ]
}

/// Bodies with which a route would do something.
fn bodies(path: &str) -> Value {
    match path {
        "/control/pause" => json!({"paused": true}),
        "/control/keys" => json!({"name": "mine"}),
        "/control/settings" => json!({"calls_per_minute": 7}),
        "/control/policy" => json!({"integration": "fx", "tool": "counter", "mode": "allow"}),
        "/control/policy/category" => {
            json!({"integration": "fx", "category": "other", "mode": "allow"})
        }
        _ if path.ends_with("/tools/effect") => json!({"tool": "counter", "effect": "reads"}),
        "/control/owner-password" => json!({"password": "correct horse battery staple"}),
        "/control/restore" => json!({"version": 1}),
        _ if path.ends_with("/approve") => json!({"grant": {"kind": "always"}}),
        _ if path.ends_with("/trust") => json!({"minutes": 15}),
        _ => {
            json!({"reason": null, "name": "x", "minutes": 15, "default_mode": "allow", "code": "000000"})
        }
    }
}

#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn no_port_reaches_the_control_api() {
    let setup = Setup::default();
    let (key, before) = seeded(&setup).await;
    let session = Session::bare().await;
    let daemon = NotificationDaemon::start(&session).await;
    let panel = Panel::start(&session).await;
    let app = AppSetup::hidden(setup.clone()).start(&session).await;
    let mut tray = panel.tray().await;
    let port = app.runtime().await.port;
    let wire = app.wire(&key).await;
    let id = wire.call_tool("fx", "counter", json!({})).await.request();
    let note = daemon.one("counter").await;

    let mut found = listening(app.pid());
    found.sort();
    let ours: Vec<SocketAddr> =
        vec![([127, 0, 0, 1], port).into(), ([0, 0, 0, 0, 0, 0, 0, 1], port).into()];
    assert!(
        found.iter().all(|address| ours.contains(address)),
        "only its own port, and only here: {found:?}"
    );
    assert!(found.contains(&ours[0]), "{found:?}");

    let routes = owner_routes();
    assert!(routes.len() > 40, "the list has them all: {}", routes.len());
    let more = [
        "/control",
        "/control/",
        "/control/login",
        "/control/logout",
        "/control/session",
        "/control/first-password",
        "/control/owner-password",
        "/",
        "/index.html",
        "/assets/index.js",
        "/desktop",
        "/desktop/open",
        "/desktop/quit",
        "/desktop/window",
        "/desktop/port",
    ];
    let mut paths: Vec<&str> = routes.iter().map(|(_, path)| *path).chain(more).collect();
    paths.sort_unstable();
    paths.dedup();
    let methods = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    let mut tried = 0;
    for address in &found {
        for wire in credentials(&format!("http://{address}"), &key) {
            for path in &paths {
                let filled = path
                    .replace("approvals/{id}", &format!("approvals/{id}"))
                    .replace("keys/{id}", &format!("keys/{}", key.id))
                    .replace("integrations/{id}", "integrations/fx")
                    .replace("{id}", "demo")
                    .replace("{name}", "default")
                    .replace("{digest}", &"0".repeat(64));
                assert!(!filled.contains('{'), "{filled}");
                for method in &methods {
                    let mut request = wire.request(method.clone(), &filled);
                    if !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
                        request = request.json(&bodies(path));
                    }
                    let reply = wire.send(request).await;
                    assert_eq!(
                        reply.status,
                        StatusCode::NOT_FOUND,
                        "{method} {filled} on {address} with {:?}: {}",
                        wire.headers,
                        reply.text
                    );
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 1_000, "{tried}");
    // The page of the request is there, shows it, and cannot decide it.
    let page = format!("/approve/{id}");
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let reply = wire
            .send(wire.request(method.clone(), &page).json(&json!({"grant": {"kind": "once"}})))
            .await;
        assert!(reply.status.is_client_error(), "{method} {page}: {} {}", reply.status, reply.text);
    }

    // Nothing was decided: it still waits, here and there, and can be denied.
    tray.row(&["1 request waits for you"]).await;
    tray.row(&["Pause all agents"]).await;
    let runs = || lines(setup.place.files().join("fx/counter"));
    assert_eq!(runs(), 0);
    daemon.press(&note, "Deny").await;
    assert!(wire.await_approval(&id.to_string()).await.refused().contains("denied by the human"));
    assert_eq!(runs(), 0);
    app.stop().await;
    let inside = Inside::open(&setup).await;
    assert_eq!(Owned::of(&inside).await, before);
    inside.stop().await;
}

/// What an owner password opens, its removal closes: nothing stays open.
#[tokio::test]
#[ignore = "needs a desktop session; `cargo xtask test` runs it"]
async fn with_an_owner_password_the_control_api_needs_a_sign_in() {
    let doubles = super::scene::Doubles::new().await;
    let base = doubles.desk.app.base().await;
    let (id, _) = doubles.asked("counter", json!({})).await;
    for wire in credentials(&base, &doubles.desk.key) {
        let approve = format!("/control/approvals/{id}/approve");
        let reply = wire.post(&approve, &json!({"grant": {"kind": "once"}})).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{:?}: {}", wire.headers, reply.text);
        // The password itself is changed in the window only.
        let request = wire.request(Method::PUT, "/control/owner-password");
        let reply = wire.send(request.json(&json!({"password": "another battery staple"}))).await;
        assert!(matches!(reply.status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND));
    }
    let owner = &doubles.desk.owner;
    for method in [Method::PUT, Method::DELETE] {
        let body = Some(json!({"password": "another battery staple"}));
        let reply = owner.send(method, "/control/owner-password", body).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{}", reply.text);
    }
    assert_eq!(owner.approvals("pending").await.len(), 1);
}
