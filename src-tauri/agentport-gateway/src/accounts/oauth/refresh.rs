//! Refreshing access tokens (RFC 6749, section 6). The caller makes sure that one account is refreshed once at a time,
//! and stores the new record before it uses it: many providers accept a refresh token once.

use std::time::Duration;

use agentport_api::OAuthSettings;
use rmcp::transport::auth::{
    CredentialStore, InMemoryCredentialStore, OAuthClientConfig, StoredCredentials,
};
use serde_json::json;

use super::{
    authorization::library_metadata,
    error::{OAuthError, RefreshError},
    http_client::{self, OAuthHttp},
    network_scope::NetworkScope,
    record::OAuthRecord,
    request_rewrite::RequestRewrite,
    response::{RefreshVerdict, TokenAnswer, TokenGrant},
    token_endpoint::TokenEndpoint,
};
use crate::clock;

/// The wait before the one more try after a refusal that is not in OAuth's words.
const SECOND_TRY_DELAY: Duration = Duration::from_millis(500);

/// A new record with new tokens. At most two requests.
pub(super) async fn refresh(
    http: &OAuthHttp,
    record: &OAuthRecord,
    settings: &OAuthSettings,
) -> Result<OAuthRecord, RefreshError> {
    if record.refresh_token.is_none() {
        let message =
            format!("{} gave nothing to renew the sign-in with. Sign in again.", record.issuer);
        return Err(RefreshError::Refused { message });
    }
    let answer = ask(http, record, settings).await.map_err(transient)?;
    let answer = match answer.refresh_verdict() {
        Some(RefreshVerdict::Unclear) => {
            tokio::time::sleep(SECOND_TRY_DELAY).await;
            ask(http, record, settings).await.map_err(transient)?
        }
        _ => answer,
    };
    let verdict = answer.refresh_verdict();
    let problem = answer.problem();
    let message =
        format!("{} no longer accepts the sign-in ({problem}). Sign in again.", record.issuer);
    match (answer, verdict) {
        (TokenAnswer::Granted(grant), _) => Ok(renewed(record, grant)),
        (TokenAnswer::Later { retry_after, .. }, _) => Err(later(record, &problem, retry_after)),
        (_, Some(RefreshVerdict::Later)) => Err(later(record, &problem, None)),
        (TokenAnswer::Refused { code, .. }, _) if code == "invalid_client" => {
            Err(RefreshError::ClientUnknown { message })
        }
        _ => Err(RefreshError::Refused { message }),
    }
}

fn later(record: &OAuthRecord, problem: &str, retry_after: Option<Duration>) -> RefreshError {
    let host = http_client::host(&record.endpoints.token);
    let message =
        format!("{host} could not renew the sign-in ({problem}). It is tried again later.");
    RefreshError::Transient { message, retry_after }
}

/// Nothing but a provider's answer ends a sign-in.
fn transient(error: OAuthError) -> RefreshError {
    let retry_after = error.retry_after();
    RefreshError::Transient { message: error.to_string(), retry_after }
}

async fn ask(
    http: &OAuthHttp,
    record: &OAuthRecord,
    settings: &OAuthSettings,
) -> Result<TokenAnswer, OAuthError> {
    let endpoint = TokenEndpoint::new(
        http.clone(),
        NetworkScope::of(&record.server).await,
        record.endpoints.token.clone(),
        RequestRewrite {
            client: record.client.clone(),
            resource: settings.send_resource.then(|| record.resource.clone()),
        },
    );
    let metadata = library_metadata(&record.endpoints, &record.issuer, false);
    let mut manager = endpoint.manager(&record.server, metadata).await?;
    let internal = |_| OAuthError::Internal("the library refused the stored sign-in".to_owned());
    manager.set_credential_store(stored(record).await?);
    let client = &record.client;
    manager
        .configure_client(OAuthClientConfig::new(&client.client_id, &client.redirect_uri))
        .map_err(internal)?;
    // The library's own result says less than the outcome at the endpoint.
    let _ = manager.refresh_token().await;
    endpoint.take_outcome()
}

/// The record's tokens as the library keeps them.
async fn stored(record: &OAuthRecord) -> Result<InMemoryCredentialStore, OAuthError> {
    let tokens = json!({
        "access_token": record.access_token.expose(),
        "token_type": "bearer",
        "refresh_token": record.refresh_token.as_ref().map(|token| token.expose()),
    });
    let tokens = serde_json::from_value(tokens)
        .map_err(|_| OAuthError::Internal("the stored tokens cannot be read".to_owned()))?;
    let client_id = record.client.client_id.clone();
    let credentials = StoredCredentials::new(client_id, Some(tokens), Vec::new(), None);
    let store = InMemoryCredentialStore::new();
    store
        .save(credentials)
        .await
        .map_err(|_| OAuthError::Internal("the stored tokens cannot be used".to_owned()))?;
    Ok(store)
}

/// What the answer leaves out stays as it was.
fn renewed(record: &OAuthRecord, grant: TokenGrant) -> OAuthRecord {
    let received_at = clock::now();
    OAuthRecord {
        access_token: grant.access_token,
        refresh_token: grant.refresh_token.or_else(|| record.refresh_token.clone()),
        granted_scopes: grant.scopes.unwrap_or_else(|| record.granted_scopes.clone()),
        received_at,
        expires_at: grant.expires_in.map(|life| received_at.plus(life)),
        workspace: grant.workspace.or_else(|| record.workspace.clone()),
        ..record.clone()
    }
}
