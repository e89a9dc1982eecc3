//! Client-id metadata documents: an address as `client_id`, which the gateway is to read. It is one the client chose.

use agentport_tests::{OAuthAgent, oauth_agent::AuthorizePage};
use futures::FutureExt as _;
use serde_json::json;
use tokio::net::TcpListener;

use crate::scene::Scene;

#[tokio::test]
async fn a_document_is_looked_up_only_if_the_owner_allows_it_and_never_on_this_computer() {
    let scene = Scene::empty().await;
    let client = OAuthAgent::register(&scene.gateway).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("a bound listener has an address").port();
    let addresses = [
        format!("https://127.0.0.1:{port}/client.json"),
        format!("https://localhost:{port}/client.json"),
        format!("https://[::ffff:127.0.0.1]:{port}/client.json"),
        format!("https://0.0.0.0:{port}/client.json"),
        "https://169.254.169.254/latest/meta-data/client.json".to_owned(),
        "https://10.0.0.1/client.json".to_owned(),
    ];
    for allowed in [false, true] {
        scene.owner.settings(json!({"client_id_documents": allowed})).await;
        for address in &addresses {
            let request = client.request().with("client_id", address);
            let page = AuthorizePage::open(&request.url()).await;
            let said = page.explains();
            assert_eq!(said.contains("Settings"), !allowed, "{address}: {said}");
            let visited = listener.accept().now_or_never();
            assert!(visited.is_none(), "{address} was asked: {visited:?}");
        }
    }
    assert!(scene.owner.consents().await.is_empty());
    scene.stop().await;
}
