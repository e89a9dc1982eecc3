//! The HTTP client of every OAuth request: address rules, limits and redirects in one place.

use std::{collections::HashMap, sync::Arc, time::Duration};

use http::{
    HeaderMap, Method, StatusCode,
    header::{ACCEPT, LOCATION, RETRY_AFTER},
};
use parking_lot::Mutex;
use url::Url;

use super::{
    error::OAuthError,
    network_scope::{InternalAddress, NetworkScope, ScopedResolver},
};
use crate::address::is_loopback;

/// The longest a request to an endpoint may take.
const ENDPOINT_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest a metadata document may take, its redirects included. Several addresses are tried in turn while the
/// owner waits.
const METADATA_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest body that is read.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// The most redirects that are followed.
const MAX_REDIRECTS: usize = 5;
/// The longest wait a provider can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Which redirects a request follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RedirectRule {
    /// Those within the site, for documents that hold no secret.
    SameSite,
    /// None: a body with a code or a token goes to the endpoint that metadata names, and nowhere else.
    Never,
}

/// A request to be sent.
pub(super) struct OAuthRequest {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) redirects: RedirectRule,
}

impl OAuthRequest {
    /// Asks for a metadata document.
    pub(super) fn get(url: Url) -> Self {
        let (headers, body) = (HeaderMap::new(), Vec::new());
        Self { method: Method::GET, url, headers, body, redirects: RedirectRule::SameSite }
    }

    /// Sends a body to an endpoint.
    pub(super) fn post(url: Url, headers: HeaderMap, body: Vec<u8>) -> Self {
        Self { method: Method::POST, url, headers, body, redirects: RedirectRule::Never }
    }
}

/// What came back, read to its end. Deliberately without `Debug`: the body can hold tokens.
pub(super) struct OAuthResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl OAuthResponse {
    /// Does the status say that the same request may succeed later?
    pub(super) fn is_transient(&self) -> bool {
        self.status.is_server_error() || matches!(self.status.as_u16(), 408 | 425 | 429)
    }

    /// `Retry-After` in seconds, within [`MAX_RETRY_AFTER`]. Dates are not read.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
    }
}

/// Sends OAuth requests within the address rules of one [`NetworkScope`] each. Clones share their connections.
#[derive(Clone, Default)]
pub(super) struct OAuthHttp {
    clients: Arc<Mutex<HashMap<ClientKind, reqwest::Client>>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum ClientKind {
    /// Hosts on this computer, never through a proxy.
    Loopback,
    Private,
    Public,
}

impl OAuthHttp {
    pub(super) async fn send(
        &self,
        scope: NetworkScope,
        request: OAuthRequest,
    ) -> Result<OAuthResponse, OAuthError> {
        let first = request.url.clone();
        let limit = match request.redirects {
            RedirectRule::SameSite => METADATA_TIMEOUT,
            RedirectRule::Never => ENDPOINT_TIMEOUT,
        };
        match tokio::time::timeout(limit, self.send_following(scope, request)).await {
            Ok(sent) => sent,
            Err(_) => Err(unreachable(&first, "it took too long")),
        }
    }

    async fn send_following(
        &self,
        scope: NetworkScope,
        mut request: OAuthRequest,
    ) -> Result<OAuthResponse, OAuthError> {
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_once(scope, &request).await?;
            let location = response.headers.get(LOCATION).and_then(|value| value.to_str().ok());
            let (true, RedirectRule::SameSite, Some(location)) =
                (response.status.is_redirection(), request.redirects, location)
            else {
                return Ok(response);
            };
            match request.url.join(location) {
                Ok(next) if is_same_site(&request.url, &next) => request.url = next,
                _ => return Ok(response),
            }
        }
        Err(unreachable(&request.url, "it redirects without end"))
    }

    async fn send_once(
        &self,
        scope: NetworkScope,
        request: &OAuthRequest,
    ) -> Result<OAuthResponse, OAuthError> {
        let url = &request.url;
        scope
            .check_url(url)
            .map_err(|reason| OAuthError::AddressRefused { url: shown(url), reason })?;
        let mut response = self
            .client(scope, url)?
            .request(request.method.clone(), url.clone())
            .header(ACCEPT, "application/json")
            .headers(request.headers.clone())
            .body(request.body.clone())
            .send()
            .await
            .map_err(|error| send_error(url, &error))?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| send_error(url, &error))? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(unreachable(url, "its answer is too large"));
            }
            body.extend_from_slice(&chunk);
        }
        let headers = std::mem::take(response.headers_mut());
        Ok(OAuthResponse { status: response.status(), headers, body })
    }

    fn client(&self, scope: NetworkScope, url: &Url) -> Result<reqwest::Client, OAuthError> {
        let (kind, resolver) = match scope {
            NetworkScope::Loopback if url.host().as_ref().is_some_and(is_loopback) => {
                (ClientKind::Loopback, scope)
            }
            NetworkScope::Loopback | NetworkScope::Public => {
                (ClientKind::Public, NetworkScope::Public)
            }
            NetworkScope::Private => (ClientKind::Private, scope),
        };
        let mut clients = self.clients.lock();
        if let Some(client) = clients.get(&kind) {
            return Ok(client.clone());
        }
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("agentport/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(ScopedResolver::new(resolver)));
        if kind == ClientKind::Loopback {
            builder = builder.no_proxy();
        }
        let client = builder
            .build()
            .map_err(|_| OAuthError::Internal("no HTTP client could be made".to_owned()))?;
        clients.insert(kind, client.clone());
        Ok(client)
    }
}

