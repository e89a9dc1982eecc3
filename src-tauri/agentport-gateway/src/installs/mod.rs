//! Installing integrations of the directory, by the owner or as an agent asked, and from files.

mod import;
mod install;
mod install_request;
mod local_server;

use std::sync::Arc;

use crate::{directory::PendingTokens, integrations::Integrations, sign_ins::SignIns};

pub(crate) use import::ImportError;
pub(crate) use install::InstallError;
pub(crate) use install_request::{COMMAND, awaiting_secrets, command_to_agree, request_summary};

/// Turns entries of the directory into integrations.
pub(crate) struct Installer {
    pub(crate) integrations: Arc<Integrations>,
    pub(crate) sign_ins: Arc<SignIns>,
    pub(crate) tokens: Arc<PendingTokens>,
}
