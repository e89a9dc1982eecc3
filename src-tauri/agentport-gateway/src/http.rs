//! The HTTP server: guards first, then the doors.
//!
//! Loopback is hostile: web pages can reach it (DNS rebinding, cross-site requests), and so can every program of this
//! account. So the host has to be our own name, an origin, where a browser sends one, our own, and no CORS header is
//! ever sent. What a program may do is decided by the credential it shows.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{Path, Request, State},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{any, get},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};

use crate::{
    assets::Assets,
    control::{self, Control},
    engine::Engine,
    mcp::{self, McpEndpoint},
    rest,
};

/// The names under which the gateway is addressed, with its port.
pub(crate) fn own_origins(port: u16) -> Vec<String> {
    ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("http://{host}:{port}")).to_vec()
}

/// Everything on the agent plane, and the owner's plane behind its sign-in if `control` is given.
pub(crate) fn router(
    engine: &Arc<Engine>,
    endpoint: McpEndpoint,
    control: Option<Control>,
    ui: Assets,
) -> Router {
    let mcp = Router::new()
        .route("/mcp", any(mcp::serve))
        .route("/mcp/", any(mcp::serve))
        .with_state(endpoint);
    let pages = Router::new()
        .route("/health", get(health))
        .route("/approve/{id}", get(approve_page))
        .route("/.well-known/{*rest}", any(nothing_here))
        .with_state(engine.clone());
    let mut router = Router::new().merge(mcp).merge(pages).merge(rest::router(engine.clone()));
    if let Some(control) = control {
        router = router
            .merge(control::guarded(control.clone(), control::owner_router(control)))
            .fallback(move |method: Method, uri: Uri, headers: HeaderMap| async move {
                ui.answer(&method, &uri, &headers)
            });
    }
    let origins: Arc<[String]> = own_origins(engine.address.port).into();
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

/// There is no OAuth server yet, and clients that look for one must be told so (RFC 9728, RFC 8414).
async fn nothing_here() -> Response {
    (StatusCode::NOT_FOUND, axum::Json(serde_json::json!({ "detail": "there is nothing here" })))
        .into_response()
}

/// The page a request's URL leads to. It has no power and tells nothing: whoever opens it may be an agent. It sends
/// the owner to where the owner is known.
async fn approve_page(State(engine): State<Arc<Engine>>, Path(id): Path<String>) -> Response {
    let Ok(id) = id.parse::<agentport_core::ApprovalId>() else {
        return page(
            StatusCode::NOT_FOUND,
            "There is no such request",
            "The link is not complete.",
        );
    };
    let link = format!("{}/#/approvals/{id}", engine.address.origin());
    page(
        StatusCode::OK,
        "A request of an agent’s",
        &format!(
            "If it waits for you, it waits in AgentPort: nothing can be decided or read on this page. <a href=\"{link}\">Open the request in AgentPort</a>, where you can \
             see what is asked, approve it or deny it."
        ),
    )
}

fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} · AgentPort</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1><p>{body}</p></main></body></html>"
    );
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] as [(HeaderName, &'static str); 4]
    {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;display:grid;place-items:center;min-height:100vh;\
                     background:Canvas;color:CanvasText;color-scheme:light dark}main{max-width:32rem;padding:2rem}\
                     h1{font-size:1.4rem}";

/// The loopback addresses to listen on.
pub(crate) fn addresses(port: u16) -> [SocketAddr; 2] {
    [([127, 0, 0, 1], port).into(), ([0, 0, 0, 0, 0, 0, 0, 1], port).into()]
}
