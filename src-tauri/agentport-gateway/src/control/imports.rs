//! Routes of servers from files: MCPB bundles and the `server.json` of a registry.

use agentport_api::{CommandPreview, ImportSource, InstallImport, IntegrationView, ServerFileView};
use agentport_core::{ErrorChain, audit::Actor, sanitize};
use axum::{Json, extract::State};
use http::StatusCode;

use super::{
    Control,
    error::{ApiError, ApiResult},
    integrations::MAX_NAME,
};
use crate::installs::ImportError;

/// Largest request: a file of the largest size in base64, and what else is in it.
pub(super) const MAX_BYTES: usize = crate::imports::MAX_FILE_BYTES / 3 * 4 + 1024 * 1024;

pub(super) async fn read(
    State(control): State<Control>,
    Json(source): Json<ImportSource>,
) -> ApiResult<Json<ServerFileView>> {
    Ok(Json(control.installer.read_import(&source).await?))
}

pub(super) async fn preview(
    State(control): State<Control>,
    Json(wanted): Json<InstallImport>,
) -> ApiResult<Json<CommandPreview>> {
    Ok(Json(control.installer.preview_import(&wanted).await?))
}

pub(super) async fn install(
    State(control): State<Control>,
    Json(mut wanted): Json<InstallImport>,
) -> ApiResult<(StatusCode, Json<IntegrationView>)> {
    let name = wanted.name.map(|name| sanitize::sanitize_line(&name, MAX_NAME));
    wanted.name = name.filter(|name| !name.is_empty());
    let row = control.installer.install_import(wanted, Actor::Owner).await?;
    Ok((StatusCode::CREATED, Json(control.integration(&row.id)?)))
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        let sentence = ErrorChain(&error).to_string();
        match error {
            ImportError::OtherFile => Self::new(StatusCode::CONFLICT, sentence),
            ImportError::NoOption { .. } => Self::invalid("option", sentence),
            ImportError::Install(error) => error.into(),
            ImportError::RelativePath(_)
            | ImportError::File { .. }
            | ImportError::NoFile(_)
            | ImportError::TooLarge
            | ImportError::NoBase64
            | ImportError::Read(_)
            | ImportError::Store(_) => Self::invalid("source", sentence),
        }
    }
}
