//! Integrations as the owner adds, changes and removes them.

mod add;
mod adding;
mod connect;
mod sink;

#[cfg(test)]
pub(crate) use add::target_of;
pub(crate) use add::{AddError, ChangeError, check_connection};
pub(crate) use adding::Additions;
pub(crate) use connect::{is_fit_to_be_shown, secret_names};
pub(crate) use sink::Sink;
