//! Opening a connection to a remote server: HTTP clients, and the part of the protocol that rmcp runs.

use std::{collections::HashMap, sync::OnceLock, time::Duration};

use agentport_core::Secret;
use http::{HeaderName, HeaderValue, StatusCode};
use rmcp::transport::streamable_http_client::StreamableHttpError;
use url::Url;

use super::{
    handshake_client::HandshakeError,
    http_error::{cause, credential_refused, shown},
};
use crate::{address::is_loopback, upstream::error::UpstreamError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an unused connection is kept for the next call.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The HTTP clients of all remote upstreams: connections are pooled per server, headers belong to each request.
#[derive(Default)]
pub(in crate::upstream) struct HttpClients {
    loopback: OnceLock<reqwest::Client>,
    elsewhere: OnceLock<reqwest::Client>,
}

impl HttpClients {
    /// A client for `url`. Servers on this machine are never reached through a proxy.
    pub(in crate::upstream) fn for_url(&self, url: &Url) -> Result<reqwest::Client, UpstreamError> {
        let loopback = url.host().as_ref().is_some_and(is_loopback);
        let cell = if loopback { &self.loopback } else { &self.elsewhere };
        if let Some(client) = cell.get() {
            return Ok(client.clone());
        }
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .user_agent(concat!("agentport/", env!("CARGO_PKG_VERSION")))
            .redirect(same_origin());
        if loopback {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| UpstreamError::Unreachable {
            what: shown(url),
            problem: format!("cannot be reached: no HTTP client ({})", cause(&error)),
        })?;
        Ok(cell.get_or_init(|| client).clone())
    }
}

/// Follows redirects that keep method and body, and only within the origin: another must not see the credential.
fn same_origin() -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::custom(|attempt| {
        let keeps_body = matches!(
            attempt.status(),
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
        );
        let same = attempt
            .previous()
            .first()
            .is_some_and(|first| first.origin() == attempt.url().origin());
        if keeps_body && same && attempt.previous().len() <= 5 {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}

/// The owner's headers as HTTP knows them, marked so that nothing prints them.
pub(in crate::upstream) fn secret_headers(
    url: &Url,
    headers: &[(HeaderName, Secret)],
) -> Result<HashMap<HeaderName, HeaderValue>, UpstreamError> {
    let mut all = HashMap::new();
    for (name, value) in headers {
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| {
            let message = format!(
                "the value of the header {name} for {} holds characters that HTTP does not allow",
                shown(url)
            );
            UpstreamError::NeedsAuth { message, scheme: None }
        })?;
        value.set_sensitive(true);
        all.insert(name.clone(), value);
    }
    Ok(all)
}

/// What went wrong on the way to a remote server, in words; and whether it answered at all, but not as it should, so
/// that another handshake may fare better.
pub(in crate::upstream) fn problem(
    shown_url: &str,
    has_credential: bool,
    error: &(dyn std::error::Error + 'static),
) -> (UpstreamError, bool) {
    let said = |problem: String, answered| {
        (UpstreamError::Unreachable { what: shown_url.to_owned(), problem }, answered)
    };
    if let Some(StreamableHttpError::Io(error)) = error.downcast_ref::<HandshakeError>()
        && let Some(error) = no_token_error(error)
    {
        return (error, false);
    }
    match error.downcast_ref::<HandshakeError>() {
        Some(StreamableHttpError::AuthRequired(wanted)) => {
            let challenge = &wanted.www_authenticate_header;
            let status = StatusCode::UNAUTHORIZED;
            (credential_refused(shown_url, status, has_credential, challenge), false)
        }
        Some(StreamableHttpError::InsufficientScope(_)) => {
            (credential_refused(shown_url, StatusCode::FORBIDDEN, has_credential, ""), false)
        }
        Some(StreamableHttpError::Client(error)) => {
            said(format!("cannot be reached ({})", cause(error)), false)
        }
        Some(StreamableHttpError::HttpStatus(error)) => {
            said(format!("answered HTTP {}", error.status), true)
        }
        Some(StreamableHttpError::UnexpectedServerResponse(text)) if text.starts_with("HTTP ") => {
            said(format!("answered {text}"), true)
        }
        Some(
            StreamableHttpError::UnexpectedServerResponse(_)
            | StreamableHttpError::UnexpectedContentType(_)
            | StreamableHttpError::Deserialize(_)
            | StreamableHttpError::Sse(_),
        ) => said("does not answer like an MCP server".to_owned(), true),
        Some(StreamableHttpError::ReservedHeaderConflict(name)) => {
            said(format!("cannot be used with a header of your own named {name:?}"), false)
        }
        _ => said(format!("cannot be reached ({})", cause(error)), false),
    }
}

/// Why there was no token to send.
fn no_token_error(error: &std::io::Error) -> Option<UpstreamError> {
    error.get_ref()?.downcast_ref::<UpstreamError>().cloned()
}

#[cfg(test)]
mod tests {
    use super::{super::http_error::tidy, *};

    #[test]
    fn header_values_are_hidden_and_checked() {
        let url: Url = "https://example.com/mcp?key=fake".parse().unwrap();
        let name = HeaderName::from_static("x-key");
        let headers = [(name.clone(), Secret::new("obviously-fake"))];
        let made = secret_headers(&url, &headers).unwrap();
        assert!(!format!("{made:?}").contains("fake"));
        let error = secret_headers(&url, &[(name, Secret::new("fake\nnewline"))]).unwrap_err();
        assert!(!error.to_string().contains("fake"), "{error}");
    }

    #[test]
    fn errors_show_no_bodies() {
        for (problem_, expected) in [
            (
                tidy(HandshakeError::UnexpectedServerResponse(
                    "HTTP 404 Not Found: key=fake".into(),
                )),
                "https://x/ answered HTTP 404 Not Found",
            ),
            (
                HandshakeError::UnexpectedContentType(Some("text/html".into())),
                "https://x/ does not answer like an MCP server",
            ),
            (
                tidy(HandshakeError::UnexpectedServerResponse("HTTP 401 Unauthorized: ".into())),
                "https://x/ refused the credential (HTTP 401); the owner must give a new one",
            ),
        ] {
            assert_eq!(problem("https://x/", true, &problem_).0.to_string(), expected);
        }
    }
}
