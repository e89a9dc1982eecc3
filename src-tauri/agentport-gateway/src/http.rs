//! The HTTP server: guards first, then the doors.
//!
//! Loopback is hostile: web pages can reach it (DNS rebinding, cross-site requests), and so can every program of this
//! account. So the host has to be our own name, an origin, where a browser sends one, our own, and no CORS header is
//! ever sent. What a program may do is decided by the credential it shows.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{any, get},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};

use crate::{
    address::own_origins,
    agent_api::AgentApi,
    approve_page,
    assets::Assets,
    control::{self, Control},
    mcp::{self, McpEndpoint},
    not_found::nothing_here,
    rest,
};

/// Everything on the agent plane, and the owner's plane behind its sign-in.
pub(crate) fn router(
    api: &Arc<AgentApi>,
    endpoint: McpEndpoint,
    control: &Control,
    extensions: Router,
    ui: Assets,
) -> Router {
    let mcp = Router::new()
        .route("/mcp", any(mcp::serve))
        .route("/mcp/", any(mcp::serve))
        .with_state(endpoint);
    let pages = Router::new()
        .route("/health", get(health))
        .route("/.well-known/{*rest}", any(nothing_here))
        .merge(approve_page::router(control, control.front.reach()));
    let front = control.front.clone();
    let router = Router::new()
        .merge(mcp)
        .merge(pages)
        .merge(rest::router(api.clone()))
        .merge(control::over_tcp(control.clone(), extensions))
        .fallback(move |method: Method, uri: Uri, headers: HeaderMap| async move {
            match front.is_open() {
                true => ui.answer(&method, &uri, &headers),
                false => nothing_here().await,
            }
        });
    let origins: Arc<[String]> = own_origins(api.address.port).into();
    router.layer(middleware::from_fn_with_state(origins, guard))
}

/// Host, then Origin.
async fn guard(State(origins): State<Arc<[String]>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    // HTTP/1.1 has a Host header; an absolute request target says the same and must agree with it.
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let own = |authority: &[u8]| {
        origins
            .iter()
            .any(|origin| origin.as_bytes()["http://".len()..].eq_ignore_ascii_case(authority))
    };
    let target = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    if !host.is_some_and(own) || !target.is_none_or(own) {
        return refuse(
            "this is not the host you were looking for; use http://127.0.0.1 with the port",
        );
    }
    let mut named = headers.get_all(header::ORIGIN).iter();
    let ours = |origin: &HeaderValue| {
        origins.iter().any(|own| own.as_bytes().eq_ignore_ascii_case(origin.as_bytes()))
    };
    if !named.all(ours) {
        return refuse("pages of other origins may not call this");
    }
    next.run(request).await
}

fn refuse(detail: &str) -> Response {
    (StatusCode::FORBIDDEN, axum::Json(serde_json::json!({ "detail": detail }))).into_response()
}

/// Says that the gateway is up, and nothing else.
async fn health() -> Response {
    let body = serde_json::json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") });
    axum::Json(body).into_response()
}

/// The loopback addresses to listen on.
pub(crate) fn addresses(port: u16) -> [SocketAddr; 2] {
    [([127, 0, 0, 1], port).into(), ([0, 0, 0, 0, 0, 0, 0, 1], port).into()]
}
