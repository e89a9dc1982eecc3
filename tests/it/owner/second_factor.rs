//! With the second factor on, every change that widens what agents can do needs a code, in process and over TCP.

use agentport_api::Event;
use agentport_gateway::control::routes_to_confirm;
use agentport_tests::{Wire, external_program::ExternalProgram, gateway::PASSWORD, programs, soon};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::window::Window;

/// Asks the same in process or over TCP.
async fn both(
    window: &Window,
    signed_in: &Wire,
    method: &Method,
    path: &str,
    body: &Value,
) -> [agentport_tests::wire::Reply; 2] {
    let request = signed_in.request(method.clone(), path).json(body);
    [window.send(method.clone(), path, Some(body.clone())).await, signed_in.send(request).await]
}

/// Is the path one of this route's?
fn leads_to(path: &str, route: &str) -> bool {
    let same = |(part, named): (&str, &str)| named.starts_with('{') || part == named;
    path.split('/').count() == route.split('/').count()
        && path.split('/').zip(route.split('/')).all(same)
}

async fn sign_in(wire: &Wire, code: Option<&str>) -> agentport_tests::wire::Reply {
    wire.post("/control/login", &json!({ "password": PASSWORD, "code": code })).await
}

#[tokio::test]
async fn widening_changes_need_a_code_in_process_and_over_tcp() {
    let mut window = Window::open().await;
    let key = window.key("agent").await;
    let agent = window.agent(&key);
    window.done(Method::PUT, "/control/owner-password", Some(json!({ "new": PASSWORD }))).await;
    // A rule to change and one to bring back.
    let set = |tool: &str, mode: &str| json!({ "integration": "demo", "tool": tool, "mode": mode });
    let rule: Value =
        window.ask(Method::PUT, "/control/policy", Some(set("delete_note", "deny"))).await;
    let denied = rule["rule"]["id"].as_str().expect("an id").to_owned();
    let rule: Value =
        window.ask(Method::PUT, "/control/policy", Some(set("read_note", "allow"))).await;
    let removed = rule["rule"]["id"].as_str().expect("an id").to_owned();
    window.done(Method::DELETE, &format!("/control/policy/{removed}"), None).await;
    let category = |name: &str, mode: Option<&str>| json!({ "integration": "demo", "category": name, "mode": mode });
    let blocked = Some(category("Destroys", Some("deny")));
    window.done(Method::PUT, "/control/policy/category", blocked).await;
    agent.call_tool("demo", "add_note", json!({ "text": "please" })).await.request();
    let waiting = window.pending().await;
    let id = key.id;
    // An allow for another definition than the present one asks, and holds back what is wider.
    let mut backup = window.read("/control/backup").await;
    let outdated = "019a9f00-0000-7000-8000-000000000001";
    backup["rules"].as_array_mut().expect("rules").push(json!({
        "id": outdated, "mode": "allow", "agent": id, "conditions": [], "digest": "0".repeat(64),
        "scope": { "kind": "tool", "integration": "demo", "tool": "list_notes" },
        "expires_at": null, "session": false, "origin": { "kind": "owner" }, "created_at": "2026-01-01T00:00:00Z",
    }));
    window.done(Method::POST, "/control/restore", Some(backup.clone())).await;
    let asks = json!({ "default_mode": "require_approval" });
    window.done(Method::PATCH, "/control/integrations/demo", Some(asks)).await;

    let mut events = window.gateway.events();
    let (mut phone, codes) = window.second_factor().await;
    assert_eq!(soon("the event", events.recv()).await.ok(), Some(Event::Owner));
    assert_eq!(window.read("/control/status").await["second_factor"], true);
    let signed_in = {
        let login = sign_in(&window.wire(), Some(&codes[0])).await;
        assert_eq!(login.status, StatusCode::OK, "{}", login.text);
        let token = login.json()["token"].as_str().expect("a token").to_owned();
        window.wire().with("authorization", &format!("Bearer {token}"))
    };

    let approve = format!("/control/approvals/{waiting}/approve");
    let trust = format!("/control/keys/{id}/trust");
    let change = format!("/control/policy/{denied}");
    let stale = format!("/control/policy/{outdated}");
    let restore = format!("/control/policy/{removed}/restore");
    let grant = |kind: &str| json!({ "grant": { "kind": kind } });
    let connection = json!({ "type": "local_mcp", "command": "true" });
    let guarded = [
        (Method::POST, approve.as_str(), grant("once")),
        (Method::POST, &approve, grant("exact")),
        (Method::POST, &approve, grant("session")),
        (Method::POST, &approve, grant("always")),
        (Method::POST, &approve, json!({ "grant": { "kind": "for", "minutes": 5 } })),
        (Method::POST, "/control/keys", json!({ "name": "second" })),
        (Method::POST, &trust, json!({ "minutes": 15 })),
        (Method::PUT, "/control/policy", set("add_note", "allow")),
        (Method::PUT, "/control/policy/category", category("Reads", Some("allow"))),
        (Method::PUT, "/control/policy/category", category("Destroys", None)),
        (
            Method::PUT,
            "/control/integrations/demo/tools/effect",
            json!({ "tool": "delete_note", "effect": "changes" }),
        ),
        (Method::PATCH, &change, json!({ "mode": "allow" })),
        // A deny holds back every allow; what asks yields to a nearer one.
        (Method::PATCH, &change, json!({ "mode": "require_approval" })),
        (Method::PUT, "/control/policy", set("delete_note", "require_approval")),
        (Method::PUT, "/control/policy/category", category("Destroys", Some("require_approval"))),
        (Method::DELETE, &stale, Value::Null),
        (Method::PATCH, "/control/integrations/demo", json!({ "default_mode": "none" })),
        (Method::PATCH, &change, json!({ "expires_at": "2999-01-01T00:00:00Z" })),
        (Method::PATCH, &change, json!({ "agent": id })),
        (Method::DELETE, &change, Value::Null),
        (Method::POST, &restore, Value::Null),
        (Method::PATCH, "/control/integrations/demo", json!({ "default_mode": "allow" })),
        (Method::PATCH, "/control/integrations/demo", json!({ "read_only_may_run": true })),
        (Method::POST, "/control/integrations", json!({ "id": "x", "connection": connection })),
        (
            Method::POST,
            "/control/integrations",
            json!({ "id": "x", "connection": connection, "untried": true }),
        ),
        (
            Method::POST,
            "/control/integrations",
            json!({ "id": "x", "connection": connection, "enabled": false }),
        ),
        (Method::POST, "/control/available/exa/install", json!({ "method": "none" })),
        (Method::POST, "/control/sign-ins", json!({ "integration": "linear" })),
        (Method::POST, "/control/imports/install", json!({})),
        (
            Method::POST,
            "/control/integrations/demo/accounts",
            json!({ "label": "second", "token": "obviously-fake" }),
        ),
        (Method::PATCH, &format!("/control/keys/{id}"), json!({ "profile": null })),
        (Method::POST, "/control/consents/019a9f00-0000-7000-8000-000000000002/approve", json!({})),
        (
            Method::PATCH,
            "/control/settings",
            json!({ "external_url": "https://agents.example.com" }),
        ),
        (Method::PATCH, "/control/settings", json!({ "client_id_documents": true })),
        (Method::POST, "/control/integrations/demo/pin", json!({})),
        (Method::POST, "/control/restore", backup.clone()),
        (Method::DELETE, "/control/second-factor", Value::Null),
        (Method::POST, "/control/second-factor/recovery-codes", Value::Null),
    ];
    for (method, path, body) in &guarded {
        for reply in both(&window, &signed_in, method, path, body).await {
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{method} {path}: {}", reply.text);
            assert_eq!(reply.json()["code"], "confirmation_needed", "{method} {path} {body}");
        }
    }
    let in_process = [Method::PUT, Method::DELETE];
    let tried: Vec<(&Method, &str)> = guarded
        .iter()
        .map(|(method, path, _)| (method, *path))
        .chain(in_process.iter().map(|method| (method, "/control/owner-password")))
        .collect();
    for (method, route) in routes_to_confirm() {
        let is = |(tried, path): &(&Method, &str)| **tried == method && leads_to(path, route);
        assert!(tried.iter().any(is), "{method} {route} is not tried here");
    }
    for method in in_process.clone() {
        let body = json!({ "new": PASSWORD });
        let refused =
            window.refused(method, "/control/owner-password", body, StatusCode::FORBIDDEN).await;
        assert_eq!(refused["code"], "confirmation_needed");
    }
    let choose = json!({ "current": PASSWORD, "new": "another password altogether" });
    let chosen = signed_in.post("/control/password", &choose).await;
    assert_eq!(chosen.json()["code"], "confirmation_needed", "{}", chosen.text);
    agent.call_tool("demo", "add_note", json!({ "text": "please" })).await.request();

    // What holds agents back needs none.
    let harmless = [
        (Method::PUT, "/control/policy", set("read_note", "require_approval")),
        (Method::PUT, "/control/policy", set("read_note", "deny")),
        (Method::PUT, "/control/policy/category", category("Reads", Some("deny"))),
        (Method::POST, trust.as_str(), json!({ "minutes": 0 })),
        (
            Method::PATCH,
            "/control/integrations/demo",
            json!({ "default_mode": "require_approval" }),
        ),
        (Method::PATCH, "/control/integrations/demo", json!({ "read_only_may_run": false })),
        (Method::POST, "/control/pause", json!({ "paused": true })),
        (Method::POST, "/control/pause", json!({ "paused": false })),
        (Method::PATCH, "/control/settings", json!({ "pending_per_agent": 6 })),
        (Method::PATCH, "/control/settings", json!({ "external_url": null })),
        (Method::POST, "/control/connections/compare", json!({ "connection": connection })),
        (Method::PATCH, "/control/integrations/demo", json!({ "imported_settled": true })),
        (Method::POST, "/control/restore?dry_run=true", backup.clone()),
    ];
    for (method, path, body) in &harmless {
        for reply in both(&window, &signed_in, method, path, body).await {
            assert!(reply.status.is_success(), "{method} {path}: {} {}", reply.status, reply.text);
        }
    }

    // A made-up token is none, and one confirmation is good for several things.
    let made_up = signed_in.clone().with("agentport-confirmation", "made-up");
    assert_eq!(made_up.post(&approve, &grant("once")).await.status, StatusCode::FORBIDDEN);
    window.confirm(&phone.code().await).await;
    window.done(Method::PATCH, &change, Some(json!({ "mode": "deny" }))).await;
    window.done(Method::POST, &restore, None).await;
    window.done(Method::POST, &approve, Some(grant("once"))).await;
    window.done(Method::POST, "/control/keys", Some(json!({ "name": "second" }))).await;
    let confirmed: Value =
        signed_in.post("/control/confirm", &json!({ "code": codes[1] })).await.json();
    let token = confirmed["token"].as_str().expect("a token");
    let over_tcp = signed_in.with("agentport-confirmation", token);
    let reply = over_tcp.post("/control/keys", &json!({ "name": "third" })).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
    assert_eq!(window.read("/control/second-factor").await["recovery_codes_left"], 8);
    window.close().await;
}

