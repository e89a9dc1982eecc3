//! Errors of the setup use cases, and how the control API answers them.

use std::{io, path::PathBuf};

use agentport_api::Problem;
use agentport_clients::{apply::ApplyError, backups::BackupsError, plan::PlanError};
use agentport_core::ErrorChain;
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use crate::{cli_path, control::GatewayError, recheck::StalePlan};

#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("there is no client {0:?}")]
    UnknownClient(String),
    #[error("{path} is none of the files {client} is configured with")]
    NotItsFile { client: String, path: PathBuf },
    #[error("{client} has no file for that on this system")]
    NoFile { client: String },
    /// In the named field of the request.
    #[error("{path} is no absolute path without detours")]
    NotAbsolute { path: PathBuf, field: &'static str },
    #[error("{path} could not be read")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "{client} reaches AgentPort by starting the program `agentport`, which has no lasting place beside this one; {}",
        cli_path::advice()
    )]
    NoProgram { client: String },
    #[error(transparent)]
    Plan(PlanError),
    #[error(transparent)]
    Backups(#[from] BackupsError),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    #[error("this plan is too old, or was carried out already; make a new one")]
    NoSuchPlan,
    #[error("{path} has changed since the plan was made; make a new one")]
    Changed { path: PathBuf },
    #[error(transparent)]
    StalePlan(#[from] StalePlan),
    #[error("something is to be chosen first")]
    Undecided,
    #[error("the key of the bridge could not be written")]
    BridgeKey(#[source] io::Error),
    #[error(transparent)]
    Apply(ApplyError),
    #[error("this needs a running gateway")]
    NeedsGateway,
}

impl From<PlanError> for SetupError {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

impl From<ApplyError> for SetupError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Changed { path } => Self::Changed { path },
            other => Self::Apply(other),
        }
    }
}

impl SetupError {
    fn status(&self) -> StatusCode {
        match self {
            Self::UnknownClient(_) => StatusCode::NOT_FOUND,
            Self::NotItsFile { .. }
            | Self::NotAbsolute { .. }
            | Self::Undecided
            | Self::Apply(ApplyError::Undecided)
            | Self::Plan(PlanError::Parse { .. } | PlanError::Edit { .. }) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::NoFile { .. }
            | Self::NoProgram { .. }
            | Self::NoSuchPlan
            | Self::Changed { .. }
            | Self::StalePlan(_)
            | Self::NeedsGateway
            | Self::Plan(
                PlanError::NoSuchWay { .. }
                | PlanError::NameTaken { .. }
                | PlanError::HoldsPlaceholder { .. }
                | PlanError::Ineligible { .. },
            )
            | Self::Backups(BackupsError::Nothing { .. } | BackupsError::Busy)
            | Self::Apply(ApplyError::Busy) => StatusCode::CONFLICT,
            // What is there is no client's file.
            Self::Read { source, .. } if source.kind() == io::ErrorKind::InvalidInput => {
                StatusCode::CONFLICT
            }
            Self::Gateway(GatewayError::Refused { status, .. }) => *status,
            Self::Read { .. }
            | Self::Backups(_)
            | Self::Gateway(_)
            | Self::BridgeKey(_)
            | Self::Apply(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The field of the request that is at fault.
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::NotItsFile { .. } => Some("path"),
            Self::NotAbsolute { field, .. } => Some(field),
            Self::Undecided => Some("choices"),
            Self::Plan(PlanError::NoSuchWay { .. } | PlanError::HoldsPlaceholder { .. }) => {
                Some("via")
            }
            _ => None,
        }
    }

    /// The whole of it, in one sentence.
    pub fn sentence(&self) -> String {
        let mut text = ErrorChain(self).to_string();
        if !text.ends_with(['.', '!', '?']) {
            text.push('.');
        }
        // The name of a file stays as it is written.
        if text.split(' ').next().is_some_and(|word| word.contains(['.', '/', '\\'])) {
            return text;
        }
        let mut chars = text.chars();
        let first = chars.next().map(char::to_uppercase);
        first.into_iter().flatten().chain(chars).collect()
    }
}

impl IntoResponse for SetupError {
    fn into_response(self) -> Response {
        let status = self.status();
        if let Self::Gateway(GatewayError::Refused { problem, .. }) = self {
            return (status, Json(problem)).into_response();
        }
        if status.is_server_error() {
            tracing::error!(error = self.sentence(), "a client's files could not be worked on");
        }
        let field = self.field().map(str::to_owned);
        (status, Json(Problem { field, ..Problem::new(self.sentence()) })).into_response()
    }
}

#[cfg(test)]
mod tests {
    use crate::error::*;

    #[test]
    fn every_refusal_is_one_whole_sentence() {
        let source = io::Error::new(io::ErrorKind::PermissionDenied, "permission denied");
        let read = SetupError::Read { path: "/x".into(), source };
        assert_eq!(read.sentence(), "/x could not be read: permission denied.");
        assert_eq!(read.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let unknown = SetupError::UnknownClient("curser".into());
        assert_eq!(unknown.sentence(), "There is no client \"curser\".");
        let outside = SetupError::NotAbsolute { path: "mcp.json".into(), field: "path" };
        assert_eq!(outside.sentence(), "mcp.json is no absolute path without detours.");
        let parse = agentport_clients::document::ParseError {
            line: 3,
            column: 7,
            message: "a comma is missing".into(),
        };
        let parse = SetupError::Plan(PlanError::Parse { path: "/x".into(), source: parse });
        assert_eq!(parse.sentence(), "/x does not parse: line 3, column 7: a comma is missing.");
        assert_eq!(parse.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
}
