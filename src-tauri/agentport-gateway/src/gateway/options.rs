//! What a gateway is started with.

use agentport_core::Secret;

use crate::{
    control::{exposure::ControlAccess, extension::ControlExtension},
    data_dir::DataDir,
    http::assets::Assets,
    vault::VaultChoice,
};

pub struct Options {
    pub home: DataDir,
    pub port: Port,
    pub vault: VaultChoice,
    /// Becomes the owner password if none was chosen before.
    pub owner_password: Option<Secret>,
    pub ui: Assets,
    pub control_access: ControlAccess,
    /// In place of the settings: where agents on other computers reach the gateway.
    pub external: Option<ExternalAccess>,
    /// Routes that the control API has beside the gateway's own.
    pub extensions: Vec<ControlExtension>,
}

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// 0: any free port.
    Chosen(u16),
    /// The one in the owner's settings.
    FromSettings,
}

/// The gateway behind an external URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalAccess {
    /// An https origin, as [`external_origin`](crate::external_origin) takes it.
    pub url: String,
    /// The loopback port that the reverse proxy or tunnel sends requests to; 0: any free one.
    pub port: u16,
}
