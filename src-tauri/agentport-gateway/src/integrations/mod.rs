//! Integrations as the owner adds, changes and removes them.

mod add;
mod compare;
mod connect;
mod imported;
mod pending;
mod timeout;
mod upstream_events;

#[cfg(test)]
pub(crate) use add::target_of;
pub(crate) use add::{AddError, ChangeError, check_connection};
pub(crate) use connect::{ConnectError, is_fit_to_be_shown, secret_names};
pub(crate) use imported::{TooMuch, fit_to_be_kept};
pub(crate) use pending::PendingAdds;
pub(crate) use timeout::{timeout_seconds, with_timeout};
pub(crate) use upstream_events::UpstreamEvents;
