//! `POST /oauth/register`: dynamic client registration (RFC 7591). The same metadata gives the same client.

use std::num::NonZeroU32;

use agentport_core::Timestamp;
use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    OAuthServer,
    client_metadata::ClientMetadata,
    error::{ErrorCode, OAuthRefusal, OAuthResult},
    routes::{OAuthRoutes, read_body},
};
use crate::{
    clock,
    store::{self, Audience, OAuthClientRow},
};

/// New clients a minute, on loopback and behind the external URL.
const MAX_PER_MINUTE: NonZeroU32 = NonZeroU32::new(60).expect("not zero");
const MAX_EXTERNAL_PER_MINUTE: NonZeroU32 = NonZeroU32::new(10).expect("not zero");
/// What a client is told to wait when too many register.
const RETRY_AFTER_SECONDS: u64 = 60;
/// Clients that never got a token; the oldest beyond are dropped.
pub(super) const MAX_UNUSED_CLIENTS: u32 = 500;

/// A ceiling against floods. A client that is known already is never counted.
pub(super) struct RegistrationLimit {
    loopback: DefaultDirectRateLimiter,
    external: DefaultDirectRateLimiter,
}

impl Default for RegistrationLimit {
    fn default() -> Self {
        Self {
            loopback: RateLimiter::direct(Quota::per_minute(MAX_PER_MINUTE)),
            external: RateLimiter::direct(Quota::per_minute(MAX_EXTERNAL_PER_MINUTE)),
        }
    }
}

impl RegistrationLimit {
    pub(super) fn check(&self, audience: Audience) -> OAuthResult<()> {
        let limit = match audience {
            Audience::Loopback => &self.loopback,
            Audience::External => &self.external,
        };
        limit.check().map_err(|_| {
            let why = "too many clients register at the moment; try again in a while";
            OAuthRefusal::retry_after(RETRY_AFTER_SECONDS, why)
        })
    }
}

pub(super) async fn register(
    State(routes): State<OAuthRoutes>,
    headers: HeaderMap,
    body: axum::body::Body,
) -> OAuthResult<Response> {
    let body = read_body(&headers, body).await?;
    let said = read_metadata(&body)?;
    let metadata = ClientMetadata::read(&said)?;
    let client = routes.server.register(&metadata, routes.origin.audience()).await?;
    let mut answer = metadata.into_json();
    answer.insert("client_id".into(), client.client_id.into());
    answer.insert("client_id_issued_at".into(), (client.created_at.0 / 1000).into());
    let mut response = (StatusCode::CREATED, Json(answer)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn read_metadata(body: &Bytes) -> OAuthResult<Map<String, Value>> {
    serde_json::from_slice(body).map_err(|_| {
        OAuthRefusal::new(ErrorCode::InvalidClientMetadata, "the body has to be a JSON object")
    })
}

impl OAuthServer {
    /// The client of this metadata. A new one, if there is none yet.
    async fn register(
        &self,
        metadata: &ClientMetadata,
        audience: Audience,
    ) -> OAuthResult<OAuthClientRow> {
        let digest = metadata.digest(audience);
        if let Some(known) = self.store.oauth_client_with(digest).await? {
            return Ok(known);
        }
        self.registrations.check(audience)?;
        let client = OAuthClientRow {
            client_id: Uuid::new_v4().to_string(),
            digest,
            metadata: metadata.clone().into_json(),
            created_at: clock::now(),
            used_at: None,
        };
        let stored = self.store.put_oauth_client(client).await?;
        self.make_room().await?;
        Ok(stored)
    }

    async fn make_room(&self) -> store::Result<()> {
        self.store.delete_unused_oauth_clients(Timestamp(0), MAX_UNUSED_CLIENTS).await.map(drop)
    }
}