/// Same scheme (or from http up to https), same port, and the same host, or one host a subdomain of the other.
fn is_same_site(from: &Url, to: &Url) -> bool {
    let scheme = from.scheme() == to.scheme() || (from.scheme(), to.scheme()) == ("http", "https");
    let port = from.port() == to.port();
    let (Some(a), Some(b)) = (from.domain(), to.domain()) else {
        return scheme && port && from.host() == to.host();
    };
    let below = |long: &str, short: &str| {
        short.contains('.') && long.strip_suffix(short).is_some_and(|rest| rest.ends_with('.'))
    };
    scheme && port && (a == b || below(a, b) || below(b, a))
}

fn send_error(url: &Url, error: &reqwest::Error) -> OAuthError {
    let mut deepest: &(dyn std::error::Error + 'static) = error;
    while let Some(source) = deepest.source() {
        if source.is::<InternalAddress>() {
            let reason = "its name leads to this computer or into an internal network";
            return OAuthError::AddressRefused { url: shown(url), reason };
        }
        deepest = source;
    }
    let problem = match (error.is_timeout(), error.is_connect()) {
        (true, _) => "it took too long",
        (_, true) => "no connection",
        _ => "the connection broke off",
    };
    unreachable(url, problem)
}

fn unreachable(url: &Url, problem: &str) -> OAuthError {
    let (host, problem) = (host(url), problem.to_owned());
    OAuthError::Unreachable { host, problem, retry_after: None }
}

/// The error for a status that says "later".
pub(super) fn later(url: &Url, response: &OAuthResponse) -> OAuthError {
    OAuthError::Unreachable {
        host: host(url),
        problem: format!("it answered HTTP {}", response.status.as_u16()),
        retry_after: response.retry_after(),
    }
}

/// Host and port, for sentences.
pub(super) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A URL without what may be secret in it: user information, query, fragment.
pub(super) fn without_secrets(url: &Url) -> Url {
    let mut plain = url.clone();
    // These fail only on URLs that have no such parts.
    let _ = plain.set_username("");
    let _ = plain.set_password(None);
    plain.set_query(None);
    plain.set_fragment(None);
    plain
}

/// [`without_secrets`], for sentences.
pub(super) fn shown(url: &Url) -> String {
    without_secrets(url).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_within_the_site() {
        for (from, to, same) in [
            ("https://a.example/x", "https://a.example/y", true),
            ("https://a.example/x", "https://www.a.example/y", true),
            ("https://mcp.a.example/x", "https://a.example/y", true),
            ("https://a.example/x", "http://a.example/y", false),
            ("https://a.example/x", "https://a.example:8443/y", false),
            ("https://a.example/x", "https://b.example/y", false),
            ("https://a.example/x", "https://nota.example/y", false),
            ("https://a.example/x", "https://example/y", false),
            ("http://127.0.0.1:1/x", "http://127.0.0.1:1/y", true),
            ("http://127.0.0.1:1/x", "http://127.0.0.1:2/y", false),
        ] {
            let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
            assert_eq!(is_same_site(&from, &to), same, "{from} {to}");
        }
    }

    /// The name passes the check of the URL here; the address it resolves to does not.
    #[tokio::test]
    async fn a_name_that_leads_to_this_computer_is_refused_when_connecting() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .dns_resolver(Arc::new(ScopedResolver::new(NetworkScope::Public)))
            .build()
            .unwrap();
        let url: Url = "https://localhost:1/token?code=planted".parse().unwrap();
        let error = client.get(url.clone()).send().await.unwrap_err();
        let error = send_error(&url, &error);
        assert!(matches!(error, OAuthError::AddressRefused { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("planted"), "{error:?}");
    }

    #[test]
    fn waits_are_read_within_a_bound() {
        for (header, want) in
            [("7", Some(7)), (" 7 ", Some(7)), ("999999", Some(3600)), ("soon", None), ("-1", None)]
        {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, header.parse().unwrap())]);
            let response = OAuthResponse { status: StatusCode::OK, headers, body: Vec::new() };
            assert_eq!(response.retry_after(), want.map(Duration::from_secs), "{header}");
        }
    }
}
