//! The built front end as bytes inside the program ([`pages`]): `agentport serve` serves it to a browser, and the desktop's
//! windows load it.
//!
//! A crate of its own, because both programs embed the same files and neither may know the other.

use agentport_gateway::{Asset, Assets};

static FILES: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Every file of `ui/dist`, by its path below it. Where that has not been built, one page that says so.
pub fn assets() -> Assets {
    Assets(FILES)
}
