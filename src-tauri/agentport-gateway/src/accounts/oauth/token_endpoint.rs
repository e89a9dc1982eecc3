//! The token endpoint as the OAuth library sees it: requests rewritten, answers normalised, the outcome kept.

use std::sync::Arc;

use http::{StatusCode, header::CONTENT_TYPE};
use parking_lot::Mutex;
use rmcp::transport::auth::{
    AuthorizationManager, AuthorizationMetadata, OAuthHttpClient, OAuthHttpClientFuture,
    OAuthHttpRequest,
};
use serde_json::json;
use url::Url;

use super::{
    error::OAuthError,
    http_client::{self, OAuthHttp, OAuthRequest},
    network_scope::NetworkScope,
    request_rewrite::RequestRewrite,
    response::{TokenAnswer, TokenGrant},
};

/// Every request of the library goes through here. It sends them to the token endpoint of the record, whatever address
/// the library names.
pub(super) struct TokenEndpoint {
    http: OAuthHttp,
    scope: NetworkScope,
    url: Url,
    pub(super) rewrite: RequestRewrite,
    outcome: Mutex<Option<Result<TokenAnswer, OAuthError>>>,
}

/// The library was answered with something else than tokens; [`TokenEndpoint::take_outcome`] has the reason.
#[derive(Debug, thiserror::Error)]
#[error("the token endpoint sent no tokens")]
struct NoTokens;

impl TokenEndpoint {
    pub(super) fn new(
        http: OAuthHttp,
        scope: NetworkScope,
        url: Url,
        rewrite: RequestRewrite,
    ) -> Arc<Self> {
        Arc::new(Self { http, scope, url, rewrite, outcome: Mutex::new(None) })
    }

    /// A manager of the library that speaks through this endpoint and knows `metadata`.
    pub(super) async fn manager(
        self: &Arc<Self>,
        server: &Url,
        metadata: AuthorizationMetadata,
    ) -> Result<AuthorizationManager, OAuthError> {
        let mut manager =
            AuthorizationManager::new_with_oauth_http_client(server.clone(), self.clone())
                .await
                .map_err(|_| OAuthError::Internal("the library refused the server".to_owned()))?;
        manager.set_metadata(metadata);
        Ok(manager)
    }

    /// What the endpoint answered last.
    pub(super) fn take_outcome(&self) -> Result<TokenAnswer, OAuthError> {
        let outcome = self.outcome.lock().take();
        outcome.unwrap_or_else(|| Err(OAuthError::Internal("no request was sent".to_owned())))
    }

    async fn ask(&self, body: &[u8]) -> Result<TokenAnswer, OAuthError> {
        let form = self.rewrite.token_request(body);
        let request = OAuthRequest::post(self.url.clone(), form.headers, form.body);
        let response = self.http.send(self.scope, request).await?;
        let sent: Vec<&str> = form.secrets.iter().map(String::as_str).collect();
        Ok(TokenAnswer::from_response(&response, &sent))
    }
}

impl OAuthHttpClient for TokenEndpoint {
    fn execute(&self, request: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        Box::pin(async move {
            let outcome = self.ask(request.request.body()).await;
            let standard = match &outcome {
                Ok(TokenAnswer::Granted(grant)) => (StatusCode::OK, grant.to_standard_json()),
                // One code for every refusal: the library takes only this one for final.
                Ok(TokenAnswer::Refused { .. } | TokenAnswer::Foreign { .. }) => (
                    StatusCode::BAD_REQUEST,
                    json!({ "error": "invalid_grant" }).to_string().into(),
                ),
                Ok(_) | Err(_) => {
                    *self.outcome.lock() = Some(outcome);
                    return Err(Box::new(NoTokens) as _);
                }
            };
            *self.outcome.lock() = Some(outcome);
            let (status, body) = standard;
            let response =
                http::Response::builder().status(status).header(CONTENT_TYPE, "application/json");
            Ok(response.body(body)?)
        })
    }
}

/// The error for an answer to an authorization code.
pub(super) fn granted(
    answer: TokenAnswer,
    issuer: &str,
    endpoint: &Url,
) -> Result<TokenGrant, OAuthError> {
    let issuer = issuer.to_owned();
    match answer {
        TokenAnswer::Granted(grant) => Ok(grant),
        TokenAnswer::Refused { code, description } if code == "invalid_scope" => {
            Err(OAuthError::InvalidScope { issuer, description })
        }
        TokenAnswer::Refused { code, description } => {
            Err(OAuthError::TokenRefused { issuer, code, description })
        }
        TokenAnswer::Later { problem, retry_after } => {
            Err(OAuthError::Unreachable { host: http_client::host(endpoint), problem, retry_after })
        }
        other => Err(OAuthError::TokenUnusable { issuer, problem: other.problem() }),
    }
}
