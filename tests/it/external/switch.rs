//! The owner's switch: opened, moved and closed while the gateway runs.

use agentport_tests::soon;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{at, external_port, external_status, sign_in};
use crate::scene::Scene;

const URL: &str = "https://agents.example.com";

async fn set(scene: &Scene, settings: Value) -> StatusCode {
    scene.owner.send(Method::PATCH, "/control/settings", Some(settings)).await.status
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}

#[tokio::test]
async fn what_the_owner_opens_the_owner_closes_with_its_streams() {
    let scene = Scene::open().await;
    assert_eq!(external_status(&scene).await, Value::Null);
    let port = free_port();
    let open = json!({ "external_url": URL, "external_port": port });
    assert_eq!(set(&scene, open).await, StatusCode::OK);
    assert_eq!(external_port(&scene).await, port);
    let wire = at(port).with("host", "agents.example.com");
    let token = sign_in(&scene, &wire).await;
    let agent = wire.with("authorization", &format!("Bearer {token}"));
    let session = agent.open_session().await;
    let listen = agent.request(Method::GET, "/mcp").header("mcp-session-id", session);
    let listen = listen.header("accept", "text/event-stream");
    let mut stream = soon("a stream", listen.send()).await.expect("an answer");
    assert_eq!(stream.status(), StatusCode::OK);

    assert_eq!(set(&scene, json!({ "external_url": null })).await, StatusCode::OK);
    let ended = async { while let Ok(Some(_)) = stream.chunk().await {} };
    soon("the stream to end", ended).await;
    let closed = async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    soon("the port to close", closed).await;
    assert_eq!(external_status(&scene).await, Value::Null);
    scene.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_said_and_tried_again() {
    let scene = Scene::empty().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    set(&scene, json!({ "external_url": URL, "external_port": port })).await;
    let said = async {
        loop {
            if let Some(problem) = external_status(&scene).await["problem"].as_str() {
                return problem.to_owned();
            }
        }
    };
    let problem = soon("the problem", said).await;
    assert!(problem.contains(&port.to_string()), "{problem}");
    drop(taken);
    assert_eq!(external_port(&scene).await, port, "it is tried again");
    scene.stop().await;
}

#[tokio::test]
async fn what_cannot_be_an_external_url_is_refused() {
    let scene = Scene::empty().await;
    for url in ["http://agents.example.com", "https://localhost", "https://a.example/mcp", "x"] {
        let status = set(&scene, json!({ "external_url": url })).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{url}");
    }
    let same = json!({ "external_url": URL, "external_port": 4747 });
    assert_eq!(set(&scene, same).await, StatusCode::UNPROCESSABLE_ENTITY);
    scene.stop().await;
}
