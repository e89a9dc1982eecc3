//! The provider's record of requests, in the order they came, for tests to assert on.

use std::time::Instant;

use http::{HeaderMap, Method};
use url::form_urlencoded;

use super::ProviderSite;

/// One request as it was sent.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    pub at: Instant,
    pub site: ProviderSite,
    pub method: Method,
    /// Without the query.
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: String,
    /// The answer's status, once there was one.
    pub status: Option<u16>,
}

impl RecordedRequest {
    /// The fields of a form body.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }

    /// One field of a form body.
    pub fn field(&self, name: &str) -> Option<String> {
        self.form().into_iter().find_map(|(field, value)| (field == name).then_some(value))
    }

    /// One parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let pair = self.query.iter().find(|(parameter, _)| parameter == name);
        pair.map(|(_, value)| value.as_str())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The JSON-RPC method of a request to the MCP server.
    pub fn rpc_method(&self) -> Option<String> {
        let message: serde_json::Value = serde_json::from_str(&self.body).ok()?;
        message["method"].as_str().map(ToOwned::to_owned)
    }
}

/// Every request so far.
#[derive(Debug, Clone, Default)]
pub struct RequestLog(pub Vec<RecordedRequest>);

impl RequestLog {
    pub fn to(&self, site: ProviderSite, path: &str) -> Vec<&RecordedRequest> {
        self.0.iter().filter(|request| request.site == site && request.path == path).collect()
    }

    /// Token requests of this grant type.
    pub fn grants(&self, grant_type: &str) -> Vec<&RecordedRequest> {
        let tokens = self.to(ProviderSite::Authorization, super::TOKEN_PATH);
        tokens
            .into_iter()
            .filter(|request| request.field("grant_type").as_deref() == Some(grant_type))
            .collect()
    }

    pub fn refreshes(&self) -> Vec<&RecordedRequest> {
        self.grants("refresh_token")
    }

    pub fn exchanges(&self) -> Vec<&RecordedRequest> {
        self.grants("authorization_code")
    }

    pub fn registrations(&self) -> Vec<&RecordedRequest> {
        self.to(ProviderSite::Authorization, super::REGISTRATION_PATH)
    }

    /// Requests to the authorization endpoint.
    pub fn authorizations(&self) -> Vec<&RecordedRequest> {
        let mut requests = self.to(ProviderSite::Authorization, super::AUTHORIZATION_PATH);
        requests.retain(|request| request.method == Method::GET);
        requests
    }

    /// `tools/call` requests to the MCP server.
    pub fn calls(&self) -> Vec<&RecordedRequest> {
        let at_resource = self.0.iter().filter(|request| request.site == ProviderSite::Resource);
        at_resource
            .filter(|request| request.rpc_method().as_deref() == Some("tools/call"))
            .collect()
    }
}
