//! Integrations as the owner adds, changes and removes them.

mod add;
mod connect;
mod sink;

pub(crate) use add::{AddError, ChangeError};
pub(crate) use sink::Sink;
