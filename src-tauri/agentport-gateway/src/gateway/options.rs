//! What a gateway is started with.

use agentport_core::Secret;

use crate::{
    assets::Assets, control::extension::ControlExtension, data_dir::DataDir, vault::VaultChoice,
};

pub struct Options {
    pub home: DataDir,
    pub port: Port,
    pub vault: VaultChoice,
    /// Becomes the owner password if none was chosen before.
    pub owner_password: Option<Secret>,
    pub ui: Assets,
    pub control_access: ControlAccess,
    /// What the owner's plane has beside the gateway's own.
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

/// How the owner gets to the owner's plane. Whoever holds the gateway reaches it in process in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlAccess {
    /// Over TCP from the start: nobody sits before a window here. Without a password, a code leads to choosing one.
    Network,
    /// Over TCP only while an owner password is set. Without one no page and no route of the owner's is there to be
    /// found, let alone tried.
    WindowOnly,
}
