//! Guards that every MCP request over HTTP passes, whichever transport it comes by: credential, view, body, envelope,
//! parameters. The refusal of a guard is the response itself.

use std::sync::Arc;

use agentport_core::{ErrorChain, profile::Profile};
use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, BodyStream, Full, StreamBody};

use super::{
    envelope::{Envelope, InvalidMessage},
    keepalive::ResponseBody,
    params::{self, ParamFault},
    revision::{JSON, is_event_stream},
    view_query::view_key,
};
use crate::auth::{Principal, challenge, unauthorized_reason};
use crate::{agent_api::AgentApi, agents::Login, clock, http::body};

/// What a guard lets through, or the response that refuses the request.
pub(super) type Guarded<T> = Result<T, Response<ResponseBody>>;

/// Guard: the credential, and the view the URL asks for.
pub(super) async fn authenticate(api: &AgentApi, parts: &Parts) -> Guarded<Principal> {
    let login = known_agent(api, parts).await?;
    view(api, login, parts.uri.query()).await
}

/// Guard: the credential.
pub(super) async fn known_agent(api: &AgentApi, parts: &Parts) -> Guarded<Arc<Login>> {
    api.auth.authenticate(parts).await.ok_or_else(|| unauthorized(api, parts))
}

/// Guard: the view that `mode`, `profile` and `tags` of the query ask for.
pub(super) async fn view(
    api: &AgentApi,
    login: Arc<Login>,
    query: Option<&str>,
) -> Guarded<Principal> {
    let profiles = named_profiles(api, query).await?;
    let named = |name: &str| profiles.iter().find(|p| p.name == name).cloned();
    let tagged = |tag: &str| {
        let snapshot = api.catalogue.snapshot();
        snapshot.integrations.values().any(|entry| entry.row.tags.iter().any(|t| t == tag))
    };
    let key = view_key(&login.agent, query, named, tagged)
        .map_err(|error| refusal(StatusCode::BAD_REQUEST, &error.to_string()))?;
    Ok(Principal { agent: login.agent.clone(), login, key: Arc::new(key) })
}

/// The profiles a query may name. Read only if one is named.
async fn named_profiles(api: &AgentApi, query: Option<&str>) -> Guarded<Vec<Arc<Profile>>> {
    if !query.is_some_and(|query| query.contains("profile")) {
        return Ok(Vec::new());
    }
    match api.store.profiles().await {
        Ok(profiles) => Ok(profiles.into_iter().map(Arc::new).collect()),
        Err(error) => {
            tracing::error!(error = %ErrorChain(&error), "profiles could not be read");
            Err(refusal(StatusCode::INTERNAL_SERVER_ERROR, "profiles could not be read; try again"))
        }
    }
}

/// Guard: the size of the body, and the time it takes to arrive.
pub(super) async fn read_body(headers: &HeaderMap, body: axum::body::Body) -> Guarded<Bytes> {
    body::read(headers, body).await.map_err(|unread| refusal(unread.status(), &unread.to_string()))
}

/// Guard: the parameters a request's method takes.
pub(super) fn check_params(envelope: &Envelope<'_>) -> Result<(), InvalidMessage> {
    let (Some(id), Some(method)) = (envelope.id, &envelope.method) else { return Ok(()) };
    params::check(method, envelope.params).map_err(|fault| match fault {
        ParamFault::Unreadable(reason) => InvalidMessage::unreadable_params(id, reason),
        ParamFault::Field(reason) => InvalidMessage::params(id, reason),
    })
}

/// The refusal of a message.
pub(super) fn invalid(invalid: &InvalidMessage) -> Response<ResponseBody> {
    invalid.response().map(|body| Full::new(body).boxed_unsync())
}

/// Ends an event stream when its agent is revoked, or the key or grant it came by ends.
pub(super) fn end_on_revocation(
    response: Response<ResponseBody>,
    login: &Login,
) -> Response<ResponseBody> {
    if !is_event_stream(&response) {
        return response;
    }
    let revoked = login.ended.clone().cancelled_owned();
    let left = login.agent.expires_at.map(|end| end.since(clock::now()));
    let over = async move {
        match left {
            Some(left) => drop(tokio::time::timeout(left, revoked).await),
            None => revoked.await,
        }
    };
    response.map(|body| StreamBody::new(BodyStream::new(body).take_until(over)).boxed_unsync())
}

fn unauthorized(api: &AgentApi, parts: &Parts) -> Response<ResponseBody> {
    let mut response = refusal(StatusCode::UNAUTHORIZED, &unauthorized_reason(&parts.headers));
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge(&api.address, parts));
    response
}

pub(super) fn refusal(status: StatusCode, detail: &str) -> Response<ResponseBody> {
    let body = serde_json::json!({ "detail": detail }).to_string();
    let mut response = Response::new(Full::new(Bytes::from(body)).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}
