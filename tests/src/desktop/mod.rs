//! A desktop session without a screen: bus, display, panel and notification daemon beside the app.
//!
//! The real ones come with [`Session::real`]. The doubles ([`NotificationDaemon`], [`Panel`]) speak the same protocols
//! on the session's bus, record what the app sends and do what no well-behaved desktop would. Every session has a bus,
//! a display and folders of its own, so that tests do not see each other.

pub mod accessible;
pub mod app;
pub mod inside;
pub mod menu;
pub mod notifications;
pub mod panel;
pub mod pointer;
pub mod screens;
pub mod session;
pub mod sockets;
pub mod tree;
pub mod webdriver;

pub use app::App;
pub use inside::Inside;
pub use menu::Row;
pub use notifications::{Note, NotificationDaemon, Stranger};
pub use panel::{Panel, Tray};
pub use session::Session;
pub use webdriver::Browser;

use std::time::Duration;

use crate::SOON;

/// Poll interval for state without change events: windows of other programs, processes, files.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Polls until `look` finds something, at most [`SOON`]. Only for state without change events.
pub async fn until<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    try_until(SOON, look).await.unwrap_or_else(|| panic!("{what}: nothing after {SOON:?}"))
}

/// The same, where the caller has more to say of what is there instead.
pub async fn try_until<T>(limit: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let wait = async {
        let mut ticks = tokio::time::interval(POLL_INTERVAL);
        loop {
            ticks.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    tokio::time::timeout(limit, wait).await.ok()
}
