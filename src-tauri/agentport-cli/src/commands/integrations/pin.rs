//! `agentport integrations pin`: makes a local server run one version of its package.

use agentport_api::{
    CommandPreview, ControlError, IntegrationView, PinPackage, UnpinnedPackage, paths,
};
use agentport_core::IntegrationId;
use anyhow::{Result, bail};

use super::{filling, import::local_connection, show, wait_ready::StartingIntegration};
use crate::{client::OwnerClient, context::Context, exit::ExitStatus};

pub(super) async fn pin(
    owner: &OwnerClient,
    context: &Context,
    id: &IntegrationId,
    version: Option<String>,
    yes: bool,
) -> Result<ExitStatus> {
    let view: IntegrationView = owner.read(&paths::fill(paths::INTEGRATION, id)).await?;
    let version = match (version, &view.unpinned) {
        (Some(version), _) => version,
        (None, Some(UnpinnedPackage { version: Some(version), .. })) => version.clone(),
        (None, Some(UnpinnedPackage { package, .. })) => {
            bail!("no version of {package} is known here; name one with --to")
        }
        (None, None) => bail!("{id} runs no package without a version"),
    };
    let path = paths::fill(paths::INTEGRATION_PIN, id);
    let known = view.unpinned.filter(|one| one.version.as_deref() == Some(version.as_str()));
    let command = match known.and_then(|one| one.command) {
        Some(command) => command,
        None => command_of(owner, &path, &version).await?,
    };
    filling::accept(&CommandPreview { command: command.clone() }, yes)?;
    let body = PinPackage { version: Some(version), accepted_command: Some(command.clone()) };
    let connection = local_connection(&command);
    let starting =
        StartingIntegration { owner, name: id.as_str(), connection: &connection, context };
    let answer = starting.change_by_post(&path, &body).await?;
    context.output.answer(&answer, |view: IntegrationView| show(view))?;
    Ok(ExitStatus::Done)
}

/// The command it would run: the gateway names it where none was accepted.
async fn command_of(owner: &OwnerClient, path: &str, version: &str) -> Result<String> {
    let body = PinPackage { version: Some(version.to_owned()), accepted_command: None };
    let refused = match owner.control().post::<IntegrationView>(path, &body).await {
        Ok(_) => bail!("it was pinned although nothing was accepted"),
        Err(error) => error,
    };
    match &refused {
        ControlError::Refused { problem, .. } if problem.command.is_some() => {
            Ok(problem.command.clone().unwrap_or_default().into())
        }
        _ => Err(refused.into()),
    }
}
