//! Revoking tokens (RFC 7009).

use agentport_core::Secret;

use super::{
    error::OAuthError,
    http_client::{self, OAuthHttp, OAuthRequest},
    network_scope::NetworkScope,
    record::OAuthRecord,
    request_rewrite::authenticated,
    response::{quote, text_of},
};

/// Revokes the refresh token, then the access token. Without a revocation endpoint there is nothing to do.
pub(super) async fn revoke(http: &OAuthHttp, record: &OAuthRecord) -> Result<(), OAuthError> {
    if let Some(token) = &record.refresh_token {
        revoke_token(http, record, token, "refresh_token").await?;
    }
    revoke_token(http, record, &record.access_token, "access_token").await
}

async fn revoke_token(
    http: &OAuthHttp,
    record: &OAuthRecord,
    token: &Secret,
    hint: &str,
) -> Result<(), OAuthError> {
    let Some(endpoint) = &record.endpoints.revocation else { return Ok(()) };
    let pairs = vec![
        ("token".to_owned(), token.expose().to_owned()),
        ("token_type_hint".to_owned(), hint.to_owned()),
    ];
    let form = authenticated(&record.client, pairs);
    let request = OAuthRequest::post(endpoint.clone(), form.headers, form.body);
    let response = http.send(NetworkScope::of(&record.server).await, request).await?;
    let body = String::from_utf8_lossy(&response.body);
    // A server that revokes refresh tokens only has ended this one with it (section 2.1).
    if response.status.is_success() || body.contains("unsupported_token_type") {
        return Ok(());
    }
    if response.is_transient() {
        return Err(http_client::later(endpoint, &response));
    }
    let sent: Vec<&str> = form.secrets.iter().map(String::as_str).collect();
    let text = quote(&text_of(&response.body), &sent);
    Err(OAuthError::TokenRefused {
        issuer: record.issuer.clone(),
        code: format!("HTTP {}", response.status.as_u16()),
        description: (!text.is_empty()).then_some(text),
    })
}
