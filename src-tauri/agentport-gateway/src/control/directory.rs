//! Routes of the directory: list and install integrations.

use agentport_api::{
    AvailableIntegration, CommandPreview, FieldValues, InstallAvailable, IntegrationView, Items,
    Program,
};
use agentport_core::audit::Actor;
use axum::{
    Json,
    extract::{Path, Query, State},
};
use http::StatusCode;
use serde::Deserialize;

use super::{
    Control,
    error::{ApiError, ApiResult},
};
use crate::{
    directory::{self, DirectoryEntry, NotOffered},
    installs::InstallError,
};

#[derive(Debug, Default, Deserialize)]
pub(super) struct InstallBody {
    #[serde(default)]
    q: String,
}

/// Includes installed ones, marked as such.
pub(super) async fn list(
    State(control): State<Control>,
    Query(wanted): Query<InstallBody>,
) -> Json<Items<AvailableIntegration>> {
    let items = directory::search(&wanted.q).into_iter().map(|listed| control.available(listed));
    Json(Items { items: items.collect() })
}

pub(super) async fn read(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> ApiResult<Json<AvailableIntegration>> {
    Ok(Json(control.available(directory::find_offered(&id)?)))
}

/// What a local server would run with these values.
pub(super) async fn preview(
    Path(id): Path<String>,
    Json(values): Json<FieldValues>,
) -> ApiResult<Json<CommandPreview>> {
    let listed = directory::find_offered(&id)?;
    let Some(launch) = &listed.launch else {
        return Err(ApiError::not_found(format!("{} runs nothing on this computer", listed.name)));
    };
    let filled = launch.fill(&values).map_err(InstallError::from)?;
    let command = filled.connection.program().map(Program::line).unwrap_or_default();
    Ok(Json(CommandPreview { command }))
}

pub(super) async fn install(
    State(control): State<Control>,
    Path(id): Path<String>,
    Json(wanted): Json<InstallAvailable>,
) -> ApiResult<(StatusCode, Json<IntegrationView>)> {
    let row =
        control.installer.install(directory::find_offered(&id)?, wanted, Actor::Owner).await?;
    Ok((StatusCode::CREATED, Json(control.integration(&row.id)?)))
}

impl Control {
    pub(super) fn available(&self, listed: &DirectoryEntry) -> AvailableIntegration {
        listed.view(self.catalogue.get(&listed.id).is_some())
    }
}

impl From<NotOffered> for ApiError {
    fn from(error: NotOffered) -> Self {
        Self::not_found(error.to_string())
    }
}

impl From<InstallError> for ApiError {
    fn from(error: InstallError) -> Self {
        let sentence = error.to_string();
        match error {
            InstallError::OtherWay { .. } | InstallError::BySignIn { .. } => {
                Self::invalid("method", sentence)
            }
            InstallError::Variant(_) => Self::invalid("variant", sentence),
            InstallError::MissingSecret { .. } | InstallError::UnknownSecret { .. } => {
                Self::invalid("secrets", sentence)
            }
            InstallError::Field(error) => Self::invalid(error.field(), sentence),
            InstallError::NoFolder { .. } => Self::invalid("fields", sentence),
            InstallError::NotAccepted { command } => Self::not_accepted(sentence, command),
            InstallError::Add(error) => error.into(),
        }
    }
}
