//! Routes of the OAuth server, as each listener serves them under its own origin.

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use axum::{
    Router,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use bytes::Bytes;
use http::HeaderMap;

use super::{
    OAuthServer,
    audience::ServerOrigin,
    authorize,
    error::{ErrorCode, OAuthRefusal, OAuthResult},
    metadata, registration, revocation, token,
};
use crate::http::body;

/// Longest body of a request; registrations are a few hundred bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Parameters of one request; clients send about ten.
const MAX_PARAMETERS: usize = 64;

#[derive(Clone)]
pub(super) struct OAuthRoutes {
    pub(super) server: Arc<OAuthServer>,
    pub(super) origin: ServerOrigin,
    /// Of the gateway on loopback.
    pub(super) port: u16,
    /// Where the owner can decide in a browser, if anywhere.
    pub(super) dashboard: Option<Arc<str>>,
}

/// Everything under `/oauth/` and the metadata documents.
pub(crate) fn router(
    server: Arc<OAuthServer>,
    origin: ServerOrigin,
    port: u16,
    dashboard: Option<Arc<str>>,
) -> Router {
    Router::new()
        .route("/.well-known/oauth-protected-resource", get(metadata::protected_resource))
        .route("/.well-known/oauth-protected-resource/mcp", get(metadata::protected_resource))
        .route("/.well-known/oauth-protected-resource/mcp/", get(metadata::protected_resource))
        .route("/.well-known/oauth-protected-resource/sse", get(metadata::protected_resource))
        .route("/.well-known/oauth-authorization-server", get(metadata::authorization_server))
        .route("/oauth/register", post(registration::register))
        .route("/oauth/authorize", get(authorize::authorize))
        .route("/oauth/authorize/wait", get(authorize::wait))
        .route("/oauth/token", post(token::token))
        // Where a client refreshes that kept its tokens and not our metadata (fallback of revision 2025-03-26).
        .route("/token", post(token::token))
        .route("/oauth/revoke", post(revocation::revoke))
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(OAuthRoutes { server, origin, port, dashboard })
}

async fn method_not_allowed() -> Response {
    let refusal = OAuthRefusal::new(ErrorCode::InvalidRequest, "this method is not possible here");
    let mut response = refusal.into_response();
    *response.status_mut() = http::StatusCode::METHOD_NOT_ALLOWED;
    response
}

pub(super) async fn read_body(headers: &HeaderMap, body: axum::body::Body) -> OAuthResult<Bytes> {
    body::read_at_most(MAX_BODY_BYTES, headers, body)
        .await
        .map_err(|unread| OAuthRefusal::new(ErrorCode::InvalidRequest, unread.to_string()))
}

/// Parameters of a form or a query, none of which comes twice (RFC 6749, section 3.1).
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(bytes: &[u8]) -> OAuthResult<Self> {
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(bytes)
            .take(MAX_PARAMETERS + 1)
            .map(|(name, value)| (Cow::into_owned(name), Cow::into_owned(value)))
            .collect();
        if pairs.len() > MAX_PARAMETERS {
            let why = format!("there are more than {MAX_PARAMETERS} parameters");
            return Err(OAuthRefusal::new(ErrorCode::InvalidRequest, why));
        }
        let mut names = HashSet::new();
        for (name, _) in &pairs {
            // RFC 8707 allows several resources; ours is one.
            if name != "resource" && !names.insert(name) {
                let why = format!("the parameter {name:?} comes twice");
                return Err(OAuthRefusal::new(ErrorCode::InvalidRequest, why));
            }
        }
        Ok(Self(pairs))
    }

    /// The value, if it is there and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(key, value)| key == name && !value.is_empty())?;
        Some(&pair.1)
    }

    pub(super) fn required(&self, name: &str) -> OAuthResult<&str> {
        self.get(name).ok_or_else(|| {
            OAuthRefusal::new(
                ErrorCode::InvalidRequest,
                format!("the parameter {name:?} is missing"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_comes_once() {
        let form = Form::read(b"a=1&b=&resource=x&resource=y").unwrap();
        assert_eq!((form.get("a"), form.get("b"), form.get("c")), (Some("1"), None, None));
        assert!(Form::read(b"a=1&a=1").is_err());
        assert!(Form::read("a&".repeat(100_000).as_bytes()).is_err());
    }
}
