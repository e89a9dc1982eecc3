//! The platform's notification service behind one trait.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::{
    Capabilities,
    notification::{Notification, NotificationKey},
};

/// Time the notification daemon has to answer before it is treated as unavailable.
pub(crate) const REPLY_TIMEOUT: Duration = Duration::from_secs(5);

/// Shows notifications. Each call ends within [`REPLY_TIMEOUT`], even when the daemon hangs.
#[async_trait]
pub(crate) trait Notifier: Send + Sync + 'static {
    /// Sends events for as long as it is polled. The first, whether a daemon is there, comes within [`REPLY_TIMEOUT`].
    async fn listen(&self, events: mpsc::Sender<BackendEvent>);

    /// Reads what the daemon can show. Starts a daemon that is started on demand.
    async fn probe(&self) -> Result<Capabilities, NotifyError>;

    /// Shows a notification, in place of the one with the same key if there is one.
    async fn show(
        &self,
        key: NotificationKey,
        notification: &Notification,
    ) -> Result<(), NotifyError>;

    /// Withdraws a notification. Succeeds if it is gone already. Later events of it are not sent.
    async fn withdraw(&self, key: NotificationKey) -> Result<(), NotifyError>;
}

/// An event of the notification service. A notifier sends only what comes from the present daemon, about notifications
/// that it showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BackendEvent {
    /// A daemon is there, and shows none of our notifications.
    Available,
    /// There is no daemon, and what was shown is gone. `activatable`: probing may start one.
    #[cfg_attr(
        not(any(target_os = "linux", test)),
        expect(dead_code, reason = "other systems show notifications themselves")
    )]
    Unavailable {
        activatable: bool,
    },
    /// A button was pressed, by its name.
    Pressed {
        key: NotificationKey,
        button: String,
    },
    Closed {
        key: NotificationKey,
        by: ClosedBy,
    },
    /// The notification may be on the screen, but its events would be lost.
    #[cfg_attr(
        all(target_os = "linux", not(test)),
        expect(dead_code, reason = "a bus loses nothing while it is there")
    )]
    Lost {
        key: NotificationKey,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClosedBy {
    Owner,
    /// The daemon, for reasons of its own.
    Daemon,
}

/// Why a notification was not shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotifyError {
    #[error("no program shows notifications")]
    Unavailable(#[source] Option<BoxedCause>),
    #[error("the notification daemon does not answer")]
    NoAnswer,
    #[error("the notification daemon refused")]
    Refused(#[source] BoxedCause),
}

pub(crate) type BoxedCause = Box<dyn std::error::Error + Send + Sync>;

/// The notifier of this system. It works once it is listened to.
pub(crate) fn platform_notifier() -> Arc<dyn Notifier> {
    #[cfg(target_os = "linux")]
    return Arc::new(super::linux::DbusNotifier::new(
        super::linux::BusAddress::Session,
        REPLY_TIMEOUT,
    ));
    #[cfg(target_os = "macos")]
    return Arc::new(super::macos::MacNotifier::default());
    #[cfg(windows)]
    return Arc::new(super::windows::ToastNotifier::default());
}
