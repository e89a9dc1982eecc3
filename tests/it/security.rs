//! Attacks by an agent, a web page or another account of this machine.

use agentport_api::{Approve, GrantChoice};
use agentport_core::approval::State;
use agentport_tests::{Wire, gateway::PASSWORD, wire::status_of};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::scene::Scene;

/// Every control route.
fn owner_routes(approval: &str, key: &str) -> Vec<(Method, String)> {
    let fixed = [
        (Method::GET, "/control/status"),
        (Method::GET, "/control/events"),
        (Method::POST, "/control/pause"),
        (Method::GET, "/control/approvals?state=pending"),
        (Method::GET, "/control/keys"),
        (Method::POST, "/control/keys"),
        (Method::GET, "/control/profiles"),
        (Method::PUT, "/control/profiles/x"),
        (Method::DELETE, "/control/profiles/x"),
        (Method::GET, "/control/integrations"),
        (Method::POST, "/control/integrations"),
        (Method::GET, "/control/integrations/fx"),
        (Method::PATCH, "/control/integrations/fx"),
        (Method::DELETE, "/control/integrations/fx"),
        (Method::POST, "/control/integrations/fx/restart"),
        (Method::GET, "/control/integrations/fx/tools"),
        (Method::GET, "/control/integrations/fx/log"),
        (Method::GET, "/control/policy"),
        (Method::PUT, "/control/policy"),
        (Method::GET, "/control/activity"),
        (Method::GET, "/control/audit"),
        (Method::GET, "/control/audit/verify"),
        (Method::GET, "/control/audit/export"),
        (Method::GET, "/control/settings"),
        (Method::PATCH, "/control/settings"),
    ];
    let mut routes: Vec<_> =
        fixed.into_iter().map(|(method, path)| (method, path.to_owned())).collect();
    for verb in ["approve", "deny"] {
        routes.push((Method::POST, format!("/control/approvals/{approval}/{verb}")));
    }
    routes.push((Method::GET, format!("/control/approvals/{approval}")));
    routes.push((Method::DELETE, format!("/control/keys/{key}")));
    routes.push((Method::PATCH, format!("/control/keys/{key}")));
    routes.push((Method::POST, format!("/control/keys/{key}/trust")));
    routes
}

#[tokio::test]
async fn an_agents_credential_opens_no_route_of_the_owners() {
    let scene = Scene::new().await;
    let id = scene.call("counter", json!({})).await.request();
    let nobody = Wire::new(scene.gateway.base());
    let key = scene.key.key.as_str();
    let attackers = [
        nobody.clone(),
        scene.wire.clone(),
        nobody.clone().with("authorization", &format!("Bearer {key}")),
        nobody.clone().with("cookie", &format!("agentport_owner={key}")),
        nobody.clone().with("cookie", "agentport_owner="),
        nobody.clone().with("authorization", "Bearer "),
    ];
    for (method, path) in owner_routes(&id.to_string(), &scene.key.id.to_string()) {
        for wire in &attackers {
            let body =
                json!({"grant": {"kind": "always"}, "name": "x", "paused": true, "minutes": 60});
            let reply = wire.send(wire.request(method.clone(), &path).json(&body)).await;
            let refused = reply.status == StatusCode::UNAUTHORIZED;
            assert!(refused, "{method} {path} {:?}: {} {}", wire.headers, reply.status, reply.text);
        }
    }
    assert_eq!(scene.owner.approval(id).await.state, State::Pending);
    assert_eq!(scene.owner.keys().await.len(), 1);
    assert!(!scene.owner.status().await.paused);
    scene.stop().await;
}

