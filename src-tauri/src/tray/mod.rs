//! The tray: an icon and a menu, which are all that AgentPort shows while no window is open. On Linux the desktop decides
//! what a click on the icon does, so everything is in the menu.

mod actions;
mod diff;
#[cfg(target_os = "linux")]
pub(crate) mod host;
mod icons;
pub(crate) mod model;
mod render;
pub(crate) mod state;

use self::model::TrayState;
pub(crate) use self::{actions::TrayActions, render::Tray};

/// Shows a state. Tests use another implementation.
pub(crate) trait TrayDisplay: Send + Sync + 'static {
    /// Never blocks.
    fn show(&self, state: TrayState);
}
