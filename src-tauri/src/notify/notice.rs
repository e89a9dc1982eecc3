//! A notice as it is to be shown, whoever shows it.

use std::time::Duration;

use agentport_core::{ApprovalId, RuleId};

use super::Intent;

/// What a notice is about. One notice at a time is shown for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Request(ApprovalId),
    /// All requests that have no notice of their own.
    Summary,
    Undo(RuleId),
    /// The how-manieth it is.
    Tell(u64),
}

/// The name under which a click on the notice itself is reported (Desktop Notifications 1.2, `ActionInvoked`).
pub(crate) const BODY: &str = "default";

/// Texts are plain, one line in the title; whoever shows them escapes what it would take for markup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub title: String,
    pub body: String,
    pub buttons: Vec<Button>,
    /// What a click on the notice itself does.
    pub on_body: Option<Intent>,
    pub stays: Stays,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Button {
    /// What it is reported by.
    pub name: &'static str,
    pub label: &'static str,
    pub intent: Intent,
}

/// For how long a notice is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stays {
    /// Somebody waits for the owner: until it is dealt with.
    UntilDecided,
    /// Worth seeing only now.
    For(Duration),
}

impl Notice {
    /// What a press of `button` means; `None` for one that was not offered.
    pub(crate) fn intent(&self, button: &str) -> Option<Intent> {
        if button == BODY {
            return self.on_body;
        }
        self.buttons.iter().find(|offered| offered.name == button).map(|offered| offered.intent)
    }
}
