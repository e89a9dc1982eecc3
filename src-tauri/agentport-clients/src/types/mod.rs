//! Views of clients, plans and backups for the control API: JSON on the wire, TypeScript in the UI. They hold no secrets,
//! but for [`EnvironmentView`].

mod backups;
mod clients;
mod plans;

pub use self::{backups::*, clients::*, plans::*};