#[tokio::test]
async fn a_code_is_good_once_and_wrong_ones_try_patience() {
    let mut window = Window::open().await;
    let (mut phone, codes) = window.second_factor().await;
    let status = async |window: &Window, code: &str| {
        let body = Some(json!({ "code": code }));
        window.send(Method::POST, "/control/confirm", body).await
    };
    let wrong = StatusCode::UNPROCESSABLE_ENTITY;
    assert_eq!(status(&window, &phone.again()).await.status, wrong, "used to turn it on");
    let code = phone.code().await;
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    assert_eq!(status(&window, &spaced).await.status, StatusCode::OK);
    assert_eq!(status(&window, &code).await.status, wrong, "replayed");
    let again = window.again().await;
    window = again;
    assert_eq!(status(&window, &code).await.status, wrong, "replayed after a restart");

    assert_eq!(codes.len(), 10);
    let typed = codes[0].to_uppercase().replace('-', " ");
    assert_eq!(status(&window, &typed).await.status, StatusCode::OK);
    assert_eq!(status(&window, &codes[0]).await.status, wrong, "a recovery code is good once");
    assert_eq!(window.read("/control/second-factor").await["recovery_codes_left"], 9);
    window.confirm(&codes[1]).await;
    let made: Value = window.ask(Method::POST, "/control/second-factor/recovery-codes", None).await;
    assert_eq!(status(&window, &codes[2]).await.status, wrong, "the old ones are gone");
    let fresh = made["codes"][0].as_str().expect("a code").to_owned();

    // The last right code was forgiving; one wrong since.
    for _ in 1..5 {
        assert_eq!(status(&window, "000000").await.status, wrong);
    }
    let begun = std::time::Instant::now();
    assert_eq!(status(&window, "000000").await.status, wrong);
    assert!(begun.elapsed() >= std::time::Duration::from_millis(1_500), "the sixth has to wait");
    let sent_away = status(&window, "000000").await;
    assert_eq!(sent_away.status, StatusCode::TOO_MANY_REQUESTS, "{}", sent_away.text);
    let wait: u64 = sent_away.header("retry-after").expect("when").parse().expect("seconds");
    assert!((1..=4).contains(&wait), "{wait}");
    let sent_away = status(&window, &fresh).await;
    assert_eq!(sent_away.status, StatusCode::TOO_MANY_REQUESTS, "whoever it is");
    tokio::time::sleep(std::time::Duration::from_secs(wait)).await;
    assert_eq!(status(&window, &fresh).await.status, StatusCode::OK);
    window.close().await;
}

