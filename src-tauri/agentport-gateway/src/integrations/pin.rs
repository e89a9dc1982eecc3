//! Pinning a local server to one version of its package.

use agentport_api::{Connection, Event, PinPackage, UnpinnedPackage};
use agentport_core::{
    IntegrationId,
    audit::{Actor, AuditAction},
};
use serde_json::json;

use super::{
    Integrations,
    connect::{ConnectError, target},
};
use crate::{
    directory,
    launch::{package_of, pinned},
    store::{StoreError, Transition},
    upstream::{StartWatch, UpstreamError, UpstreamSpec},
};

/// Why an integration was not pinned. It runs as before.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PinError {
    #[error("there is no integration {0:?}")]
    Unknown(String),
    #[error(
        "the integration {0:?} runs no package of a registry, so there is no version to pin it to"
    )]
    NoPackage(String),
    #[error("no version of {0} is known here; name one")]
    NoVersion(String),
    #[error("{0:?} is not one version of such a package")]
    BadVersion(String),
    #[error("this would run a command that was not accepted yet: {command}")]
    NotAccepted { command: String },
    #[error("the server could not be used in that version, so the old command stays: {}", agentport_core::ErrorChain(.0))]
    NotWithThis(UpstreamError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the change could not be stored")]
    Store(#[from] StoreError),
}

/// The package of a connection, if its command names no version of it.
pub(crate) fn unpinned_package(connection: &Connection) -> Option<UnpinnedPackage> {
    let package = package_of(connection.program()?)?;
    if package.is_pinned() {
        return None;
    }
    let version = directory::version_of(package.name);
    let after = version.as_deref().and_then(|version| pinned(connection, version));
    Some(UnpinnedPackage {
        package: package.name.to_owned(),
        command: after.as_ref().and_then(Connection::program).map(|program| program.line()),
        version,
    })
}

/// The connection at the version that is wanted, or the one that is known.
fn at_version(
    id: &IntegrationId,
    connection: &Connection,
    wanted: Option<&str>,
) -> Result<(Connection, String), PinError> {
    let package = connection.program().and_then(package_of);
    let package = package.ok_or_else(|| PinError::NoPackage(id.to_string()))?;
    let version = match wanted {
        Some(version) => version.to_owned(),
        None => directory::version_of(package.name)
            .ok_or_else(|| PinError::NoVersion(package.name.to_owned()))?,
    };
    match pinned(connection, &version) {
        Some(connection) => Ok((connection, version)),
        None => Err(PinError::BadVersion(version)),
    }
}

impl Integrations {
    /// Makes a local server run one version of its package. It is tried first; until it has worked, the old one runs.
    pub(crate) async fn pin_package(
        &self,
        id: &IntegrationId,
        wanted: &PinPackage,
    ) -> Result<(), PinError> {
        let unknown = || PinError::Unknown(id.to_string());
        let entry = self.catalogue.get(id).ok_or_else(unknown)?;
        let mut row = entry.row.clone();
        let (connection, version) = at_version(id, &row.connection, wanted.version.as_deref())?;
        let command = connection.program().map(|program| program.line()).unwrap_or_default();
        if wanted.accepted_command.as_deref() != Some(command.as_str()) {
            return Err(PinError::NotAccepted { command });
        }
        let secrets = self.unsealed(id).await?;
        let opened = match target(&connection, &secrets)? {
            Some(target) if row.enabled => {
                let spec = UpstreamSpec {
                    id: id.clone(),
                    target,
                    idle_stop: self.settings.idle_stop(),
                    last_revision: None,
                    last_transport: None,
                };
                let opened = self.upstreams.open(&spec, &StartWatch::default()).await;
                Some(opened.map_err(PinError::NotWithThis)?)
            }
            _ => None,
        };
        row.connection = connection;
        if self.store.change_integration(&row, &[], &[]).await? == Transition::LostRace {
            super::trial::close(opened).await;
            return Err(unknown());
        }
        self.catalogue.put(row.clone(), None);
        self.connect_with(&row, opened).await?;
        let detail = json!({ "pinned": version, "command": command });
        self.audit.record(Actor::Owner, AuditAction::IntegrationChanged, id.as_str(), detail).await;
        self.events.send(Event::Integration { id: id.clone() });
        Ok(())
    }
}
