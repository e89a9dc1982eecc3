//! The front end, built into the program by `build.rs`.

use agentport_gateway::{Asset, Assets};

static FILES: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

pub(crate) fn assets() -> Assets {
    Assets(FILES)
}
