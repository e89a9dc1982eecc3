//! Paths and headers that must not bypass authentication.

use agentport_tests::Wire;
use http::{Method, StatusCode};
use serde_json::json;

use crate::scene::Scene;

/// Clients that look for a server of another kind must be told that there is none, not be shown a page.
#[tokio::test]
async fn unknown_paths_do_not_answer_the_page() {
    let scene = Scene::empty().await;
    let nobody = Wire::new(scene.gateway.base());
    for (method, path) in [
        (Method::POST, "/register"),
        (Method::GET, "/authorize"),
        (Method::GET, "/oauth/userinfo"),
        (Method::GET, "/.well-known/openid-configuration"),
        (Method::GET, "/.well-known/oauth-authorization-server/mcp"),
    ] {
        for wire in [&nobody, &scene.wire] {
            let mut request = wire.request(method.clone(), path);
            if method == Method::POST {
                request = request.json(&json!({"client_name": "x"}));
            }
            let reply = wire.send(request).await;
            assert_eq!(reply.status, StatusCode::NOT_FOUND, "{method} {path}: {}", reply.text);
            let kind = reply.header("content-type").unwrap_or_default();
            assert!(kind.starts_with("application/json"), "{method} {path}: {kind}");
            assert!(reply.json().is_object(), "{method} {path}: {}", reply.text);
        }
    }
    scene.stop().await;
}
