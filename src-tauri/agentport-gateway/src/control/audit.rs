//! Routes of the audit log: list, verify its hash chain, export.

use agentport_api::{AuditRow, AuditVerdict, Items};
use axum::{
    Json,
    extract::{Query, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, header};
use serde::Deserialize;

use super::{Control, error::ApiResult};

#[derive(Debug, Deserialize)]
pub(super) struct AuditQuery {
    limit: Option<u32>,
    before: Option<i64>,
}

pub(super) async fn list(
    State(control): State<Control>,
    Query(which): Query<AuditQuery>,
) -> ApiResult<Json<Items<AuditRow>>> {
    let limit = which.limit.unwrap_or(100).clamp(1, 1_000);
    let items = control.audit.list(limit, which.before).await?;
    Ok(Json(Items { items }))
}

pub(super) async fn verify(State(control): State<Control>) -> ApiResult<Json<AuditVerdict>> {
    Ok(Json(control.audit.verify().await?))
}

/// JSON lines, oldest first.
pub(super) async fn export(State(control): State<Control>) -> ApiResult<Response> {
    let rows = control.audit.export().await?;
    let mut lines = String::new();
    for row in rows {
        lines.push_str(&serde_json::to_string(&row).unwrap_or_default());
        lines.push('\n');
    }
    let mut response = lines.into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jsonl"));
    Ok(response)
}
