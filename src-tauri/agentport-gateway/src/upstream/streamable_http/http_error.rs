//! HTTP errors of a remote server as messages without secrets.

use agentport_core::{mcp::EVENT_STREAM, sanitize};
use http::{HeaderMap, HeaderValue, StatusCode, header::WWW_AUTHENTICATE};
use rmcp::{
    model::{ErrorCode, JsonRpcMessage},
    transport::streamable_http_client::{AuthRequiredError, StreamableHttpError},
};
use url::Url;

use super::handshake_client::HandshakeError;
use crate::upstream::{
    error::UpstreamError,
    message::{InboundMessage, inbound},
};

/// Longest authentication scheme that is repeated.
const MAX_SCHEME: usize = 32;

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

/// Whether a refusal of a request in a session may mean that the server no longer knows the session. It should answer
/// 404; many answer another status and words of their own. What is wrong with the request itself, or with its pace, is
/// no such refusal.
pub(in crate::upstream) fn is_session_lost(
    status: StatusCode,
    error: Option<&UpstreamError>,
) -> bool {
    if !status.is_client_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return false;
    }
    match error {
        Some(UpstreamError::Refused(error)) => {
            let about_request = [ErrorCode::INVALID_PARAMS, ErrorCode::METHOD_NOT_FOUND];
            !about_request.contains(&error.code) || names_session(&error.message)
        }
        _ => true,
    }
}

/// The same for an error in an answer with status 200: code -32001 in words about the session. The code alone may also
/// stand for a timeout, after which the tool may have run.
pub(super) fn is_session_lost_error(error: &UpstreamError) -> bool {
    let UpstreamError::Refused(error) = error else { return false };
    error.code.0 == -32001 && names_session(&error.message)
}

fn names_session(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("session") || message.contains("initialize")
}

/// Does the status say that a credential is missing, wrong or too weak?
pub(in crate::upstream) fn needs_auth(status: StatusCode, headers: &HeaderMap) -> bool {
    status == StatusCode::UNAUTHORIZED
        || (status == StatusCode::FORBIDDEN && headers.contains_key(WWW_AUTHENTICATE))
}

/// Makes a problem fit to be seen. rmcp logs it whole, so addresses (whose query may be a secret) and bodies (which
/// may echo one) are taken out; and rmcp knows a 401 only by its challenge, while one without is as clear.
pub(super) fn tidy(problem: HandshakeError) -> HandshakeError {
    match problem {
        StreamableHttpError::Client(error) => StreamableHttpError::Client(error.without_url()),
        StreamableHttpError::UnexpectedServerResponse(text) if text.starts_with("HTTP 401") => {
            StreamableHttpError::AuthRequired(AuthRequiredError::new(String::new()))
        }
        StreamableHttpError::UnexpectedServerResponse(text) if text.starts_with("HTTP ") => {
            let status = text.split(':').next().unwrap_or_default().to_owned();
            StreamableHttpError::UnexpectedServerResponse(status.into())
        }
        StreamableHttpError::UnexpectedServerResponse(_) => {
            StreamableHttpError::UnexpectedServerResponse("not JSON-RPC".into())
        }
        other => other,
    }
}

/// Whether a media type is that of server-sent events. Media types are case-insensitive (RFC 9110, section 8.3.1).
pub(in crate::upstream) fn is_event_stream(content_type: Option<&HeaderValue>) -> bool {
    content_type.is_some_and(|value| {
        let start = value.as_bytes().get(..EVENT_STREAM.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(EVENT_STREAM.as_bytes()))
    })
}

/// The error for [`needs_auth`]. `has_credential`: one was sent.
pub(in crate::upstream) fn credential_refused(
    shown: &str,
    status: StatusCode,
    has_credential: bool,
    challenge: &str,
) -> UpstreamError {
    let status = status.as_u16();
    let message = match has_credential {
        true => {
            format!("{shown} refused the credential (HTTP {status}); the owner must give a new one")
        }
        false => format!(
            "{shown} wants a credential (HTTP {status}), and none was sent; the owner must give one"
        ),
    };
    UpstreamError::NeedsAuth { message, scheme: scheme_of(challenge) }
}

/// The scheme of a challenge, if it is a token as RFC 9110, section 5.6.2, defines it.
fn scheme_of(challenge: &str) -> Option<String> {
    let scheme = challenge.split([' ', ',']).next().unwrap_or_default();
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (!scheme.is_empty() && scheme.len() <= MAX_SCHEME && scheme.chars().all(is_token))
        .then(|| scheme.to_owned())
}

/// The challenge in a response's headers; empty if there is none.
pub(in crate::upstream) fn challenge(headers: &HeaderMap) -> &str {
    headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok()).unwrap_or_default()
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
    use super::*;

    #[test]
    fn addresses_are_shown_without_secrets() {
        let url: Url = "https://user:pass@example.com:8443/mcp?key=fake#frag".parse().unwrap();
        assert_eq!(shown(&url), "https://example.com:8443/mcp");
    }

    #[test]
    fn a_lost_session_is_distinguished_from_other_refusals() {
        let refused = |code, message: &'static str| {
            UpstreamError::Refused(rmcp::ErrorData::new(ErrorCode(code), message, None))
        };
        for (status, error, lost) in [
            (400, Some(refused(-32000, "Bad Request: No valid session ID provided")), true),
            (400, Some(refused(-32000, "Server not initialized")), true),
            (400, Some(refused(-32602, "unknown session")), true),
            (400, Some(refused(-32602, "no such tool")), false),
            (404, None, true),
            (401, None, true),
            (422, None, true),
            (429, None, false),
            (500, Some(refused(-32000, "session lost")), false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(is_session_lost(status, error.as_ref()), lost, "{status} {error:?}");
        }
        assert!(is_session_lost_error(&refused(-32001, "Session not found")));
        assert!(!is_session_lost_error(&refused(-32001, "Request timed out")));
    }

    #[test]
    fn schemes_are_read_from_challenges() {
        for (challenge, want) in [
            ("Bearer resource_metadata=\"https://x/\"", Some("Bearer")),
            ("ApiKey", Some("ApiKey")),
            ("Basic, Bearer", Some("Basic")),
            ("", None),
            ("\u{1b}[31m", None),
        ] {
            assert_eq!(scheme_of(challenge).as_deref(), want, "{challenge:?}");
        }
    }

    #[test]
    fn a_missing_credential_is_distinguished_from_a_forbidden_tool() {
        let mut headers = HeaderMap::new();
        assert!(needs_auth(StatusCode::UNAUTHORIZED, &headers));
        assert!(!needs_auth(StatusCode::FORBIDDEN, &headers));
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        assert!(needs_auth(StatusCode::FORBIDDEN, &headers));
    }
}
