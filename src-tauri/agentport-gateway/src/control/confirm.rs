//! Confirmations: the owner shows a code, and for a few minutes may do what lets agents do more.

use agentport_api::{Code, Confirmation, headers::CONFIRMATION};
use axum::{Json, extract::State};
use http::HeaderMap;

use super::{
    Control,
    error::{ApiError, ApiResult},
};
use crate::clock;

pub(super) async fn confirm(
    State(control): State<Control>,
    Json(shown): Json<Code>,
) -> ApiResult<Json<Confirmation>> {
    control.take_code(&shown.code).await.map(Json)
}

impl Control {
    /// Goes on where the second factor is off, or where the request shows a confirmation that still counts.
    pub(super) async fn confirmed(&self, headers: &HeaderMap) -> ApiResult<()> {
        if !self.second_factor_is_on().await? {
            return Ok(());
        }
        let shown = headers.get(CONFIRMATION).and_then(|value| value.to_str().ok());
        match shown.and_then(|token| self.codes.confirmations.find(token, clock::now())) {
            Some(_) => Ok(()),
            None => Err(ApiError::confirmation_needed()),
        }
    }
}
