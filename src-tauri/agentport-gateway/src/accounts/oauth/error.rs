//! Errors of the OAuth client, as sentences that name the next step.
//!
//! No variant holds a token, a code, a secret or a URL with a query; texts of a provider are cleaned and scrubbed first.

use std::time::Duration;

/// Signing in, or revoking, failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OAuthError {
    /// A URL from metadata, or a redirect, leads where the client does not go.
    #[error(
        "AgentPort does not send sign-in requests to {url}: {reason}. Check the server's address."
    )]
    AddressRefused {
        /// Without user information, query and fragment.
        url: String,
        reason: &'static str,
    },
    /// The network, a timeout, or an answer that says "later".
    #[error("{host} could not be reached ({problem}). Try again later.")]
    Unreachable { host: String, problem: String, retry_after: Option<Duration> },
    /// Neither the server nor its origin publishes metadata.
    #[error("{server} does not say how to sign in. Use a token if its provider offers one.")]
    NotOffered { server: String },
    /// The protected resource metadata of the server cannot be used.
    #[error(
        "The sign-in data of {server} at {url} cannot be used: {problem}. Its provider has to correct that."
    )]
    ResourceMetadataInvalid { server: String, url: String, problem: String },
    /// None of the authorization servers that the server names publishes usable metadata.
    #[error(
        "{server} names {issuers} for signing in, which publishes no usable sign-in data. Its provider has to correct that."
    )]
    ServerMetadataMissing { server: String, issuers: String },
    /// RFC 8414, section 3.3.
    #[error(
        "{expected} was expected to issue the tokens, but its sign-in data names {found}. AgentPort does not go on, because another service could be behind it."
    )]
    IssuerMismatch { expected: String, found: String },
    /// The authorization server's metadata cannot be used.
    #[error(
        "The sign-in data of {issuer} cannot be used: {problem}. Its provider has to correct that."
    )]
    ServerMetadataInvalid { issuer: String, problem: String },
    /// RFC 7636: no `S256`.
    #[error(
        "{issuer} does not support the protection of codes that AgentPort needs (PKCE with S256)."
    )]
    PkceUnsupported { issuer: String },
    /// No registration is offered, and no client is known.
    #[error(
        "{issuer} takes only clients that you register yourself. Create an OAuth client there with the redirect URI {redirect_uri}, then give its client ID (and client secret) to AgentPort."
    )]
    ClientNeeded { issuer: String, redirect_uri: String },
    /// Registration answered 401 or 403.
    #[error(
        "{issuer} admits approved clients only (HTTP {status}) and did not register AgentPort. Use a token, or register a client of your own with the redirect URI {redirect_uri}."
    )]
    RegistrationRefused { issuer: String, redirect_uri: String, status: u16 },
    /// Registration answered something else.
    #[error("{issuer} did not register AgentPort: {problem}.")]
    RegistrationFailed { issuer: String, problem: String },
    /// The pasted or called URL is not a callback.
    #[error(
        "This is not the address of a finished sign-in: {problem}. Copy the whole address from the browser."
    )]
    CallbackUnreadable { problem: &'static str },
    /// `state` belongs to another try.
    #[error(
        "This answer belongs to another sign-in. Go on in the window that was opened last, or start again."
    )]
    StateMismatch,
    /// RFC 9207: `iss` names another issuer.
    #[error(
        "The answer came from {found}, but {expected} was asked. It was not used; start again."
    )]
    CallbackIssuerMismatch { expected: String, found: String },
    /// RFC 9207: `iss` is advertised, but absent.
    #[error("The answer does not say that it comes from {expected}. It was not used; start again.")]
    CallbackIssuerMissing { expected: String },
    /// The code of this sign-in was sent already.
    #[error("This sign-in was answered already.")]
    AlreadyUsed,
    /// `error=access_denied`.
    #[error("Signing in was cancelled at the provider. Start again to sign in.")]
    Cancelled,
    /// `invalid_scope` of the authorization or the token endpoint.
    #[error("{issuer} does not know the permissions that were asked for{}.", quoted(.description))]
    InvalidScope { issuer: String, description: Option<String> },
    /// Any other error of the authorization endpoint.
    #[error("{issuer} refused the sign-in: {code}{}. Start again.", quoted(.description))]
    AuthorizationRefused { issuer: String, code: String, description: Option<String> },
    /// An error of the token or the revocation endpoint.
    #[error("{issuer} refused the request: {code}{}. Start again.", quoted(.description))]
    TokenRefused { issuer: String, code: String, description: Option<String> },
    /// The token endpoint's answer holds no tokens and no error.
    #[error("{issuer} sent no usable token: {problem}. Try again, or ask its provider.")]
    TokenUnusable { issuer: String, problem: String },
    /// An error of the OAuth library that no answer explains.
    #[error("Signing in failed inside AgentPort: {0}.")]
    Internal(String),
}

impl OAuthError {
    /// Would the same request fail the same way again?
    #[cfg(test)]
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self, Self::Unreachable { .. })
    }

    /// May the caller begin once more with [`super::ScopeChoice::Omitted`]?
    pub(crate) fn is_scope_refused(&self) -> bool {
        matches!(self, Self::InvalidScope { .. })
    }

    /// Has the provider forgotten the client, so that the next try has to register anew?
    pub(crate) fn is_client_unknown(&self) -> bool {
        match self {
            Self::AuthorizationRefused { code, .. } | Self::TokenRefused { code, .. } => {
                matches!(code.as_str(), "invalid_client" | "unauthorized_client")
            }
            _ => false,
        }
    }

    /// How long the provider asks to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unreachable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Refreshing failed; the record stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RefreshError {
    /// The refresh token is no longer good; the owner has to sign in again.
    #[error("{message}")]
    Refused { message: String },
    /// The provider no longer knows the client; the owner has to sign in again with another registration.
    #[error("{message}")]
    ClientUnknown { message: String },
    /// Nothing is decided; the same request may succeed later.
    #[error("{message}")]
    Transient { message: String, retry_after: Option<Duration> },
}

fn quoted(description: &Option<String>) -> String {
    description.as_deref().map(|text| format!(" ({text})")).unwrap_or_default()
}
