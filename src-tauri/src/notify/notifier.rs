//! What shows notices: the boundary to the system.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::{
    Capabilities,
    notice::{Key, Notice},
};

/// For how long whoever shows notices may think before it counts as gone.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Shows notices. Each call ends within [`ANSWER_WITHIN`], whoever hangs.
#[async_trait]
pub(crate) trait Notifier: Send + Sync + 'static {
    /// Listens for as long as it is polled, and says what it hears. Its first word, whether somebody is there, comes
    /// within [`ANSWER_WITHIN`].
    async fn listen(&self, heard: mpsc::Sender<Heard>);

    /// What can be shown. Wakes who shows notices if it sleeps.
    async fn look(&self) -> Result<Capabilities, NotifyError>;

    /// Shows a notice, in place of the one with the same key if there is one.
    async fn show(&self, key: Key, notice: &Notice) -> Result<(), NotifyError>;

    /// Takes a notice away. Fine if it has gone already. What is heard of it from now on is not said.
    async fn withdraw(&self, key: Key) -> Result<(), NotifyError>;
}

/// What a notifier hears. It says only what comes from whoever shows the notices, and of notices that it showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Somebody who shows notices is there, and has none of ours.
    Here,
    /// Nobody is there, and what was shown is gone. `wakes`: looking may bring somebody.
    #[cfg_attr(
        not(any(target_os = "linux", test)),
        expect(dead_code, reason = "other systems show notices themselves")
    )]
    Gone {
        wakes: bool,
    },
    /// A button, by its name.
    Pressed {
        key: Key,
        button: String,
    },
    Closed {
        key: Key,
        by: ClosedBy,
    },
    /// It may be on the screen, but nobody would hear what the owner does with it.
    #[cfg_attr(
        all(target_os = "linux", not(test)),
        expect(dead_code, reason = "a bus loses nothing while it is there")
    )]
    Lost {
        key: Key,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClosedBy {
    Owner,
    /// Whoever shows notices, for reasons of its own.
    Server,
}

/// Why something was not shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotifyError {
    #[error("nobody shows notifications")]
    Nobody(#[source] Option<Cause>),
    #[error("whoever shows notifications does not answer")]
    NoAnswer,
    #[error("whoever shows notifications refused")]
    Refused(#[source] Cause),
}

pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The notifier of this system. It begins to work when it is listened to.
pub(crate) fn platform_notifier() -> Arc<dyn Notifier> {
    #[cfg(target_os = "linux")]
    return Arc::new(super::linux::Linux::new(super::linux::Bus::OfTheSession, ANSWER_WITHIN));
    #[cfg(target_os = "macos")]
    return Arc::new(super::macos::Mac::default());
    #[cfg(windows)]
    return Arc::new(super::windows::Windows::default());
}
