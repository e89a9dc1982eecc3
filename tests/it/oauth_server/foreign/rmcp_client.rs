//! A client built on rmcp, as several editors and agents are.

use agentport_tests::{
    http_client,
    oauth_agent::{AuthorizePage, FormClient},
    soon,
};
use rmcp::{
    RoleClient, ServiceExt as _,
    model::CallToolRequestParams,
    service::RunningService,
    transport::{
        AuthorizationManager, AuthorizationSession, StreamableHttpClientTransport,
        auth::{AuthClient, AuthorizationRequest, InMemoryCredentialStore},
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::json;

use super::{revoke, signed_in_once};
use crate::{oauth_server::MINUTE, scene::Scene};

const REDIRECT: &str = "http://127.0.0.1:49152/callback/aB3dE6gH9jK2";

/// What a host keeps between its runs.
struct Host {
    url: String,
    store: InMemoryCredentialStore,
}

impl Host {
    fn new(scene: &Scene) -> Self {
        Self { url: scene.gateway.said.mcp_url.clone(), store: InMemoryCredentialStore::new() }
    }

    async fn manager(&self) -> AuthorizationManager {
        let mut manager = AuthorizationManager::new(&*self.url).await.expect("a manager");
        manager.set_credential_store(self.store.clone());
        manager
    }

    /// The challenge, discovery, registration, the page, the code, the tokens.
    async fn sign_in(&self, scene: &Scene) {
        let refused = FormClient::default().get(&self.url).await;
        let challenge = refused.header("www-authenticate").expect("a challenge").to_owned();
        let mut manager = self.manager().await;
        let found = manager.resolve_metadata_from_challenge(Some(&challenge)).await;
        manager.set_metadata(found.expect("metadata").metadata);
        let request = AuthorizationRequest::new(REDIRECT)
            .with_client_name("rmcp test")
            .with_challenge(challenge)
            .with_initial_scope_selection();
        let session = AuthorizationSession::new(manager, request).await;
        let session = session.map_err(|(_, error)| error).expect("a session");
        let page = AuthorizePage::open(session.get_authorization_url()).await;
        page.waits();
        scene.owner.consents_once().await;
        let callback = page.callback().await;
        session.handle_callback_url(callback.url.as_str()).await.expect("tokens");
    }

    /// Connects with what is stored.
    async fn connect(&self) -> Result<RunningService<RoleClient, ()>, String> {
        let mut manager = self.manager().await;
        assert!(
            manager.initialize_from_store().await.expect("the store is read"),
            "tokens are stored"
        );
        let client = AuthClient::new(http_client(), manager);
        let config = StreamableHttpClientTransportConfig::with_uri(&*self.url);
        let transport = StreamableHttpClientTransport::with_client(client, config);
        soon("the client connects", ().serve(transport)).await.map_err(|error| error.to_string())
    }

    async fn works(&self) {
        let client = self.connect().await.expect("it connects");
        echo(&client).await;
        soon("it leaves", client.cancel()).await.expect("it ends");
    }
}

async fn echo(client: &RunningService<RoleClient, ()>) {
    let arguments =
        json!({"integration_id": "fx", "tool_name": "echo", "arguments": {"text": "from rmcp"}});
    let arguments = arguments.as_object().cloned().expect("an object");
    let params = CallToolRequestParams::new("agentport__call_tool").with_arguments(arguments);
    let result = soon("the call", client.call_tool(params)).await.expect("an answer");
    let result = serde_json::to_value(result).expect("JSON");
    assert_eq!(result["content"][0]["text"], "from rmcp", "{result}");
}

#[tokio::test]
async fn a_client_on_rmcp_signs_in_renews_is_revoked_and_signs_in_again() {
    let scene = Scene::open().await;
    let host = Host::new(&scene);
    host.sign_in(&scene).await;
    host.works().await;

    let scene = scene.after(61 * MINUTE).await;
    host.works().await;
    assert!(signed_in_once(&scene).await);

    revoke(&scene).await;
    let refused = host.connect().await.expect_err("it is out");
    assert!(!refused.is_empty());
    host.sign_in(&scene).await;
    host.works().await;
    scene.stop().await;
}

#[tokio::test]
async fn a_connected_client_on_rmcp_renews_in_the_midst_of_its_calls() {
    let scene = Scene::open().await;
    let host = Host::new(&scene);
    host.sign_in(&scene).await;
    let client = host.connect().await.expect("it connects");
    echo(&client).await;
    let scene = scene.after(61 * MINUTE).await;
    echo(&client).await;
    assert!(signed_in_once(&scene).await);
    soon("it leaves", client.cancel()).await.expect("it ends");
    scene.stop().await;
}

#[tokio::test]
async fn two_clients_on_rmcp_share_a_store() {
    let scene = Scene::open().await;
    let host = Host::new(&scene);
    host.sign_in(&scene).await;
    let scene = scene.after(61 * MINUTE).await;
    let other = Host { url: host.url.clone(), store: host.store.clone() };
    tokio::join!(host.works(), other.works());
    tokio::join!(host.works(), other.works());
    assert!(signed_in_once(&scene).await);
    scene.stop().await;
}
