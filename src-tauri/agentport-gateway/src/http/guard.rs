//! Checks of every request's Host and Origin headers, before any route sees it.
//!
//! A web page can make a browser send requests to loopback: cross-site, or under a host name of its own that resolves
//! to 127.0.0.1 (DNS rebinding). So the host must be one of the gateway's own names, and an Origin header, which
//! browsers send and programs do not, must be the gateway's own too. No CORS header is ever sent.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};

/// Refuses requests to other hosts, then those of pages of other origins.
pub(super) async fn guard(
    State(origins): State<Arc<[String]>>,
    request: Request,
    next: Next,
) -> Response {
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
