//! What a gateway is started with.

use agentport_core::Secret;

use crate::{assets::Assets, control::room::Room, home::Home, vault::VaultChoice};

pub struct Options {
    pub home: Home,
    pub port: Port,
    pub vault: VaultChoice,
    /// Becomes the owner password if none was chosen before.
    pub owner_password: Option<Secret>,
    pub ui: Assets,
    pub reach: Reach,
    /// What the owner's plane has beside the gateway's own.
    pub rooms: Vec<Room>,
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
pub enum Reach {
    /// Over TCP from the start: nobody sits before a window here. Without a password, a code leads to choosing one.
    Network,
    /// Over TCP only while an owner password is set. Without one no page and no route of the owner's is there to be
    /// found, let alone tried.
    WindowOnly,
}
