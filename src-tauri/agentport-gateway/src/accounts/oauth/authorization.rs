//! The authorization code flow (OAuth 2.1 with PKCE): begins with a URL for the browser, completes with its callback.
//!
//! The code verifier and the state live in memory only; a restart ends every sign-in under way.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use agentport_api::OAuthSettings;
use rmcp::transport::auth::{AuthorizationMetadata, AuthorizationRequest, AuthorizationSession};
use subtle::ConstantTimeEq;
use url::{Url, form_urlencoded};

use super::{
    error::OAuthError,
    http_client::OAuthHttp,
    metadata::AuthorizationServer,
    network_scope::NetworkScope,
    record::{ClientRegistration, OAuthRecord, ServerEndpoints},
    request_rewrite::RequestRewrite,
    response::{TokenGrant, quote},
    token_endpoint::{TokenEndpoint, granted},
};
use crate::clock;

/// Which scopes to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ScopeChoice {
    /// Those of the settings, else those that the MCP server asks for.
    AsOffered,
    /// None, after the provider refused them.
    Omitted,
    /// What the account has, and what the MCP server found missing (step-up).
    StepUp {
        /// Granted so far.
        held: Vec<String>,
        /// From the challenge with `insufficient_scope`.
        wanted: Vec<String>,
    },
}

/// A sign-in that waits for its callback. Deliberately without `Debug`: it holds the code verifier.
pub(crate) struct PendingAuthorization {
    session: AuthorizationSession,
    endpoint: Arc<TokenEndpoint>,
    server: AuthorizationServer,
    url: Url,
    state: String,
    requested_scopes: Vec<String>,
    allow_missing_iss: bool,
    is_used: AtomicBool,
}

impl PendingAuthorization {
    /// The address to open in a browser.
    pub(crate) fn authorization_url(&self) -> &str {
        self.url.as_str()
    }

    /// The `state` that its callback carries.
    #[cfg(test)]
    pub(crate) fn state(&self) -> &str {
        &self.state
    }

    /// The client that it is for.
    pub(crate) fn client(&self) -> &ClientRegistration {
        &self.endpoint.rewrite.client
    }
}

/// The scopes to ask for. Those of the settings are sent as they are; `offline_access` is added to others where the
/// authorization server lists it, since some give a refresh token only then.
fn select_scopes(
    choice: &ScopeChoice,
    server: &AuthorizationServer,
    settings: &OAuthSettings,
) -> Vec<String> {
    let mut scopes: Vec<String> = match (choice, &settings.scopes) {
        (ScopeChoice::Omitted, _) => return Vec::new(),
        (ScopeChoice::AsOffered, Some(set)) => return set.clone(),
        (ScopeChoice::AsOffered, None) => server.offered_scopes.clone(),
        (ScopeChoice::StepUp { held, wanted }, _) => held.iter().chain(wanted).cloned().collect(),
    };
    if server.knows_offline_access && !scopes.is_empty() {
        scopes.push("offline_access".to_owned());
    }
    let mut seen = Vec::new();
    scopes.retain(|scope| {
        let is_new = !scope.is_empty() && !seen.contains(scope);
        seen.push(scope.clone());
        is_new
    });
    scopes
}

/// Metadata in the library's form: what it needs for the flow, and nothing from which it would choose by itself.
pub(super) fn library_metadata(
    endpoints: &ServerEndpoints,
    issuer: &str,
    requires_iss: bool,
) -> AuthorizationMetadata {
    let mut metadata = AuthorizationMetadata::default();
    metadata.authorization_endpoint = endpoints.authorization.to_string();
    metadata.token_endpoint = endpoints.token.to_string();
    metadata.issuer = Some(issuer.to_owned());
    metadata.code_challenge_methods_supported = Some(vec!["S256".to_owned()]);
    metadata
        .additional_fields
        .insert("authorization_response_iss_parameter_supported".to_owned(), requires_iss.into());
    metadata
}