#[tokio::test]
async fn an_owners_token_is_no_agent() {
    let scene = Scene::empty().await;
    let owner = scene.owner.wire.clone();
    let list = owner.modern("/mcp", "tools/list", json!({}));
    assert_eq!(owner.send(list).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(owner.get("/api/users/me").await.status, StatusCode::UNAUTHORIZED);
    scene.stop().await;
}

#[tokio::test]
async fn the_approval_link_has_no_power() {
    let scene = Scene::new().await;
    let id = scene.call("counter", json!({})).await.request();
    let path = format!("/approve/{id}");
    let nobody = Wire::new(scene.gateway.base());
    for wire in [&nobody, &scene.wire, &scene.owner.wire] {
        let page = wire.get(&path).await;
        assert_eq!(page.status, StatusCode::OK);
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.contains("default-src") && !policy.contains("unsafe-eval"), "{policy}");
        assert!(policy.contains("frame-ancestors") || page.header("x-frame-options").is_some());
        for query in ["?approve=1", "?decision=approve", "/approve", "?grant=always"] {
            wire.get(&format!("{path}{query}")).await;
        }
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let reply = wire
                .send(wire.request(method.clone(), &path).json(&json!({"decision": "approve"})))
                .await;
            assert!(!reply.status.is_success(), "{method}: {}", reply.status);
        }
    }
    let anonymous = nobody.get(&path).await.text;
    assert!(!anonymous.contains("agentport_owner") && !anonymous.contains(&scene.key.key));
    assert_eq!(scene.owner.approval(id).await.state, State::Pending);
    assert_eq!(scene.runs("counter"), 0);
    let unknown = nobody.get(&format!("/approve/{}", uuid::Uuid::new_v4())).await;
    assert!(matches!(unknown.status.as_u16(), 200 | 404));
    assert_eq!(
        nobody
            .get("/approve/<script>alert(1)</script>")
            .await
            .text
            .matches("<script>alert")
            .count(),
        0
    );
    scene.stop().await;
}

#[tokio::test]
async fn text_of_an_agent_stays_text() {
    let scene = Scene::new().await;
    let evil = "<img src=x onerror=alert(1)>\u{202e}gnp.exe\u{1b}[2J\u{0} approved by the owner";
    let arguments = json!({
        "integration_id": "fx", "tool_name": "echo",
        "arguments": {"text": evil}, "additional_info": evil,
    });
    let id = scene.wire.tool("agentport__call_tool", arguments).await.request();
    let view = scene.owner.approval(id).await;
    let note = view.additional_info.expect("the note");
    for bad in ['\u{202e}', '\u{1b}', '\u{0}'] {
        assert!(!note.contains(bad), "{note:?}");
        assert!(!view.summary.contains(bad), "{:?}", view.summary);
    }
    let page = Wire::new(scene.gateway.base()).get(&format!("/approve/{id}")).await.text;
    assert!(!page.contains("<img src=x"), "markup is escaped");
    scene.stop().await;
}

#[tokio::test]
async fn no_cookie_signs_in_and_foreign_pages_decide_nothing() {
    let scene = Scene::new().await;
    let id = scene.call("counter", json!({})).await.request();
    let browser = Wire::new(scene.gateway.base());
    let reply = browser.post("/control/login", &json!({"password": PASSWORD})).await;
    // A cookie would be sent to every port of 127.0.0.1 that the owner follows a link to.
    assert!(reply.header("set-cookie").is_none(), "{:?}", reply.header("set-cookie"));
    let login: serde_json::Value = serde_json::from_str(&reply.text).expect("JSON");
    let token = login["token"].as_str().expect("a token");
    let by_cookie = browser.clone().with("cookie", &format!("agentport_owner={token}"));
    assert_eq!(by_cookie.get("/control/status").await.status, StatusCode::UNAUTHORIZED);
    let browser = browser.with("authorization", &format!("Bearer {token}"));
    assert_eq!(browser.get("/control/status").await.status, StatusCode::OK);
    let approve = serde_json::to_value(Approve {
        also_waiting: false,
        grant: GrantChoice::Once,
        audience: agentport_core::approval::Audience::ThisAgent,
        arguments: None,
    })
    .expect("JSON");
    let path = format!("/control/approvals/{id}/approve");
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"] {
        let reply = browser.clone().with("origin", origin).post(&path, &approve).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{origin}: {}", reply.text);
    }
    let foreign_host = browser.clone().with("host", "evil.example");
    assert_eq!(foreign_host.get("/control/status").await.status, StatusCode::FORBIDDEN);
    // A form of another site cannot set a JSON content type.
    let form = browser
        .request(Method::POST, &path)
        .header("content-type", "text/plain")
        .body(approve.to_string());
    assert!(browser.send(form).await.status.is_client_error());
    assert_eq!(scene.owner.approval(id).await.state, State::Pending);
    let own = scene.gateway.base().to_owned();
    assert_eq!(
        browser.clone().with("origin", &own).post(&path, &approve).await.status,
        StatusCode::OK
    );
    scene.stop().await;
}

