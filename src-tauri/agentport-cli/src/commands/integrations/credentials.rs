//! `agentport integrations credentials`: replaces an integration's secrets. The gateway tries the new ones first, and keeps
//! the old ones if they do not work.

use std::collections::BTreeMap;

use agentport_api::{IntegrationView, paths};
use agentport_core::IntegrationId;
use anyhow::{Result, bail};
use serde_json::json;

use super::{secret_names, wait_ready::StartingIntegration};
use crate::{context::Context, exit::ExitStatus, format, secrets};

pub(super) async fn replace(id: &IntegrationId, context: &Context) -> Result<ExitStatus> {
    let owner = context.owner().await?;
    let view: IntegrationView = owner.read(&paths::fill(paths::INTEGRATION, id)).await?;
    let names = secret_names::of_connection(&view.connection);
    if names.is_empty() {
        bail!("{id} asks for no secrets, so there are none to replace");
    }
    let labels: Vec<_> =
        names.iter().map(|name| secret_names::label_in(name, &view.connection)).collect();
    let values = secrets::read(&labels)?;
    let secrets: BTreeMap<_, _> =
        names.iter().map(String::as_str).zip(values.iter().map(|value| value.expose())).collect();
    let body = json!({ "secrets": secrets });
    let path = paths::fill(paths::INTEGRATION_CREDENTIALS, id);
    let starting = StartingIntegration {
        owner: &owner,
        name: id.as_str(),
        connection: &view.connection,
        context,
    };
    let answer = starting.change(&path, &body).await?;
    context.output.answer(&answer, |view: IntegrationView| {
        format!("{}: new credentials, {}", view.id, format::health(&view.health))
    })?;
    Ok(ExitStatus::Done)
}