#[tokio::test]
async fn setting_up_takes_a_code_of_the_new_secret() {
    let mut window = Window::open().await;
    let enable = async |window: &Window, code: &str| {
        let body = Some(json!({ "code": code }));
        window.send(Method::POST, "/control/second-factor/enable", body).await.status
    };
    assert_eq!(enable(&window, "123456").await, StatusCode::CONFLICT, "nothing was begun");
    let confirm = window.send(Method::POST, "/control/confirm", Some(json!({ "code": "123456" })));
    assert_eq!(confirm.await.status, StatusCode::CONFLICT, "it is off");
    let begin = async |window: &Window| -> Value {
        window.ask(Method::POST, "/control/second-factor/begin", None).await
    };
    let first = begin(&window).await;
    let uri = url::Url::parse(first["uri"].as_str().expect("a URI")).expect("a URI");
    assert_eq!((uri.scheme(), uri.host_str()), ("otpauth", Some("totp")));
    let secret = first["secret"].as_str().expect("a secret");
    assert!(secret.len() == 32 && uri.query_pairs().any(|pair| pair.1 == secret), "{uri}");
    let rows = first["qr"].as_array().expect("rows");
    assert!(
        rows.len() >= 21 && rows.iter().all(|row| row.as_str().unwrap_or("").len() == rows.len())
    );
    assert_eq!(window.read("/control/second-factor").await["on"], false, "it does not count yet");

    begin(&window).await;
    let mut first = super::authenticator::Authenticator::new(secret);
    assert_eq!(
        enable(&window, &first.code().await).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "a code of the secret before"
    );
    let (mut phone, codes) = window.second_factor().await;
    let conflict = window.send(Method::POST, "/control/second-factor/begin", None).await;
    assert_eq!(conflict.status, StatusCode::CONFLICT, "{}", conflict.text);

    window.confirm(&phone.code().await).await;
    window.done(Method::DELETE, "/control/second-factor", None).await;
    let state = window.read("/control/second-factor").await;
    assert_eq!((&state["on"], &state["recovery_codes_left"]), (&json!(false), &json!(0)));
    window.forget_confirmation();
    window.key("made without a code").await;

    // On again: neither old codes nor an old confirmation count.
    let (_, fresh) = window.second_factor().await;
    let old =
        window.send(Method::POST, "/control/confirm", Some(json!({ "code": codes[3] }))).await;
    assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!fresh.contains(&codes[3]));
    window
        .refused(Method::POST, "/control/keys", json!({ "name": "x" }), StatusCode::FORBIDDEN)
        .await;
    window.close().await;
}

