//! What only the owner does: deciding with a second factor, opening and closing the plane, changing rules, taking the
//! record and the settings away and bringing them back. Most of it against a gateway in the same process, as a desktop
//! app holds one.

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
