//! What is kept of a sign-in: the client, the endpoints and the tokens, as one record that is replaced together.
//!
//! Secrets have no `Serialize`, so writing a record is an explicit step whose result is a secret itself; the caller
//! seals it.

use agentport_api::ClientSource;
use agentport_core::{Secret, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

/// How a client shows who it is at the token endpoint (RFC 7591, section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClientAuthMethod {
    None,
    ClientSecretBasic,
    ClientSecretPost,
}

impl ClientAuthMethod {
    /// Its name in metadata.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::None, Self::ClientSecretBasic, Self::ClientSecretPost]
            .into_iter()
            .find(|method| method.as_str() == name)
    }
}

/// An OAuth client at one issuer. A client is used only with the redirect URI it was registered with.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ClientRegistration {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<Secret>,
    pub(crate) auth_method: ClientAuthMethod,
    /// As registered, to the byte.
    pub(crate) redirect_uri: String,
    pub(crate) source: ClientSource,
    /// When the provider ends the secret.
    pub(crate) secret_expires_at: Option<Timestamp>,
}

/// The endpoints of an authorization server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServerEndpoints {
    pub(crate) authorization: Url,
    pub(crate) token: Url,
    pub(crate) registration: Option<Url>,
    pub(crate) revocation: Option<Url>,
}

/// A finished sign-in. Everything that refreshing and revoking need is in it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct OAuthRecord {
    pub(crate) client: ClientRegistration,
    /// The MCP server the tokens are for.
    pub(crate) server: Url,
    pub(crate) issuer: String,
    pub(crate) endpoints: ServerEndpoints,
    /// The resource indicator (RFC 8707), to the byte.
    pub(crate) resource: String,
    pub(crate) requested_scopes: Vec<String>,
    pub(crate) granted_scopes: Vec<String>,
    pub(crate) access_token: Secret,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) received_at: Timestamp,
    /// Absent: the provider does not say.
    pub(crate) expires_at: Option<Timestamp>,
    /// The workspace, team or account the provider named.
    pub(crate) workspace: Option<String>,
    /// The next sign-in registers a client anew. Absent in older records.
    #[serde(default)]
    pub(crate) registration_forgotten: bool,
}

/// A stored record or client is not one of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the stored sign-in cannot be read (line {line}, column {column})")]
pub(crate) struct UnreadableRecord {
    line: usize,
    column: usize,
}

impl From<serde_json::Error> for UnreadableRecord {
    /// Keeps the place only: the message can quote values.
    fn from(error: serde_json::Error) -> Self {
        Self { line: error.line(), column: error.column() }
    }
}

/// [`ClientRegistration`] as it is written.
#[derive(Serialize)]
struct ClientForm<'a> {
    issuer: &'a str,
    client_id: &'a str,
    client_secret: Option<&'a str>,
    auth_method: ClientAuthMethod,
    redirect_uri: &'a str,
    source: ClientSource,
    secret_expires_at: Option<Timestamp>,
}

/// [`OAuthRecord`] as it is written.
#[derive(Serialize)]
struct RecordForm<'a> {
    client: ClientForm<'a>,
    server: &'a Url,
    issuer: &'a str,
    endpoints: &'a ServerEndpoints,
    resource: &'a str,
    requested_scopes: &'a [String],
    granted_scopes: &'a [String],
    access_token: &'a str,
    refresh_token: Option<&'a str>,
    received_at: Timestamp,
    expires_at: Option<Timestamp>,
    workspace: Option<&'a str>,
    registration_forgotten: bool,
}

impl ClientRegistration {
    fn form(&self) -> ClientForm<'_> {
        ClientForm {
            issuer: &self.issuer,
            client_id: &self.client_id,
            client_secret: self.client_secret.as_ref().map(Secret::expose),
            auth_method: self.auth_method,
            redirect_uri: &self.redirect_uri,
            source: self.source,
            secret_expires_at: self.secret_expires_at,
        }
    }
}

impl OAuthRecord {
    /// As JSON, for sealing.
    pub(crate) fn to_sealed_json(&self) -> Secret {
        to_secret_json(&RecordForm {
            client: self.client.form(),
            server: &self.server,
            issuer: &self.issuer,
            endpoints: &self.endpoints,
            resource: &self.resource,
            requested_scopes: &self.requested_scopes,
            granted_scopes: &self.granted_scopes,
            access_token: self.access_token.expose(),
            refresh_token: self.refresh_token.as_ref().map(Secret::expose),
            received_at: self.received_at,
            expires_at: self.expires_at,
            workspace: self.workspace.as_deref(),
            registration_forgotten: self.registration_forgotten,
        })
    }

    pub(crate) fn from_json(json: &str) -> Result<Self, UnreadableRecord> {
        Ok(serde_json::from_str(json)?)
    }
}

fn to_secret_json(form: &impl Serialize) -> Secret {
    Secret::new(serde_json::to_string(form).expect("texts and numbers are always JSON"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A record with planted secrets.
    pub(in crate::accounts::oauth) fn record() -> OAuthRecord {
        OAuthRecord {
            client: ClientRegistration {
                issuer: "https://auth.example.com".into(),
                client_id: "client-1".into(),
                client_secret: Some(Secret::new("planted-client-secret")),
                auth_method: ClientAuthMethod::ClientSecretPost,
                redirect_uri: "http://127.0.0.1:3118/callback".into(),
                source: ClientSource::Registered,
                secret_expires_at: None,
            },
            server: "https://mcp.example.com/mcp".parse().unwrap(),
            issuer: "https://auth.example.com".into(),
            endpoints: ServerEndpoints {
                authorization: "https://auth.example.com/authorize".parse().unwrap(),
                token: "https://auth.example.com/token".parse().unwrap(),
                registration: None,
                revocation: None,
            },
            resource: "https://mcp.example.com".into(),
            requested_scopes: vec!["r".into(), "w".into()],
            granted_scopes: vec!["r".into()],
            access_token: Secret::new("planted-access-token"),
            refresh_token: Some(Secret::new("planted-refresh-token")),
            received_at: Timestamp(1_000),
            expires_at: Some(Timestamp(3_601_000)),
            workspace: Some("Example".into()),
            registration_forgotten: false,
        }
    }

    #[test]
    fn a_record_comes_back_and_is_never_printed() {
        let record = record();
        assert!(!format!("{record:?}").contains("planted"), "{record:?}");
        let json = record.to_sealed_json();
        let again = OAuthRecord::from_json(json.expose()).unwrap();
        assert_eq!(again.to_sealed_json().expose(), json.expose());
        assert_eq!(again.access_token.expose(), "planted-access-token");
        assert_eq!(again.resource, "https://mcp.example.com", "no slash is added");
        let older = json.expose().replace(",\"registration_forgotten\":false", "");
        assert_ne!(older, json.expose());
        assert!(!OAuthRecord::from_json(&older).unwrap().registration_forgotten);
        let forgotten = OAuthRecord { registration_forgotten: true, ..record };
        let again = OAuthRecord::from_json(forgotten.to_sealed_json().expose()).unwrap();
        assert!(again.registration_forgotten);
    }

    #[test]
    fn an_unreadable_record_is_not_quoted() {
        let error = OAuthRecord::from_json(r#"{"client":"planted-secret"}"#).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("planted"), "{error:?}");
    }
}
