//! The client to use at an authorization server: the owner's own, a metadata document, or one registered (RFC 7591).

use agentport_api::{ClientSource, OAuthSettings};
use agentport_core::{Secret, Timestamp};
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{
    error::OAuthError,
    http_client::{self, OAuthHttp, OAuthRequest, OAuthResponse},
    metadata::AuthorizationServer,
    network_scope::NetworkScope,
    record::{ClientAuthMethod, ClientRegistration},
    response::problem_in,
};
use crate::clock;

/// How AgentPort calls itself to authorization servers.
const CLIENT_NAME: &str = "AgentPort";

/// The client for a sign-in at `server`. Only the last resort sends a request.
pub(super) async fn client_for(
    http: &OAuthHttp,
    server: &AuthorizationServer,
    settings: &OAuthSettings,
    own_secret: Option<&Secret>,
    known: Option<&ClientRegistration>,
    redirect_uri: &str,
) -> Result<ClientRegistration, OAuthError> {
    if let Some(client_id) = filled(settings.client_id.as_ref()) {
        return Ok(own_client(server, client_id, own_secret, redirect_uri));
    }
    if let Some(known) = known.filter(|known| is_usable(known, server, redirect_uri)) {
        return Ok(known.clone());
    }
    let needed = || OAuthError::ClientNeeded {
        issuer: server.issuer.clone(),
        redirect_uri: redirect_uri.to_owned(),
    };
    if settings.own_client_required {
        return Err(needed());
    }
    if let Some(url) = filled(settings.client_metadata_url.as_ref())
        && server.takes_metadata_documents
        && is_document_url(url)
    {
        return Ok(client(server, url, redirect_uri, ClientSource::MetadataDocument));
    }
    let endpoint = server.endpoints.registration.as_ref().ok_or_else(needed)?;
    Registration { http, server, endpoint, redirect_uri }.register(settings).await
}

fn filled(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn client(
    server: &AuthorizationServer,
    client_id: &str,
    redirect_uri: &str,
    source: ClientSource,
) -> ClientRegistration {
    ClientRegistration {
        issuer: server.issuer.clone(),
        client_id: client_id.to_owned(),
        client_secret: None,
        auth_method: ClientAuthMethod::None,
        redirect_uri: redirect_uri.to_owned(),
        source,
        secret_expires_at: None,
    }
}

fn own_client(
    server: &AuthorizationServer,
    client_id: &str,
    secret: Option<&Secret>,
    redirect_uri: &str,
) -> ClientRegistration {
    let mut own = client(server, client_id, redirect_uri, ClientSource::Own);
    if let Some(secret) = secret.filter(|secret| !secret.is_empty()) {
        own.client_secret = Some(secret.clone());
        own.auth_method = secret_method(server);
    }
    own
}

/// Basic, unless the metadata lists the body alone.
fn secret_method(server: &AuthorizationServer) -> ClientAuthMethod {
    let only_post = server.lists(ClientAuthMethod::ClientSecretPost)
        && !server.lists(ClientAuthMethod::ClientSecretBasic);
    match only_post {
        true => ClientAuthMethod::ClientSecretPost,
        false => ClientAuthMethod::ClientSecretBasic,
    }
}

/// A client belongs to one issuer and one redirect URI, and its secret may have ended.
fn is_usable(known: &ClientRegistration, server: &AuthorizationServer, redirect_uri: &str) -> bool {
    known.issuer == server.issuer
        && known.redirect_uri == redirect_uri
        && !known.client_id.trim().is_empty()
        && known.secret_expires_at.is_none_or(|end| end > clock::now())
}

/// https, with a path (OAuth Client ID Metadata Document, section 3).
fn is_document_url(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.scheme() == "https" && url.path() != "/")
}

/// The fields of a registration's answer that are read. `redirect_uris` is not: some servers list others than were
/// sent, and the one that was sent is the one that works.
#[derive(Deserialize)]
struct RegistrationAnswer {
    client_id: String,
    client_secret: Option<String>,
    token_endpoint_auth_method: Option<String>,
    client_secret_expires_at: Option<Value>,
}

