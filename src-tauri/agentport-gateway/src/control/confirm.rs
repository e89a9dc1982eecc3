//! Confirmations: after a one-time code, the owner may make changes that widen what agents can do, for a few minutes.

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
    /// Succeeds if the second factor is off or the request has a valid confirmation.
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