#[tokio::test]
async fn the_sign_in_asks_for_a_code() {
    let window = Window::open().await;
    window.done(Method::PUT, "/control/owner-password", Some(json!({ "new": PASSWORD }))).await;
    let (mut phone, _) = window.second_factor().await;
    let wire = window.wire();
    for code in [None, Some("000000"), Some("")] {
        let refused = sign_in(&wire, code).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{code:?}: {}", refused.text);
        assert_eq!(refused.json()["code"], "code_needed", "{code:?}: {}", refused.text);
    }
    let code = phone.code().await;
    let wrong = json!({ "password": "wrong password", "code": code });
    assert_eq!(wire.post("/control/login", &wrong).await.status, StatusCode::UNAUTHORIZED);
    let login = sign_in(&wire, Some(&code)).await;
    assert_eq!(login.status, StatusCode::OK, "a wrong password costs no code: {}", login.text);
    let login = login.json();
    let token = login["token"].as_str().expect("a token");
    let confirmation = login["confirmation"]["token"].as_str().expect("it confirms as well");
    let owner = wire.with("authorization", &format!("Bearer {token}"));
    let refused = owner.post("/control/keys", &json!({ "name": "x" })).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "being signed in is not enough");
    let confirmed = owner.with("agentport-confirmation", confirmation);
    let made = confirmed.post("/control/keys", &json!({ "name": "x" })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    window.close().await;
}

#[tokio::test]
async fn a_secret_that_cannot_be_opened_leaves_the_recovery_codes() {
    let window = Window::open().await;
    let (mut phone, codes) = window.second_factor().await;
    let home = window.close().await;
    let script = "import sqlite3, sys\n\
        db = sqlite3.connect(sys.argv[1])\n\
        db.execute(\"UPDATE second_factor SET sealed = x'01020304'\")\n\
        db.commit()";
    let database = home.path().join("home").join("agentport.sqlite");
    ExternalProgram::new(&programs::python())
        .args(["-c", script])
        .args([&database])
        .run()
        .await
        .ok();
    let mut window = Window::of(home, agentport_gateway::Port::Chosen(0)).await;
    let state = window.read("/control/second-factor").await;
    assert_eq!(state["on"], true, "it is not off");
    window
        .refused(Method::POST, "/control/keys", json!({ "name": "x" }), StatusCode::FORBIDDEN)
        .await;
    let refused =
        window.send(Method::POST, "/control/confirm", Some(json!({ "code": phone.code().await })));
    assert_eq!(refused.await.status, StatusCode::UNPROCESSABLE_ENTITY);
    window.confirm(&codes[0]).await;
    window.done(Method::DELETE, "/control/second-factor", None).await;
    window.forget_confirmation();
    window.key("x").await;
    window.close().await;
}
