//! Accounts with a provider that is not there: what happens without a word from it.

use agentport_api::ClientSource;
use agentport_core::{Secret, Timestamp};

use super::oauth::{ClientAuthMethod, ClientRegistration, OAuthRecord, ServerEndpoints};

/// A record of tokens that nothing has issued.
pub(super) fn record(access: &str, refresh: Option<&str>) -> OAuthRecord {
    let issuer = "https://issuer.test".to_owned();
    let endpoint = |path: &str| format!("{issuer}/{path}").parse().unwrap();
    OAuthRecord {
        client: ClientRegistration {
            issuer: issuer.clone(),
            client_id: "fake-client".to_owned(),
            client_secret: None,
            auth_method: ClientAuthMethod::None,
            redirect_uri: "http://127.0.0.1:1/callback".to_owned(),
            source: ClientSource::Registered,
            secret_expires_at: None,
        },
        server: "https://server.test/mcp".parse().unwrap(),
        endpoints: ServerEndpoints {
            authorization: endpoint("authorize"),
            token: endpoint("token"),
            registration: None,
            revocation: None,
        },
        issuer,
        resource: "https://server.test/mcp".to_owned(),
        requested_scopes: vec!["read".to_owned()],
        granted_scopes: vec!["read".to_owned()],
        access_token: Secret::new(access),
        refresh_token: refresh.map(Secret::new),
        received_at: Timestamp(1_000),
        expires_at: None,
        workspace: None,
        registration_forgotten: false,
    }
}
