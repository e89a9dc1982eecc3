//! The control API: second factor, exposure over TCP, rules, export of activity, backup and restore. Mostly with a gateway
//! in the same process, as in the desktop app.

mod activity;
pub(crate) mod authenticator;
mod backup;
mod control_extensions;
mod first_call;
mod import;
mod policy;
mod reach;
mod second_factor;
mod terminal;
pub(crate) mod window;
