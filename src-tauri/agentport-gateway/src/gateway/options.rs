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
