//! Where the access token of each request to a remote server comes from, for servers that are signed in to by OAuth
//! (RFC 6750, section 2.1).

use std::{collections::HashMap, sync::Arc};

use agentport_core::Secret;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::AUTHORIZATION};

use super::error::{AttemptError, UpstreamError};

/// Gives and renews the access token of one account. Implemented by `accounts`.
pub(crate) trait TokenSource: Send + Sync {
    /// The `Authorization` header, if the token need not be renewed yet. Called for every request: does not wait.
    fn fresh(&self) -> Option<HeaderValue>;

    /// The same, renewed first where need be.
    fn authorization(&self) -> BoxFuture<'_, Result<HeaderValue, UpstreamError>>;

    /// The server refused a request: another header to send it with once more, or what to tell the agent.
    fn refused(&self, refusal: TokenRefusal) -> BoxFuture<'_, Result<HeaderValue, UpstreamError>>;

    /// The server failed (status 500) at a request with this header, which some servers answer to a token that has ended.
    /// Renews the token if it may be that one; the request is not sent again, for it may have had an effect.
    fn server_failed(&self, sent: Option<HeaderValue>) -> BoxFuture<'_, ()>;

    /// The tokens in force, to be kept out of what the server says.
    fn secrets(&self) -> Vec<Secret>;
}

/// How a server refused an access token.
#[derive(Debug, Clone)]
pub(crate) struct TokenRefusal {
    /// The header that was sent.
    pub(crate) sent: Option<HeaderValue>,
    pub(crate) status: StatusCode,
    /// The challenge (`WWW-Authenticate`); empty if there was none.
    pub(crate) challenge: String,
}

/// What lets the gateway in.
#[derive(Clone, Copy)]
pub(super) struct HttpCredentials<'a> {
    /// The owner's headers.
    pub(super) headers: &'a HashMap<HeaderName, HeaderValue>,
    /// Where the access token of each request comes from.
    pub(super) tokens: Option<&'a Arc<dyn TokenSource>>,
}

/// Puts the access token into the headers of a request.
pub(super) async fn authorize(
    tokens: Option<&dyn TokenSource>,
    headers: &mut HeaderMap,
) -> Result<(), UpstreamError> {
    if let Some(tokens) = tokens {
        let authorization = match tokens.fresh() {
            Some(authorization) => authorization,
            None => tokens.authorization().await?,
        };
        headers.insert(AUTHORIZATION, authorization);
    }
    Ok(())
}

/// After a response that refuses the token that was sent with these headers: puts in another one. `false`: the
/// response is about something else.
pub(super) async fn authorize_again(
    tokens: Option<&dyn TokenSource>,
    headers: &mut HeaderMap,
    response: &reqwest::Response,
) -> Result<bool, UpstreamError> {
    let Some(tokens) = tokens else { return Ok(false) };
    let status = response.status();
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tokens.server_failed(headers.get(AUTHORIZATION).cloned()).await;
        return Ok(false);
    }
    let challenge = super::streamable_http::http_error::challenge(response.headers());
    let refused = status == StatusCode::UNAUTHORIZED
        || (status == StatusCode::FORBIDDEN && !challenge.is_empty());
    if !refused {
        return Ok(false);
    }
    let sent = headers.get(AUTHORIZATION).cloned();
    let refusal = TokenRefusal { sent, status, challenge: challenge.to_owned() };
    headers.insert(AUTHORIZATION, tokens.refused(refusal).await?);
    Ok(true)
}

/// A connection is of no use without a token; it is, if the token does not suffice for one request.
pub(super) fn without_token(error: UpstreamError) -> AttemptError {
    match error {
        UpstreamError::NeedsAuth { .. } => AttemptError::Lost(error),
        _ => AttemptError::Failed(error),
    }
}