#[tokio::test]
async fn the_page_itself_is_guarded() {
    let scene = Scene::empty().await;
    let page = Wire::new(scene.gateway.base()).get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    let policy = page.header("content-security-policy").expect("a policy");
    let rule = |name: &str| policy.split(';').map(str::trim).find(|rule| rule.starts_with(name));
    let scripts = rule("script-src").or(rule("default-src")).expect("a rule for scripts");
    assert!(scripts.contains("'self'") && !scripts.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert!(page.header("access-control-allow-origin").is_none());
    for path in ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2fCargo.toml"] {
        let raw = format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n",
            scene.gateway.port()
        );
        let answer = Wire::new(scene.gateway.base()).bytes(raw.as_bytes()).await;
        assert!(!answer.contains("root:") && !answer.contains("[package]"), "{path}");
        status_of(&answer);
    }
    scene.stop().await;
}

#[tokio::test]
async fn hostile_bytes_do_no_harm() {
    let scene = Scene::empty().await;
    let port = scene.gateway.port();
    let long = "x".repeat(600_000);
    for request in [
        "GET\r\n\r\n".to_owned(),
        "POST /mcp HTTP/1.1\r\n\r\n".to_owned(),
        format!(
            "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Long: {long}\r\nConnection: close\r\n\r\n"
        ),
        format!("GET /{long} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"),
        format!(
            "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        ),
        format!(
            "GET http://evil.example/control/status HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
        ),
        "GET /control/status HTTP/1.0\r\n\r\n".to_owned(),
    ] {
        let shown = &request[..request.len().min(80)];
        let answer = scene.wire.bytes(request.as_bytes()).await;
        assert!(answer.is_empty() || status_of(&answer) >= 400, "{shown}: {answer}");
    }
    assert_eq!(scene.owner.status().await.pid, scene.gateway.pid());
    assert!(!scene.gateway.stderr().contains("panicked"), "{}", scene.gateway.stderr());
    scene.stop().await;
}

/// Deep JSON, schemas that point elsewhere, names that look like other names.
#[tokio::test]
async fn hostile_values_do_no_harm() {
    let scene = Scene::new().await;
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"agentport__call_tool","arguments":{{"integration_id":"fx","tool_name":"inspect","arguments":{{"deep":{deep}}}}}}}}}"#
    );
    let session = scene.wire.open_session().await;
    let reply = scene.wire.clone().with("mcp-session-id", &session).post_mcp("/mcp", body).await;
    assert!(reply.status.is_client_error(), "{} {}", reply.status, reply.text);
    for (integration, tool) in [
        ("fx/../demo", "echo"),
        ("fx\u{0}", "echo"),
        ("", ""),
        ("agentport", "call_tool"),
        ("fx", "../echo"),
        ("fx", "agentport__call_tool"),
    ] {
        scene.wire.call_tool(integration, tool, json!({})).await.refused();
    }
    assert_eq!(scene.owner.approvals("all").await.len(), 0);
    let answer = scene.wire.rpc("resources/read", json!({"uri": "file:///etc/passwd"})).await;
    assert!(answer.get("error").is_some(), "{answer}");
    assert_ne!(scene.owner.status().await.pid, 0);
    let _: Value = scene.wire.rpc("tools/list", json!({})).await;
    scene.stop().await;
}
