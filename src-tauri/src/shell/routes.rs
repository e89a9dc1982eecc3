//! The routes a window has: the owner's plane, and the desktop's own.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use agentport_api::Problem;
use axum::{
    Json, Router,
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use http::StatusCode;
use serde::de::DeserializeOwned;
use tokio_util::task::TaskTracker;

use super::{control, desktop, open, save, streams::Streams};
use crate::{
    desk::Desk,
    notices::Notices,
    owner::Owner,
    running::{Running, chain},
};

/// What the routes work on.
#[derive(Clone)]
pub(crate) struct Parts {
    pub running: Running,
    pub owner: Owner,
    pub desk: Arc<dyn Desk>,
    pub notices: Arc<dyn Notices>,
    pub tasks: TaskTracker,
}

/// What the routes work on, and what they keep. Cheap to clone.
#[derive(Clone)]
pub(super) struct Shell {
    pub parts: Parts,
    pub streams: Streams,
    /// Files we saved. No other is ever revealed.
    pub saved: Arc<Mutex<Vec<PathBuf>>>,
}

impl Shell {
    pub(super) fn new(parts: Parts) -> Self {
        Self { parts, streams: Streams::default(), saved: Arc::default() }
    }

    pub(super) fn router(&self) -> Router {
        Router::new()
            .route("/desktop", get(desktop::read))
            .route("/desktop/autostart", put(desktop::set_autostart))
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
            // Not a route of its own: what its pattern caught would be among the parameters of the plane's routes.
            .fallback(control::pass_on)
            .method_not_allowed_fallback(nothing_here)
            .with_state(self.clone())
    }
}

/// A request that was refused: a status and a sentence.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    problem: Problem,
}

pub(super) type Answer<T> = Result<T, Refused>;

impl Refused {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, problem: Problem { detail: detail.into(), field: None, code: None } }
    }

    pub(super) fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail).at_field(field)
    }

    /// The machine would not do it.
    pub(super) fn failed(error: &dyn std::error::Error) -> Self {
        let detail = format!("AgentPort could not do that: {}.", chain(error));
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

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(self.problem)).into_response()
    }
}

/// Reads what was sent.
pub(super) fn take<T: DeserializeOwned>(body: &str) -> Answer<T> {
    serde_json::from_str(body).map_err(|error| {
        Refused::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("That has an unknown form: {error}."),
        )
    })
}

pub(super) async fn nothing_here() -> Refused {
    Refused::new(StatusCode::NOT_FOUND, "There is nothing here.")
}
