//! `agentport integrations credentials`: replaces an integration's secrets. The gateway tries the new ones first, and keeps
//! the old ones if they do not work.

use std::collections::BTreeMap;

use agentport_api::{Connection, IntegrationView, paths};
use agentport_core::{IntegrationId, Secret};
use anyhow::{Result, bail};
use serde_json::json;

use super::{secret_names, wait_ready::StartingIntegration};
use crate::{context::Context, exit::ExitStatus, format, secrets};

pub(super) async fn replace(id: &IntegrationId, context: &Context) -> Result<ExitStatus> {
    let owner = context.owner().await?;
    let view: IntegrationView = owner.read(&paths::fill(paths::INTEGRATION, id)).await?;
    let secrets = ask(&view.connection)?;
    if secrets.is_empty() {
        bail!("{id} asks for no secrets, so there are none to replace");
    }
    let body = json!({ "secrets": exposed(&secrets) });
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

/// Asks for each secret of a connection, or reads them from stdin.
pub(super) fn ask(connection: &Connection) -> Result<BTreeMap<String, Secret>> {
    let names = secret_names::of_connection(connection);
    let labels: Vec<_> =
        names.iter().map(|name| secret_names::label_in(name, connection)).collect();
    Ok(names.into_iter().zip(secrets::read(&labels)?).collect())
}

/// As they are sent to the gateway.
pub(super) fn exposed(secrets: &BTreeMap<String, Secret>) -> BTreeMap<&str, &str> {
    secrets.iter().map(|(name, secret)| (name.as_str(), secret.expose())).collect()
}
