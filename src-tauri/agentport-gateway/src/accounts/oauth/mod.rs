//! OAuth 2.1 client towards upstream MCP servers (MCP 2025-11-25 and 2026-07-28, Authorization).
//!
//! ```text
//! discover ─► client_for ─► begin ─► (browser) ─► complete ─► refresh … ─► revoke
//!  metadata    own, known,   URL       callback    record      record
//!              registered
//! ```
//!
//! A protocol library: its only I/O are HTTP requests through [`OAuthHttp`], and nothing is stored. rmcp makes state,
//! PKCE and token requests; [`token_endpoint`] is the one place through which its requests leave, because providers
//! depart from the rules in ways that rmcp takes for errors. Discovery and registration are done here, since rmcp's
//! give up at the first odd answer and keep neither the client secret nor the resource.

mod authorization;
mod challenge;
mod discovery;
mod error;
mod http_client;
mod metadata;
mod network_scope;
mod record;
mod refresh;
mod registration;
mod request_rewrite;
mod response;
mod revocation;
mod token_endpoint;

use agentport_api::OAuthSettings;
use agentport_core::Secret;
use url::Url;

pub(crate) use self::{
    authorization::{PendingAuthorization, ScopeChoice},
    challenge::AuthChallenge,
    error::{OAuthError, RefreshError},
    metadata::AuthorizationServer,
    record::{ClientRegistration, OAuthRecord},
};
use self::{
    http_client::{OAuthHttp, OAuthRequest, RedirectRule},
    network_scope::NetworkScope,
};

#[cfg(test)]
pub(crate) use self::record::{ClientAuthMethod, ServerEndpoints};

/// Speaks OAuth with authorization servers. Clones share their connections.
#[derive(Clone, Default)]
pub(crate) struct OAuthClient {
    http: OAuthHttp,
}

impl OAuthClient {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Reads a document at an address that an agent chose: public addresses only, no redirects. `None`: there is none.
    pub(crate) async fn public_document(&self, url: Url) -> Result<Option<Vec<u8>>, OAuthError> {
        let request = OAuthRequest { redirects: RedirectRule::Never, ..OAuthRequest::get(url) };
        let response = self.http.send(NetworkScope::Public, request).await?;
        Ok((response.status == http::StatusCode::OK).then_some(response.body))
    }

    /// Finds the authorization server of the MCP server at `server`. `challenge` is the `WWW-Authenticate` header of
    /// its 401.
    pub(crate) async fn discover(
        &self,
        server: &Url,
        challenge: Option<&str>,
        settings: &OAuthSettings,
    ) -> Result<AuthorizationServer, OAuthError> {
        discovery::discover(&self.http, server, challenge, settings).await
    }

    /// The client to sign in with: the owner's own of `settings`, else `known` if its issuer and redirect URI fit, else
    /// a metadata document, else a new registration. [`OAuthError::ClientNeeded`] if none is possible.
    pub(crate) async fn client_for(
        &self,
        server: &AuthorizationServer,
        settings: &OAuthSettings,
        own_secret: Option<&Secret>,
        known: Option<&ClientRegistration>,
        redirect_uri: &str,
    ) -> Result<ClientRegistration, OAuthError> {
        registration::client_for(&self.http, server, settings, own_secret, known, redirect_uri)
            .await
    }

    /// Makes an authorization URL. Sends nothing.
    pub(crate) async fn begin(
        &self,
        server: &AuthorizationServer,
        client: ClientRegistration,
        settings: &OAuthSettings,
        scopes: ScopeChoice,
    ) -> Result<PendingAuthorization, OAuthError> {
        authorization::begin(&self.http, server, client, settings, &scopes).await
    }

    /// Redeems the code of a callback, given as URL or query. A wrong `state` or `iss` leaves `pending` usable.
    pub(crate) async fn complete(
        &self,
        pending: &PendingAuthorization,
        callback_url: &str,
    ) -> Result<OAuthRecord, OAuthError> {
        authorization::complete(pending, callback_url).await
    }

    /// New tokens, in a record that replaces `record` as a whole.
    pub(crate) async fn refresh(
        &self,
        record: &OAuthRecord,
        settings: &OAuthSettings,
    ) -> Result<OAuthRecord, RefreshError> {
        refresh::refresh(&self.http, record, settings).await
    }

    /// Revokes the tokens, where the provider offers that.
    pub(crate) async fn revoke(&self, record: &OAuthRecord) -> Result<(), OAuthError> {
        revocation::revoke(&self.http, record).await
    }
}

#[cfg(test)]
mod tests;
