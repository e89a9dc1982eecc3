//! The tray: an icon and a menu, which are all there is of AgentPort while no window is open. On Linux a click on the
//! icon is the desktop's own business, so everything is in the menu.

mod choose;
mod icons;
pub(crate) mod model;
mod order;
mod render;
pub(crate) mod state;

use self::model::TrayState;
pub(crate) use self::{choose::Choose, render::Tray};

/// Shows a state. Tests put their own in the tray's place.
pub(crate) trait Show: Send + Sync + 'static {
    /// Never waits.
    fn show(&self, state: TrayState);
}
