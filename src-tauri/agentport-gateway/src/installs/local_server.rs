//! Installing a local server of the directory: its command, once it is filled in, has to be the one the owner accepted.

use agentport_api::{AddIntegration, Connection, FieldKind, FieldValues, InstallAvailable};
use agentport_core::audit::Actor;

use super::{InstallError, Installer};
use crate::{
    directory::DirectoryEntry,
    launch::{FilledTemplate, LaunchTemplate, TemplateField},
    store::IntegrationRow,
};

impl Installer {
    /// Starts the server as it was filled in and accepted, then keeps it.
    pub(super) async fn install_local(
        &self,
        listed: &'static DirectoryEntry,
        launch: &LaunchTemplate,
        mut wanted: InstallAvailable,
        actor: Actor,
    ) -> Result<IntegrationRow, InstallError> {
        let values = wanted.take_values();
        let FilledTemplate { connection, secrets } = launch.fill(&values)?;
        check_accepted(&connection, wanted.accepted_command.as_deref())?;
        check_folders(&launch.fields, &values).await?;
        let addition = AddIntegration {
            id: Some(listed.id.clone()),
            attempt: None,
            name: Some(listed.name.clone()),
            tags: Vec::new(),
            connection,
            secrets,
            keep_unreachable: wanted.keep_unreachable,
            enabled: None,
            untried: false,
            imported: None,
        };
        Ok(self.integrations.add_integration(addition, actor).await?)
    }
}

/// What runs is what the owner has read: every variable, word and folder of it.
pub(super) fn check_accepted(
    connection: &Connection,
    accepted: Option<&str>,
) -> Result<(), InstallError> {
    let Some(program) = connection.program() else { return Ok(()) };
    let command = program.line();
    match accepted {
        Some(accepted) if accepted == command => Ok(()),
        _ => Err(InstallError::NotAccepted { command }),
    }
}

/// A server that is given a folder that does not exist often starts and then fails at every call.
pub(super) async fn check_folders(
    fields: &[TemplateField],
    values: &FieldValues,
) -> Result<(), InstallError> {
    for field in fields.iter().filter(|field| field.kind == FieldKind::Folder) {
        for folder in values.fields.get(&field.name).unwrap_or(&field.default) {
            let is_there = tokio::fs::metadata(folder).await.is_ok_and(|found| found.is_dir());
            if !is_there {
                let label = field.label.clone();
                return Err(InstallError::NoFolder { label, folder: folder.clone() });
            }
        }
    }
    Ok(())
}