/// Makes the authorization URL.
pub(super) async fn begin(
    http: &OAuthHttp,
    server: &AuthorizationServer,
    client: ClientRegistration,
    settings: &OAuthSettings,
    choice: &ScopeChoice,
) -> Result<PendingAuthorization, OAuthError> {
    if client.client_id.trim().is_empty() || client.issuer != server.issuer {
        let (issuer, redirect_uri) = (server.issuer.clone(), client.redirect_uri);
        return Err(OAuthError::ClientNeeded { issuer, redirect_uri });
    }
    let requested_scopes = select_scopes(choice, server, settings);
    let request = AuthorizationRequest::new(client.redirect_uri.clone())
        .with_preregistered_client(client.client_id.clone())
        .with_scopes(requested_scopes.clone())
        // Without scopes the library must not look for any.
        .with_initial_scope_selection();
    let resource = settings.send_resource.then(|| server.resource.clone());
    let endpoint = TokenEndpoint::new(
        http.clone(),
        NetworkScope::of(&server.server).await,
        server.endpoints.token.clone(),
        RequestRewrite { client, resource },
    );
    let requires_iss = server.promises_iss && !settings.allow_missing_iss;
    let metadata = library_metadata(&server.endpoints, &server.issuer, requires_iss);
    let manager = endpoint.manager(&server.server, metadata).await?;
    let session = AuthorizationSession::new(manager, request)
        .await
        .map_err(|(_, error)| OAuthError::Internal(quote(&error.to_string(), &[])))?;
    let url: Url = session
        .get_authorization_url()
        .parse()
        .map_err(|_| OAuthError::Internal("no authorization URL was made".to_owned()))?;
    let url = endpoint.rewrite.authorization_url(&url, &settings.authorize_params);
    let state = url.query_pairs().find(|(name, _)| name == "state");
    let state = state.map(|(_, value)| value.into_owned()).unwrap_or_default();
    Ok(PendingAuthorization {
        session,
        endpoint,
        server: server.clone(),
        url,
        state,
        requested_scopes,
        allow_missing_iss: settings.allow_missing_iss,
        is_used: AtomicBool::new(false),
    })
}

/// Redeems the code of a callback. Until `state` and `iss` are found right, nothing of it is believed and `pending`
/// stays usable.
pub(super) async fn complete(
    pending: &PendingAuthorization,
    callback_url: &str,
) -> Result<OAuthRecord, OAuthError> {
    let callback = CallbackParameters::parse(callback_url)?;
    let code = callback.check(pending)?;
    if pending.is_used.swap(true, Ordering::SeqCst) {
        return Err(OAuthError::AlreadyUsed);
    }
    // The library's own result says less than the outcome at the endpoint.
    let iss = callback.get("iss");
    let _ = pending.session.handle_callback_with_issuer(code, &pending.state, iss).await;
    let answer = pending.endpoint.take_outcome()?;
    let server = &pending.server;
    let grant = granted(answer, &server.issuer, &server.endpoints.token)?;
    Ok(record(pending, grant))
}

fn record(pending: &PendingAuthorization, grant: TokenGrant) -> OAuthRecord {
    let server = &pending.server;
    let received_at = clock::now();
    OAuthRecord {
        client: pending.client().clone(),
        server: server.server.clone(),
        issuer: server.issuer.clone(),
        endpoints: server.endpoints.clone(),
        resource: server.resource.clone(),
        requested_scopes: pending.requested_scopes.clone(),
        granted_scopes: grant.scopes.unwrap_or_else(|| pending.requested_scopes.clone()),
        access_token: grant.access_token,
        refresh_token: grant.refresh_token,
        received_at,
        expires_at: grant.expires_in.map(|life| received_at.plus(life)),
        workspace: grant.workspace,
        registration_forgotten: false,
    }
}

/// The parameters of an authorization response (RFC 6749, section 4.1.2; RFC 9207).
struct CallbackParameters(BTreeMap<String, String>);

impl CallbackParameters {
    /// From the whole URL, or its query alone.
    fn parse(callback: &str) -> Result<Self, OAuthError> {
        let callback = callback.trim();
        let query = match Url::parse(callback) {
            Ok(url) => url.query().unwrap_or_default().to_owned(),
            Err(_) => {
                let query = callback.split_once('?').map_or(callback, |(_, query)| query);
                query.split('#').next().unwrap_or_default().to_owned()
            }
        };
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
                let problem = "it names a parameter twice";
                return Err(OAuthError::CallbackUnreadable { problem });
            }
        }
        if !parameters.contains_key("state") {
            let problem = "it has no state";
            return Err(OAuthError::CallbackUnreadable { problem });
        }
        Ok(Self(parameters))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// `state`, `iss`, an error, and the code, in this order.
    fn check(&self, pending: &PendingAuthorization) -> Result<&str, OAuthError> {
        let state = self.get("state").unwrap_or_default();
        if !bool::from(state.as_bytes().ct_eq(pending.state.as_bytes())) {
            return Err(OAuthError::StateMismatch);
        }
        let server = &pending.server;
        let expected = server.issuer.clone();
        match self.get("iss") {
            Some(found) if found != expected => {
                let found = quote(found, &[]);
                return Err(OAuthError::CallbackIssuerMismatch { expected, found });
            }
            None if server.promises_iss && !pending.allow_missing_iss => {
                return Err(OAuthError::CallbackIssuerMissing { expected });
            }
            _ => {}
        }
        if let Some(code) = self.get("error") {
            let issuer = expected;
            let text = |text: &str| quote(text, &[&pending.state]);
            let description = self.get("error_description").map(text);
            return Err(match code {
                "access_denied" => OAuthError::Cancelled,
                "invalid_scope" => OAuthError::InvalidScope { issuer, description },
                _ => OAuthError::AuthorizationRefused { issuer, code: text(code), description },
            });
        }
        let code = self.get("code").filter(|code| !code.is_empty());
        code.ok_or(OAuthError::CallbackUnreadable { problem: "it has no code" })
    }
}
