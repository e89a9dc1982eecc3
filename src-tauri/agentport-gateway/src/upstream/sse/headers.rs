//! Headers of the requests to one server.

use std::sync::Arc;

use agentport_core::mcp::EVENT_STREAM;
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE},
};
use reqwest::Request;
use url::Url;

use crate::upstream::{
    error::UpstreamError,
    token_source::{HttpCredentials, TokenSource, authorize, authorize_again},
};

/// What goes with every request; the owner's secrets among it.
pub(super) struct RequestHeaders {
    fixed: HeaderMap,
    has_credential: bool,
    /// Gives the access token of each request.
    tokens: Option<Arc<dyn TokenSource>>,
}

/// Why a request has no response.
#[derive(Debug)]
pub(super) enum SendError {
    NoToken(UpstreamError),
    Http(reqwest::Error),
}

impl RequestHeaders {
    /// `secrets` and what the address itself says: reqwest makes a header of a user in it.
    pub(super) fn new(
        client: &reqwest::Client,
        url: &Url,
        credentials: HttpCredentials<'_>,
    ) -> Self {
        let HttpCredentials { headers: secrets, tokens } = credentials;
        let has_credential = tokens.is_some()
            || !secrets.is_empty()
            || url.query().is_some()
            || !url.username().is_empty();
        let plain = client.get(url.clone()).build();
        let mut fixed = plain.map(|plain| plain.headers().clone()).unwrap_or_default();
        fixed.extend(secrets.iter().map(|(name, value)| (name.clone(), value.clone())));
        Self { fixed, has_credential, tokens: tokens.cloned() }
    }

    /// A secret goes with every request.
    pub(super) fn has_credential(&self) -> bool {
        self.has_credential
    }

    /// Sends one request to the server; all of them are sent here. One that is refused for its access token is sent once
    /// more with another.
    pub(super) async fn send(
        &self,
        client: &reqwest::Client,
        method: &Method,
        url: &Url,
        body: Bytes,
    ) -> Result<reqwest::Response, SendError> {
        let tokens = self.tokens.as_deref();
        let mut headers = self.for_request(method);
        authorize(tokens, &mut headers).await.map_err(SendError::NoToken)?;
        let request = |headers: &HeaderMap| {
            let mut request = Request::new(method.clone(), url.clone());
            *request.headers_mut() = headers.clone();
            *request.body_mut() = Some(body.clone().into());
            client.execute(request)
        };
        let response = request(&headers).await.map_err(SendError::Http)?;
        let again = authorize_again(tokens, &mut headers, &response).await;
        match again.map_err(SendError::NoToken)? {
            true => request(&headers).await.map_err(SendError::Http),
            false => Ok(response),
        }
    }

    fn for_request(&self, method: &Method) -> HeaderMap {
        let mut headers = self.fixed.clone();
        if method == Method::GET {
            headers.insert(ACCEPT, HeaderValue::from_static(EVENT_STREAM));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        } else {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        headers
    }
}
