//! The Python SDK's OAuth client, behind nginx with TLS.

use std::time::Duration;

use agentport_api::GrantChoice;
use agentport_core::policy::Mode;
use agentport_tests::{SOON, external_program::ExternalProgram, process::Process, within};
use serde_json::{Value, json};

use super::{
    external_port,
    reverse_proxy::{HOST, ReverseProxy},
    setup,
};
use crate::scene::Scene;

/// The whole of it, on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}

/// The browser opens the page through the proxy, the owner consents here, and the browser goes on to the client.
async fn consent(scene: &Scene, proxy: &ReverseProxy, page: &str) {
    let browser = proxy.client();
    let get = |url: String| {
        let browser = browser.clone();
        async move { browser.get(url).send().await.expect("an answer").text().await.expect("text") }
    };
    let html = get(page.to_owned()).await;
    let request = html.split("data-request=\"").nth(1).and_then(|rest| rest.split('"').next());
    let request = request.expect("the page waits").to_owned();
    assert!(scene.owner.one_consent().await.remote, "it says that it comes from outside");
    scene.owner.consents_once().await;
    let wait = page.split("?").next().expect("an address").to_owned();
    let decided: Value =
        serde_json::from_str(&get(format!("{wait}/wait?request={request}")).await).expect("JSON");
    let callback = decided["redirect"].as_str().expect("decided").to_owned();
    let arrived = agentport_tests::http_client().get(callback).send().await.expect("an answer");
    assert!(arrived.status().is_success());
}

/// What the program says until it ends. Pages are consented to, requests approved once they have been held.
async fn run(scene: &Scene, proxy: &ReverseProxy, mut program: Process) -> Vec<Value> {
    let mut said = Vec::new();
    while let Some(line) = program.line().await {
        let value: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        if let Some(page) = value["open"].as_str() {
            consent(scene, proxy, page).await;
        }
        if let Some(request) = value["held"].as_str() {
            let id = request.parse().expect("the id of a request");
            scene.owner.approve(id, GrantChoice::Once).await;
        }
        said.push(value);
    }
    program.ended(SOON).await;
    said
}

#[tokio::test]
async fn a_foreign_client_works_through_a_reverse_proxy_with_tls() {
    let port = free_port();
    let url = format!("https://{HOST}:{port}");
    let scene = Scene::with(setup(&url)).await;
    scene.add_fixture("fx").await;
    scene.owner.set_policy("fx", "echo", Mode::Allow).await;
    let proxy = ReverseProxy::start(port, external_port(&scene).await).await;
    let errors = scene.gateway.place().files().join("behind-proxy");
    let program = ExternalProgram::python("behind_proxy.py")
        .env("AGENTPORT_TEST_URL", format!("{url}/mcp"))
        .env("SSL_CERT_FILE", proxy.authority())
        .start(&errors);
    let said = within(LIMIT, "the foreign client", run(&scene, &proxy, program)).await;
    let errors = std::fs::read_to_string(&errors).unwrap_or_default();
    for step in
        [json!({ "echo": "from far away" }), json!({ "ran": true }), json!({ "refreshed": true })]
    {
        assert!(said.contains(&step), "{step}: {said:?}\n{errors}");
    }
    assert_eq!(said.iter().filter(|value| value["open"].is_string()).count(), 1, "{said:?}");
    proxy.stop().await;
    scene.stop().await;
}
