//! The challenge of a 401 (RFC 6750, section 3; RFC 9728, section 5.1): where a client learns how to sign in.

use http::{HeaderValue, header, request::Parts};

use crate::address::{self, GatewayAddress};

/// `WWW-Authenticate` for a request to the agent API without a valid credential.
pub(crate) fn challenge(address: &GatewayAddress, parts: &Parts) -> HeaderValue {
    let origin = address::asked_origin(address, parts);
    let path = match parts.uri.path() {
        path @ ("/mcp" | "/mcp/" | "/sse") => path,
        // A client of HTTP+SSE knows the URL of its stream, and compares with that.
        "/sse/" | "/messages" | "/messages/" => "/sse",
        _ => "/mcp",
    };
    let presented = parts.headers.contains_key(header::AUTHORIZATION)
        || parts.headers.contains_key("x-api-key");
    let error = if presented { "error=\"invalid_token\", " } else { "" };
    let text = format!(
        "Bearer {error}resource_metadata=\"{origin}/.well-known/oauth-protected-resource{path}\", scope=\"{}\"",
        address::SCOPE
    );
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("Bearer"))
}
