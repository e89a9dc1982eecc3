//! The routes of a window: the control API, and the desktop's own.

use std::{path::PathBuf, sync::Arc};

use agentport_api::Problem;
use agentport_core::ErrorChain;
use axum::{
    Json, Router,
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use http::StatusCode;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;

use super::{control, desktop, open, save, streams::WindowStreams};
use crate::context::AppContext;

/// State of the routes. Cheap to clone.
#[derive(Clone)]
pub(super) struct IpcState {
    pub context: AppContext,
    pub streams: WindowStreams,
    /// Files saved by [`super::save`]. No other file is revealed.
    pub saved: Arc<Mutex<Vec<PathBuf>>>,
}

impl IpcState {
    pub(super) fn new(context: AppContext) -> Self {
        Self { context, streams: WindowStreams::default(), saved: Arc::default() }
    }

    pub(super) fn router(&self) -> Router {
        Router::new()
            .route("/desktop", get(desktop::read))
            .route("/desktop/autostart", put(desktop::set_autostart))
            .route("/desktop/on-close", put(desktop::set_on_close))
            .route("/desktop/view", put(desktop::set_view))
            .route("/desktop/port", put(desktop::set_port))
            .route("/desktop/try-again", post(desktop::try_again))
            .route("/desktop/test-notification", post(desktop::test_notification))
            .route("/desktop/quit", post(desktop::quit))
            .route("/desktop/window", post(open::window).delete(open::close))
            .route("/desktop/open", post(open::page))
            .route("/desktop/copy", post(open::copy))
            .route("/desktop/save", post(save::save))
            .route("/desktop/reveal", post(save::reveal))
            .route("/desktop/stream/{number}", delete(desktop::end_stream))
            // Not a nested route: what its pattern caught would be among the path parameters of the control API.
            .fallback(control::forward)
            .method_not_allowed_fallback(not_found)
            .with_state(self.clone())
    }
}

/// A refused request: a status and a sentence.
#[derive(Debug)]
pub(super) struct IpcProblem {
    status: StatusCode,
    problem: Problem,
}

pub(super) type IpcResult<T> = Result<T, IpcProblem>;

impl IpcProblem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, problem: Problem::new(detail) }
    }

    pub(super) fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail).at_field(field)
    }

    /// The desktop refused.
    pub(super) fn failed(error: &dyn std::error::Error) -> Self {
        let detail = format!("AgentPort could not do that: {}.", ErrorChain(error));
        tracing::warn!("{detail}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }

    pub(super) fn at_field(mut self, field: &str) -> Self {
        self.problem.field = Some(field.to_owned());
        self
    }

    pub(super) fn with_code(mut self, code: &str) -> Self {
        self.problem.code = Some(code.to_owned());
        self
    }
}

impl IntoResponse for IpcProblem {
    fn into_response(self) -> Response {
        (self.status, Json(self.problem)).into_response()
    }
}

/// Parses a JSON body.
pub(super) fn parse_body<T: DeserializeOwned>(body: &str) -> IpcResult<T> {
    serde_json::from_str(body).map_err(|error| {
        IpcProblem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("That has an unknown form: {error}."),
        )
    })
}

pub(super) async fn not_found() -> IpcProblem {
    IpcProblem::new(StatusCode::NOT_FOUND, "There is nothing here.")
}
