//! Metadata documents: protected resource (RFC 9728) and authorization server (RFC 8414).

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, header, request::Parts};
use serde_json::{Value, json};

use super::routes::OAuthRoutes;
use crate::address::{self, GatewayAddress, SCOPE};

/// `/.well-known/oauth-protected-resource/…`. Clients compare `resource` with the URL they were given, to the byte.
pub(super) async fn protected_resource(
    State(routes): State<OAuthRoutes>,
    parts: Parts,
) -> Response {
    let asked = parts.uri.path().strip_prefix("/.well-known/oauth-protected-resource");
    let path = asked.filter(|path| matches!(*path, "/mcp" | "/mcp/" | "/sse")).unwrap_or("/mcp");
    let address = GatewayAddress { port: routes.port };
    let resource = format!("{}{path}", address::asked_origin(&address, &parts));
    document(&json!({
        "resource": resource,
        "authorization_servers": [routes.origin.issuer()],
        "scopes_supported": [SCOPE],
        "bearer_methods_supported": ["header"],
        "resource_name": "AgentPort",
    }))
}

/// `/.well-known/oauth-authorization-server`, at the root alone.
pub(super) async fn authorization_server(State(routes): State<OAuthRoutes>) -> Response {
    let issuer = routes.origin.issuer();
    let mut metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth/authorize"),
        "token_endpoint": format!("{issuer}/oauth/token"),
        "registration_endpoint": format!("{issuer}/oauth/register"),
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "scopes_supported": [SCOPE],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    if routes.server.settings.load().client_id_documents {
        metadata["client_id_metadata_document_supported"] = true.into();
    }
    document(&metadata)
}

fn document(body: &Value) -> Response {
    let mut response = Json(body).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
