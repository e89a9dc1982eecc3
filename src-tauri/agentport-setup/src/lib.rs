//! What a click on Connect does: a client's files on one side, the gateway's keys and integrations on the other.
//!
//! [`room`] is what the gateway takes into its owner's plane as `/control/clients`. What needs no gateway, [`Site`] does
//! without one: looking at every client's files, planning, and bringing an original back.
//!
//! What holds: what is carried out is the plan that was shown, or nothing. Whatever the gateway can refuse (a key, an
//! integration, for want of a one-time code or because an id is taken) is asked of it before a file is touched, and what
//! was made for a file that could not be written is taken back. A secret moves from a client's file to the vault and
//! stands in no answer.

mod agents;
mod aside;
mod between;
mod carry_out;
mod entries;
mod integrations;
mod keys;
mod make;
mod plane;
mod plans;
mod problem;
mod program;
mod routes;
mod servers;
mod site;
mod view;

pub use agents::bridge_key_file;
pub use between::Outdated;
pub use make::Prepared;
pub use problem::ConnectError;
pub use program::program;
pub use routes::control_extension;
pub use site::Site;
