//! Headers of the requests to one server.

use std::collections::HashMap;

use agentport_core::mcp::EVENT_STREAM;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE},
};
use url::Url;

/// What goes with every request; the owner's secrets among it.
pub(super) struct RequestHeaders {
    fixed: HeaderMap,
    has_credential: bool,
}

impl RequestHeaders {
    /// `secrets` and what the address itself says: reqwest makes a header of a user in it.
    pub(super) fn new(
        client: &reqwest::Client,
        url: &Url,
        secrets: &HashMap<HeaderName, HeaderValue>,
    ) -> Self {
        let has_credential =
            !secrets.is_empty() || url.query().is_some() || !url.username().is_empty();
        let plain = client.get(url.clone()).build();
        let mut fixed = plain.map(|plain| plain.headers().clone()).unwrap_or_default();
        fixed.extend(secrets.iter().map(|(name, value)| (name.clone(), value.clone())));
        Self { fixed, has_credential }
    }

    /// A secret goes with every request.
    pub(super) fn has_credential(&self) -> bool {
        self.has_credential
    }

    /// The headers of one request. All requests to the server get theirs here.
    pub(super) fn for_request(&self, method: &Method) -> HeaderMap {
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
