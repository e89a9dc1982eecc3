//! The built front end, inside the program: one copy, which the command line's gateway serves to a browser, and which
//! the desktop's windows read as well.
//!
//! A crate of its own, because both programs embed the same files and neither may know the other.

use agentport_gateway::{Asset, Assets};

static FILES: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Every file of `ui/dist`, by its path below it. Where that has not been built, one page that says so.
pub fn assets() -> Assets {
    Assets(FILES)
}