struct Registration<'a> {
    http: &'a OAuthHttp,
    server: &'a AuthorizationServer,
    endpoint: &'a Url,
    redirect_uri: &'a str,
}

impl Registration<'_> {
    /// Registers once; once more without scopes if those were refused.
    async fn register(&self, settings: &OAuthSettings) -> Result<ClientRegistration, OAuthError> {
        let scopes = settings.scopes.as_ref().unwrap_or(&self.server.offered_scopes).join(" ");
        let mut response = self.send(&scopes).await?;
        if !scopes.is_empty() && is_scope_complaint(&response) {
            response = self.send("").await?;
        }
        self.read(&response)
    }

    async fn send(&self, scopes: &str) -> Result<OAuthResponse, OAuthError> {
        let mut body = json!({
            "client_name": CLIENT_NAME,
            "redirect_uris": [self.redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": self.wanted_method().as_str(),
            "application_type": "native",
        });
        if !scopes.is_empty() {
            body["scope"] = scopes.into();
        }
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, json)]);
        let request =
            OAuthRequest::post(self.endpoint.clone(), headers, body.to_string().into_bytes());
        self.http.send(NetworkScope::of(&self.server.server).await, request).await
    }

    /// A public client where that is possible.
    fn wanted_method(&self) -> ClientAuthMethod {
        if self.server.may_take(ClientAuthMethod::None) {
            return ClientAuthMethod::None;
        }
        let has_secret_method = self.server.lists(ClientAuthMethod::ClientSecretBasic)
            || self.server.lists(ClientAuthMethod::ClientSecretPost);
        if has_secret_method { secret_method(self.server) } else { ClientAuthMethod::None }
    }

    fn read(&self, response: &OAuthResponse) -> Result<ClientRegistration, OAuthError> {
        let issuer = self.server.issuer.clone();
        let status = response.status.as_u16();
        if response.is_transient() {
            return Err(http_client::later(self.endpoint, response));
        }
        if matches!(status, 401 | 403) {
            let redirect_uri = self.redirect_uri.to_owned();
            return Err(OAuthError::RegistrationRefused { issuer, redirect_uri, status });
        }
        if !response.status.is_success() {
            let problem = problem_in(response);
            return Err(OAuthError::RegistrationFailed { issuer, problem });
        }
        let Some(answer) = serde_json::from_slice::<RegistrationAnswer>(&response.body)
            .ok()
            .filter(|answer| !answer.client_id.trim().is_empty())
        else {
            let problem = "its answer holds no client ID".to_owned();
            return Err(OAuthError::RegistrationFailed { issuer, problem });
        };
        let source = ClientSource::Registered;
        let mut registered = client(self.server, &answer.client_id, self.redirect_uri, source);
        registered.auth_method = self.method(&answer);
        registered.client_secret =
            answer.client_secret.filter(|secret| !secret.is_empty()).map(Secret::new);
        registered.secret_expires_at = answer.client_secret_expires_at.as_ref().and_then(moment);
        Ok(registered)
    }

    /// The answer's method; without one, what the metadata says. A secret beside `none` is used where the metadata
    /// does not list `none`.
    fn method(&self, answer: &RegistrationAnswer) -> ClientAuthMethod {
        if answer.client_secret.as_ref().is_none_or(String::is_empty) {
            return ClientAuthMethod::None;
        }
        let method = answer.token_endpoint_auth_method.as_deref();
        match method.and_then(ClientAuthMethod::from_name) {
            Some(ClientAuthMethod::None) if self.server.may_take(ClientAuthMethod::None) => {
                ClientAuthMethod::None
            }
            None | Some(ClientAuthMethod::None) => secret_method(self.server),
            Some(method) => method,
        }
    }
}

/// A refusal that speaks of scopes.
fn is_scope_complaint(response: &OAuthResponse) -> bool {
    matches!(response.status.as_u16(), 400 | 422)
        && String::from_utf8_lossy(&response.body).to_ascii_lowercase().contains("scope")
}

/// Seconds since 1970, as number or text; zero means never (RFC 7591, section 3.2.1).
fn moment(value: &Value) -> Option<Timestamp> {
    let seconds = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    (seconds > 0).then(|| Timestamp(seconds.saturating_mul(1000)))
}
