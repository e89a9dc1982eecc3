//! Refusals of the owner's plane: a status and a sentence.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use super::types::Problem;
use crate::{
    approvals::DecideError,
    engine::Chain,
    integrations::{AddError, ChangeError},
    store::{InsertError, StoreError},
};

/// A request of the owner's that was refused.
#[derive(Debug)]
pub(crate) struct Refused {
    status: StatusCode,
    problem: Problem,
    /// Seconds after which it is worth trying again.
    retry_after: Option<u64>,
}

pub(crate) type Answer<T> = Result<T, Refused>;

impl Refused {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let problem = Problem { detail: sentence(detail.into()), field: None };
        Self { status, problem, retry_after: None }
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn invalid(field: &str, detail: impl Into<String>) -> Self {
        let mut refused = Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
        refused.problem.field = Some(field.to_owned());
        refused
    }

    pub(crate) fn too_soon(seconds: u64) -> Self {
        let detail = format!("Too many failed attempts. Try again in {seconds} s.");
        let mut refused = Self::new(StatusCode::TOO_MANY_REQUESTS, detail);
        refused.retry_after = Some(seconds);
        refused
    }

    fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %Chain(error), "a request of the owner's failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("AgentPort could not do that: {}", Chain(error)),
        )
    }
}

/// Errors here read as parts of a sentence; the owner gets a whole one.
fn sentence(text: String) -> String {
    // The name of a field stays as it is written.
    if text.split(' ').next().is_some_and(|word| word.contains('_')) {
        return text;
    }
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return text };
    let mut sentence: String = first.to_uppercase().chain(chars).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.problem)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::internal(&error)
    }
}

impl From<InsertError> for Refused {
    fn from(error: InsertError) -> Self {
        match error {
            InsertError::NameTaken(_) => Self::new(StatusCode::CONFLICT, error.to_string()),
            InsertError::Store(error) => error.into(),
        }
    }
}

impl From<DecideError> for Refused {
    fn from(error: DecideError) -> Self {
        let status = match &error {
            DecideError::Unknown(_) => StatusCode::NOT_FOUND,
            DecideError::WrongState(_) | DecideError::Changed => StatusCode::CONFLICT,
            DecideError::InvalidArguments(_) | DecideError::NotAnObject => {
                return Self::invalid("arguments", error.to_string());
            }
            DecideError::BadMinutes | DecideError::OnceOnly | DecideError::WhoseSession => {
                return Self::invalid("grant", error.to_string());
            }
            DecideError::Store(error) => return Self::internal(error),
        };
        Self::new(status, error.to_string())
    }
}

impl From<AddError> for Refused {
    fn from(error: AddError) -> Self {
        let status = match &error {
            AddError::Exists(_) => StatusCode::CONFLICT,
            AddError::Unreachable(_) | AddError::NotWithThese(_) => StatusCode::BAD_GATEWAY,
            AddError::Store(error) => return Self::internal(error),
            AddError::Unusable(_) | AddError::UnknownBuiltin | AddError::UnusedSecret(_) => {
                return Self::invalid("connection", error.to_string());
            }
        };
        Self::new(status, error.to_string())
    }
}

impl From<ChangeError> for Refused {
    fn from(error: ChangeError) -> Self {
        match &error {
            ChangeError::Unknown(_) => Self::not_found(error.to_string()),
            ChangeError::BadMode(_) => Self::invalid("default_mode", error.to_string()),
            ChangeError::Connect(_) | ChangeError::Store(_) => Self::internal(&error),
        }
    }
}
