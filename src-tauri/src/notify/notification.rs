//! A notification, independent of the platform that shows it.

use std::time::Duration;

use agentport_core::RuleId;

use super::Intent;
use crate::gateway::state::RequestId;

/// What a notification is about. At most one is shown for each key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum NotificationKey {
    Request(RequestId),
    /// All requests without a notification of their own.
    Summary,
    Undo(RuleId),
    Sample,
    /// A message, by its serial number.
    Message(u64),
}

/// The action name of a click on the notification itself (Desktop Notifications 1.2, `ActionInvoked`).
pub(crate) const BODY_ACTION: &str = "default";

/// The texts are plain, the title is one line. The platform escapes what it would read as markup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notification {
    pub title: String,
    pub body: String,
    pub buttons: Vec<ActionButton>,
    /// What a click on the notification itself does.
    pub on_body: Option<Intent>,
    pub display_time: DisplayTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ActionButton {
    /// The action name that a press is reported with.
    pub name: &'static str,
    pub label: &'static str,
    pub intent: Intent,
}

/// How long a notification is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DisplayTime {
    /// Until its request is decided: an agent waits for the owner.
    UntilDecided,
    For(Duration),
}

impl Notification {
    /// The intent of `button`; `None` for one that was not offered.
    pub(crate) fn intent(&self, button: &str) -> Option<Intent> {
        if button == BODY_ACTION {
            return self.on_body;
        }
        self.buttons.iter().find(|offered| offered.name == button).map(|offered| offered.intent)
    }
}
