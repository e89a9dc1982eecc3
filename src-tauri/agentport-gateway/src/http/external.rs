//! The agent API behind an external URL: served on a loopback port of its own, for a reverse proxy or a tunnel.
//!
//! It answers for the external host alone. The control API, the pages of approvals and the front end are not there, keys
//! are not accepted, and forwarded headers are not read: the proxy is trusted with nothing.

use std::{num::NonZeroU32, sync::Arc};

use axum::{
    Json, Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{AgentRoutes, accept, not_found::nothing_here};
use crate::{address::ExternalOrigin, oauth_server::ServerOrigin};

/// Connections of the proxy.
const MAX_CONNECTIONS: usize = 100;
/// Requests in a minute that are refused with their reason, to the OAuth server and to everything else.
const MAX_REFUSED_PER_MINUTE: NonZeroU32 = NonZeroU32::new(300).expect("not zero");

#[derive(Clone)]
struct ExternalGuard {
    origin: ExternalOrigin,
    /// Of the external URL, as `Host` names it.
    authority: Arc<str>,
    /// How the gateway is addressed by what does not know of external URLs.
    own_authority: HeaderValue,
    refused: Arc<DefaultDirectRateLimiter>,
    refused_oauth: Arc<DefaultDirectRateLimiter>,
}

/// The routes behind an external origin such as `https://agents.example.com`.
pub(crate) fn router(agents: &AgentRoutes, origin: &str) -> Router {
    let origin: Arc<str> = origin.into();
    let own = format!("127.0.0.1:{}", agents.api.address.port);
    let limit = || Arc::new(RateLimiter::direct(Quota::per_minute(MAX_REFUSED_PER_MINUTE)));
    let guard = ExternalGuard {
        authority: origin.trim_start_matches("https://").into(),
        own_authority: HeaderValue::try_from(own).expect("an address is a header value"),
        refused: limit(),
        refused_oauth: limit(),
        origin: ExternalOrigin(origin.clone()),
    };
    agents
        .router(ServerOrigin::External { origin }, None)
        .fallback(nothing_here)
        .layer(middleware::from_fn_with_state(guard, external_guard))
}

/// Serves the router until `stop`, which ends open streams as well.
pub(crate) fn serve(
    servers: &TaskTracker,
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) {
    let limits = accept::ListenerLimits { connections: MAX_CONNECTIONS, end: stop.clone() };
    accept::serve_within(limits, servers, listener, router, stop);
}

/// Refuses other hosts and the pages of other origins, and too many requests that nobody signed in for.
async fn external_guard(
    State(guard): State<ExternalGuard>,
    mut request: Request,
    next: Next,
) -> Response {
    let target = request.uri().authority().map(|authority| authority.as_str().to_owned());
    let headers = request.headers_mut();
    let hosts: Vec<&HeaderValue> = headers.get_all(header::HOST).iter().collect();
    let [host] = hosts[..] else {
        return refuse(StatusCode::FORBIDDEN, "the Host has to be named once");
    };
    let is_ours = |name: &str| {
        // A proxy may add the port that https has anyway.
        name.strip_suffix(":443").unwrap_or(name).eq_ignore_ascii_case(&guard.authority)
    };
    if !host.to_str().is_ok_and(is_ours) || !target.as_deref().is_none_or(is_ours) {
        return refuse(StatusCode::FORBIDDEN, "this is not the host of the external URL");
    }
    let ours =
        |origin: &HeaderValue| origin.as_bytes().eq_ignore_ascii_case(guard.origin.0.as_bytes());
    if !headers.get_all(header::ORIGIN).iter().all(ours) {
        return refuse(StatusCode::FORBIDDEN, "pages of other origins may not call this");
    }
    // Checked, and not a name the protocol library knows.
    headers.remove(header::ORIGIN);
    headers.insert(header::HOST, guard.own_authority.clone());
    let to_oauth = request.uri().path().starts_with("/oauth/");
    request.extensions_mut().insert(guard.origin.clone());
    let response = next.run(request).await;
    // What succeeds is never counted, so that a flood does not keep agents from renewing their tokens.
    let limit = match (response.status().is_client_error(), to_oauth) {
        (false, _) => return response,
        (true, true) => &guard.refused_oauth,
        (true, false) => &guard.refused,
    };
    match limit.check() {
        Ok(()) => response,
        Err(_) => too_many(),
    }
}

fn too_many() -> Response {
    let body = json!({
        "error": "temporarily_unavailable",
        "error_description": "too many requests that nobody signed in for; try again in a minute",
    });
    let mut response = (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    response
}

fn refuse(status: StatusCode, detail: &str) -> Response {
    (status, Json(json!({ "detail": detail }))).into_response()
}
