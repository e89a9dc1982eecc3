//! Errors of the OAuth endpoints, as JSON (RFC 6749, section 5.2; RFC 7591, section 3.2.2). Every refusal has this shape:
//! clients start a new sign-in for any other.

use agentport_core::ErrorChain;
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::store::{InsertError, StoreError};

/// The error codes we answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorCode {
    AccessDenied,
    InvalidClient,
    InvalidClientMetadata,
    InvalidGrant,
    InvalidRedirectUri,
    InvalidRequest,
    InvalidTarget,
    ServerError,
    TemporarilyUnavailable,
    UnsupportedGrantType,
    UnsupportedResponseType,
}

impl ErrorCode {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::InvalidClient => "invalid_client",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidTarget => "invalid_target",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TemporarilyUnavailable => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// A refusal of an OAuth endpoint.
#[derive(Debug)]
pub(super) struct OAuthRefusal {
    pub(super) code: ErrorCode,
    /// For developers of clients.
    pub(super) description: String,
    retry_after: Option<u64>,
}

pub(super) type OAuthResult<T> = Result<T, OAuthRefusal>;

impl OAuthRefusal {
    pub(super) fn new(code: ErrorCode, description: impl Into<String>) -> Self {
        Self { code, description: description.into(), retry_after: None }
    }

    /// 429, with the seconds after which it may work.
    pub(super) fn retry_after(seconds: u64, description: &str) -> Self {
        let code = ErrorCode::TemporarilyUnavailable;
        Self { retry_after: Some(seconds), ..Self::new(code, description) }
    }

    fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %ErrorChain(error), "a request to the OAuth server failed");
        Self::new(ErrorCode::ServerError, "AgentPort could not do that; try again")
    }
}

impl From<StoreError> for OAuthRefusal {
    fn from(error: StoreError) -> Self {
        Self::internal(&error)
    }
}

impl From<InsertError> for OAuthRefusal {
    fn from(error: InsertError) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for OAuthRefusal {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.code.as_str(), "error_description": self.description });
        let mut response = (self.code.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
