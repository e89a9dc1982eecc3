//! The gateway as the app runs and sees it: its life cycle, a client of its control API, and a snapshot of its state
//! that is kept up to date.

pub(crate) mod client;
pub(crate) mod state;
pub(crate) mod supervisor;
pub(crate) mod sync;
