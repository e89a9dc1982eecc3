//! The response of every path that no API serves.

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

/// 404. There is no OAuth server yet, and clients that look for one get this answer (RFC 9728, RFC 8414).
pub(crate) async fn nothing_here() -> Response {
    (StatusCode::NOT_FOUND, axum::Json(serde_json::json!({ "detail": "there is nothing here" })))
        .into_response()
}
