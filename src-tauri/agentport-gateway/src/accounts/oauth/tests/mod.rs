//! The OAuth client against a provider on loopback.

mod discovery;
mod flow;
mod provider;
mod registration;
mod tokens;

use agentport_api::OAuthSettings;

use self::provider::{FixedAnswer, Provider};
use super::{
    AuthorizationServer, ClientRegistration, OAuthClient, OAuthError, OAuthRecord,
    PendingAuthorization, ScopeChoice,
};

const REDIRECT_URI: &str = "http://127.0.0.1:3118/callback";

impl Provider {
    async fn discover(&self, settings: &OAuthSettings) -> Result<AuthorizationServer, OAuthError> {
        OAuthClient::new().discover(&self.server(), Some(&self.challenge()), settings).await
    }

    async fn client(&self, settings: &OAuthSettings) -> Result<ClientRegistration, OAuthError> {
        let server = self.discover(settings).await?;
        OAuthClient::new().client_for(&server, settings, None, None, REDIRECT_URI).await
    }

    async fn begin(&self, settings: &OAuthSettings) -> PendingAuthorization {
        let client = OAuthClient::new();
        let server = self.discover(settings).await.unwrap();
        let registered =
            client.client_for(&server, settings, None, None, REDIRECT_URI).await.unwrap();
        client.begin(&server, registered, settings, ScopeChoice::AsOffered).await.unwrap()
    }

    /// A whole sign-in.
    async fn sign_in(&self, settings: &OAuthSettings) -> Result<OAuthRecord, OAuthError> {
        let pending = self.begin(settings).await;
        let callback = self.consent(pending.authorization_url()).await;
        OAuthClient::new().complete(&pending, &callback).await
    }
}

/// Neither a planted token nor a planted code may be seen in what an error shows.
#[track_caller]
fn assert_shows_no_secret(error: &(impl std::error::Error + 'static)) {
    let shown = format!("{error} {error:?} {}", agentport_core::ErrorChain(error));
    assert!(!shown.contains("planted"), "{shown}");
}
