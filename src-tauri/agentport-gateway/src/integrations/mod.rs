//! Integrations as the owner adds, changes and removes them.

mod accounts;
mod add;
mod change;
mod compare;
mod connect;
mod demo;
mod imported;
mod naming;
mod pasted_secret;
mod pending;
mod pin;
mod timeout;
mod trial;
mod upstream_events;

use std::sync::Arc;

#[cfg(test)]
pub(crate) use add::target_of;
pub(crate) use add::{AddError, check_connection};
pub(crate) use change::ChangeError;
pub(crate) use connect::{ConnectError, is_fit_to_be_shown, secret_names};
pub(crate) use imported::{TooMuch, fit_to_be_kept};
pub(crate) use pending::PendingAdds;
pub(crate) use pin::{PinError, unpinned_package};
pub(crate) use timeout::with_timeout;
pub(crate) use upstream_events::UpstreamEvents;

use crate::{
    accounts::Accounts,
    approvals::Approvals,
    audit::Audit,
    catalogue::Catalogue,
    events::Events,
    imports::BundleStore,
    policy::PolicyStore,
    settings::SettingsStore,
    store::Store,
    upstream::UpstreamRegistry,
    vault::{SentSecrets, Vault},
};

/// Adds, connects, changes and removes integrations.
pub(crate) struct Integrations {
    pub(crate) store: Store,
    pub(crate) vault: Arc<Vault>,
    pub(crate) events: Events,
    pub(crate) audit: Audit,
    pub(crate) settings: Arc<SettingsStore>,
    pub(crate) policy: Arc<PolicyStore>,
    pub(crate) approvals: Arc<Approvals>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) upstreams: UpstreamRegistry,
    pub(crate) secrets: Arc<SentSecrets>,
    pub(crate) accounts: Arc<Accounts>,
    /// The unpacked bundles of those that came as one.
    pub(crate) bundles: BundleStore,
    /// Integrations that are being tried before they are added.
    pub(crate) pending_adds: PendingAdds,
}
