//! HTTP errors of a remote server as messages without secrets.

use agentport_core::sanitize;
use http::{HeaderMap, StatusCode, header::WWW_AUTHENTICATE};
use rmcp::model::JsonRpcMessage;
use url::Url;

use crate::upstream::{
    error::UpstreamError,
    message::{InboundMessage, inbound},
};

/// A JSON-RPC error in the body of a refusal: to our request, or (as many servers do) to none.
pub(in crate::upstream) fn error_in(id: i64, body: &[u8]) -> Option<UpstreamError> {
    match inbound(body) {
        InboundMessage::Reply(answered, Err(error)) if answered == id => Some(error),
        InboundMessage::Other(message) => match *message {
            JsonRpcMessage::Error(error) => Some(UpstreamError::Refused(error.error)),
            _ => None,
        },
        _ => None,
    }
}

/// Many servers do not answer 404 for a session they have forgotten, as they should, but 400 with the error of the
/// TypeScript SDK's examples: code -32000, "No valid session ID provided".
pub(in crate::upstream) fn forgot_session(status: StatusCode, error: &UpstreamError) -> bool {
    let UpstreamError::Refused(error) = error else { return false };
    status == StatusCode::BAD_REQUEST
        && error.code.0 == -32000
        && error.message.to_ascii_lowercase().contains("session")
}

/// Does the status say that a credential is missing, wrong or too weak?
pub(in crate::upstream) fn needs_auth(status: StatusCode, headers: &HeaderMap) -> bool {
    status == StatusCode::UNAUTHORIZED
        || (status == StatusCode::FORBIDDEN && headers.contains_key(WWW_AUTHENTICATE))
}

/// The sentence for [`needs_auth`].
pub(in crate::upstream) fn credential_refused(shown: &str, status: StatusCode) -> UpstreamError {
    let message = format!(
        "{shown} refused the credential (HTTP {}); the owner must give a new one",
        status.as_u16()
    );
    UpstreamError::NeedsAuth { message }
}

/// An address without what may be secret in it: user information, query, fragment.
pub(in crate::upstream) fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    // These fail only on addresses that have no such parts.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.set_fragment(None);
    shown.to_string()
}

/// The root cause of an error, without the address (which may hold secrets).
pub(in crate::upstream) fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    match deepest.downcast_ref::<reqwest::Error>() {
        Some(error) if error.is_timeout() => "it took too long".to_owned(),
        Some(_) => "the request failed".to_owned(),
        None => sanitize::sanitize_line(&deepest.to_string(), 200),
    }
}

/// The error of a call whose answer broke off.
pub(in crate::upstream) fn closed(problem: &str) -> UpstreamError {
    UpstreamError::Closed { last_words: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn addresses_are_shown_without_secrets() {
        let url: Url = "https://user:pass@example.com:8443/mcp?key=fake#frag".parse().unwrap();
        assert_eq!(shown(&url), "https://example.com:8443/mcp");
    }

    #[test]
    fn a_forgotten_session_is_told_from_other_refusals() {
        let refused = |code, message: &'static str| {
            let code = rmcp::model::ErrorCode(code);
            UpstreamError::Refused(rmcp::ErrorData::new(code, message, None))
        };
        let forgotten = refused(-32000, "Bad Request: No valid session ID provided");
        assert!(forgot_session(StatusCode::BAD_REQUEST, &forgotten));
        assert!(!forgot_session(StatusCode::CONFLICT, &forgotten));
        assert!(!forgot_session(StatusCode::BAD_REQUEST, &refused(-32602, "no session given")));
        assert!(!forgot_session(StatusCode::BAD_REQUEST, &refused(-32000, "too late")));
    }

    #[test]
    fn a_missing_credential_is_told_from_a_forbidden_tool() {
        let mut headers = HeaderMap::new();
        assert!(needs_auth(StatusCode::UNAUTHORIZED, &headers));
        assert!(!needs_auth(StatusCode::FORBIDDEN, &headers));
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        assert!(needs_auth(StatusCode::FORBIDDEN, &headers));
    }
}
