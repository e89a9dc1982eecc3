//! The owner's plane as the app itself uses it: for the tray, for notifications. The same router that windows reach.

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt as _;

use agentport_api::Problem;

use crate::running::Running;

/// Why something asked of the owner's plane was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error("AgentPort's gateway is not running")]
    NotRunning,
    #[error("{detail}")]
    Refused { status: StatusCode, detail: String, code: Option<String> },
    #[error("the gateway's answer could not be read")]
    Unreadable(#[source] serde_json::Error),
    #[error("the gateway broke its answer off")]
    BrokenOff(#[source] axum::Error),
}

impl AskError {
    /// The second factor is on: only a window can ask for the code.
    pub(crate) fn needs_confirmation(&self) -> bool {
        matches!(self, Self::Refused { code: Some(code), .. } if code == "confirmation_needed")
    }
}

/// Asks as the owner. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Owner(Running);

impl Owner {
    pub(crate) fn new(running: Running) -> Self {
        Self(running)
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AskError> {
        self.ask(Method::GET, path, None).await
    }

    /// Sends `body` and reads the answer; an empty one reads as `null`.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<T, AskError> {
        let up = self.0.up().ok_or(AskError::NotRunning)?;
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .expect("paths are made of our own words and of ids");
        let response = match up.owner.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(AskError::BrokenOff)?.to_bytes();
        if !status.is_success() {
            return Err(refused(status, &bytes));
        }
        let text: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        serde_json::from_slice(text).map_err(AskError::Unreadable)
    }
}

fn refused(status: StatusCode, body: &[u8]) -> AskError {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => AskError::Refused { status, detail: problem.detail, code: problem.code },
        Err(_) => {
            AskError::Refused { status, detail: format!("The gateway said {status}."), code: None }
        }
    }
}
