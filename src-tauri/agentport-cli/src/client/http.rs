//! Plain HTTP to one port of this machine.
//!
//! Requests go to loopback only, with no proxy and no redirect: a password or a key must reach the gateway and no other
//! program. Deliberately absent: TLS.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use reqwest::{
    Method, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};

use super::{HttpReply, START};

/// Connecting over loopback takes microseconds, or does not work at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a request got no whole answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("no gateway answers at 127.0.0.1:{port}; {START}")]
    NoGateway { port: u16, source: reqwest::Error },
    #[error("the gateway at 127.0.0.1:{port} did not answer in time")]
    Timeout { port: u16 },
    #[error("cannot ask the gateway at 127.0.0.1:{port}")]
    Request { port: u16, source: reqwest::Error },
    #[error("the gateway's answer broke off")]
    Interrupted(#[source] reqwest::Error),
}

/// A request to the gateway. `path` begins with `/` and is escaped; the body, where there is one, is JSON.
pub(super) struct HttpRequest<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
    /// Bounds the whole exchange; `None` waits as long as it takes.
    pub(super) timeout: Option<Duration>,
}

impl<'a> HttpRequest<'a> {
    pub(super) fn new(method: Method, path: &'a str) -> Self {
        Self { method, path, headers: HeaderMap::new(), body: None, timeout: None }
    }
}

/// A client of one loopback port.
#[derive(Clone)]
pub(super) struct LoopbackHttp {
    client: reqwest::Client,
    port: u16,
}

impl LoopbackHttp {
    pub(super) fn new(port: u16) -> Result<Self> {
        // An empty set of roots spares reading the platform's certificates, which takes longer than a call.
        let roots = rustls::RootCertStore::empty();
        let tls =
            rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .context("cannot make an HTTP client")?;
        Ok(Self { client, port })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Sends a request, and reads the whole answer, whatever its status.
    pub(super) async fn send(&self, request: HttpRequest<'_>) -> Result<HttpReply, HttpError> {
        let response = self.open(request).await?;
        let status = response.status();
        let text = response.text().await.map_err(|error| self.error(error, true))?;
        Ok(HttpReply { status, text })
    }

    /// Sends a request, and returns the answer with its body unread.
    pub(super) async fn open(
        &self,
        request: HttpRequest<'_>,
    ) -> Result<reqwest::Response, HttpError> {
        let HttpRequest { method, path, headers, body, timeout } = request;
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let mut request = self.client.request(method, url).headers(headers);
        if let Some(timeout) = timeout {
            request = request.timeout(timeout);
        }
        if let Some(body) = body {
            let json = HeaderValue::from_static("application/json");
            request = request.header(CONTENT_TYPE, json).body(body);
        }
        request.send().await.map_err(|error| self.error(error, false))
    }

    fn error(&self, error: reqwest::Error, in_body: bool) -> HttpError {
        let port = self.port;
        let source = error.without_url();
        if source.is_timeout() && !source.is_connect() {
            HttpError::Timeout { port }
        } else if in_body {
            HttpError::Interrupted(source)
        } else if source.is_connect() {
            HttpError::NoGateway { port, source }
        } else {
            HttpError::Request { port, source }
        }
    }
}

/// A credential as a header value, which is kept out of debug output.
pub(super) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A refused stream's whole answer.
pub(super) async fn refused(response: reqwest::Response) -> Result<HttpReply, HttpError> {
    let status: StatusCode = response.status();
    let text = response.text().await.map_err(HttpError::Interrupted)?;
    Ok(HttpReply { status, text })
}
