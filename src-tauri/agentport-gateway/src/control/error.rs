//! The error response of a control route: a status and a sentence for the owner (`Problem`).

use agentport_api::Problem;
use agentport_core::ErrorChain;
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use super::password::PasswordError;
use crate::{
    approvals::DecideError,
    integrations::{AddError, ChangeError, ConnectError, PinError, TooMuch},
    store::{InsertError, StoreError},
    upstream::UpstreamError,
};

/// Error of a control route, as its response.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    problem: Problem,
    /// Seconds for the header Retry-After.
    retry_after: Option<u64>,
}

pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let problem = Problem::new(sentence(detail.into()));
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

    /// Another command would run than the owner has accepted.
    pub(crate) fn not_accepted(detail: impl Into<String>, command: String) -> Self {
        // The command ends the sentence as it is, without a full stop.
        let problem = Problem { command: Some(command.into()), ..Problem::new(detail) };
        Self { status: StatusCode::CONFLICT, problem, retry_after: None }
            .with_code("command_not_accepted")
    }

    /// Prefixes the position in a document, such as `rules[3]`.
    pub(crate) fn at(mut self, place: &str) -> Self {
        self.status = StatusCode::UNPROCESSABLE_ENTITY;
        self.problem.detail = format!("{place}: {}", self.problem.detail);
        self.problem.field = Some(match self.problem.field {
            Some(field) => format!("{place}.{field}"),
            None => place.to_owned(),
        });
        self
    }

    pub(crate) fn too_soon(seconds: u64) -> Self {
        let detail = format!("Too many failed attempts. Try again in {seconds} s.");
        let mut refused = Self::new(StatusCode::TOO_MANY_REQUESTS, detail);
        refused.retry_after = Some(seconds);
        refused
    }

    /// The request widens what agents may do and needs a confirmation by the second factor.
    pub(crate) fn confirmation_needed() -> Self {
        let detail = "This allows more than before, so it needs a one-time code.";
        Self::new(StatusCode::FORBIDDEN, detail).with_code("confirmation_needed")
    }

    /// The password was right; the sign-in also needs a one-time code.
    pub(crate) fn code_needed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail).with_code("code_needed")
    }

    /// Turns a refused code into the sign-in's request for another one.
    pub(crate) fn at_login(self) -> Self {
        match self.status {
            StatusCode::UNPROCESSABLE_ENTITY => Self::code_needed(self.problem.detail),
            _ => self,
        }
    }

    fn with_code(mut self, code: &str) -> Self {
        self.problem.code = Some(code.to_owned());
        self
    }

    /// The field at fault and the sentence.
    #[cfg(test)]
    pub(crate) fn said(self) -> (String, String) {
        (self.problem.field.unwrap_or_default(), self.problem.detail)
    }

    fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %ErrorChain(error), "a request of the owner's failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("AgentPort could not do that: {}", ErrorChain(error)),
        )
    }
}

/// Makes a full sentence of an error's text.
fn sentence(text: String) -> String {
    // A field name keeps its lower case.
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

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.problem)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match &error {
            PasswordError::TooShort | PasswordError::TooLong => {
                Self::invalid("new", error.to_string())
            }
            PasswordError::Hash(_) | PasswordError::Store(_) => Self::internal(&error),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::internal(&error)
    }
}

impl From<InsertError> for ApiError {
    fn from(error: InsertError) -> Self {
        match error {
            InsertError::NameTaken(_) => Self::new(StatusCode::CONFLICT, error.to_string()),
            InsertError::Store(error) => error.into(),
        }
    }
}

impl From<DecideError> for ApiError {
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

impl From<AddError> for ApiError {
    fn from(error: AddError) -> Self {
        let status = match &error {
            AddError::Exists(_) | AddError::AlreadyPending(_) | AddError::Cancelled => {
                StatusCode::CONFLICT
            }
            AddError::BadAttempt => return Self::invalid("attempt", error.to_string()),
            AddError::NoFreeId => return Self::invalid("id", error.to_string()),
            AddError::UnusableSecret(_) => return Self::invalid("secrets", error.to_string()),
            AddError::TokenNeeded(place) => {
                let mut refused =
                    Self::new(StatusCode::BAD_GATEWAY, error.to_string()).with_code("token_needed");
                refused.problem.field = Some("secrets".to_owned());
                refused.problem.token = Some(Box::new(place.clone()));
                return refused;
            }
            // It answered, and wants other secrets: trying again later changes nothing.
            AddError::Unreachable(UpstreamError::NeedsAuth { .. })
            | AddError::NotWithThisAccount(UpstreamError::NeedsAuth { .. }) => {
                let mut refused = Self::new(StatusCode::BAD_GATEWAY, error.to_string());
                refused.problem.field = Some("secrets".to_owned());
                return refused;
            }
            AddError::Unreachable(_)
            | AddError::NotWithThese(_)
            | AddError::NotWithThisAccount(_) => StatusCode::BAD_GATEWAY,
            AddError::NoTokenAccounts(_) => {
                return Self::invalid("integration", error.to_string());
            }
            AddError::Account(_) => match error {
                AddError::Account(error) => return error.into(),
                _ => StatusCode::CONFLICT,
            },
            AddError::Store(error) => return Self::internal(error),
            AddError::TooMuchImported(error) => return error.into(),
            AddError::Unusable(_) | AddError::UnknownBuiltin | AddError::UnusedSecret(_) => {
                return Self::invalid("connection", error.to_string());
            }
        };
        Self::new(status, error.to_string())
    }
}

impl From<&TooMuch> for ApiError {
    fn from(error: &TooMuch) -> Self {
        Self::invalid("imported", error.to_string())
    }
}

/// Error of a connection that was only validated.
impl From<ConnectError> for ApiError {
    fn from(error: ConnectError) -> Self {
        match &error {
            ConnectError::Store(_) | ConnectError::Sealed { .. } => Self::internal(&error),
            _ => Self::invalid("connection", error.to_string()),
        }
    }
}

impl From<PinError> for ApiError {
    fn from(error: PinError) -> Self {
        match &error {
            PinError::Unknown(_) => Self::not_found(error.to_string()),
            PinError::NoPackage(_) => Self::invalid("connection", error.to_string()),
            PinError::NoVersion(_) | PinError::BadVersion(_) => {
                Self::invalid("version", error.to_string())
            }
            PinError::NotAccepted { command } => {
                Self::not_accepted(error.to_string(), command.clone())
            }
            PinError::NotWithThis(_) => Self::new(StatusCode::BAD_GATEWAY, error.to_string()),
            PinError::Connect(_) | PinError::Store(_) => Self::internal(&error),
        }
    }
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match &error {
            ChangeError::Unknown(_) => Self::not_found(error.to_string()),
            ChangeError::BadMode(_) => Self::invalid("default_mode", error.to_string()),
            ChangeError::NotLocal(_)
            | ChangeError::BadVariable(_)
            | ChangeError::GivenTwice(_)
            | ChangeError::NoVariable(_)
            | ChangeError::InArguments(_)
            | ChangeError::UnusableSecret(_) => Self::invalid("env", error.to_string()),
            ChangeError::BadTimeout(_) => {
                Self::invalid("startup_timeout_seconds", error.to_string())
            }
            ChangeError::Connect(_) | ChangeError::Store(_) => Self::internal(&error),
        }
    }
}
