//! Maps the daemon's notification ids to keys.
//!
//! The daemon assigns the id in its reply to `Notify`. Replies and signals are handled by different tasks, so a signal can
//! be seen before its id is known. While a reply is outstanding, signals with unknown ids are therefore queued, and
//! delivered with it.

use std::collections::HashMap;

use zbus::names::OwnedUniqueName;

use crate::notify::{
    notification::NotificationKey,
    notifier::{BackendEvent, ClosedBy},
};

/// Signals that are queued; they may be about other programs' notifications.
const MAX_EARLY_SIGNALS: usize = 32;

#[derive(Default)]
pub(super) struct NotificationIds {
    owner: Option<OwnedUniqueName>,
    keys: HashMap<u32, NotificationKey>,
    /// Calls to the owner without a reply so far.
    calls_in_flight: usize,
    early: Vec<(u32, DaemonSignal)>,
}

/// The daemon's signal about a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DaemonSignal {
    Pressed(String),
    Closed(ClosedBy),
}

impl NotificationIds {
    /// Forgets all: `owner` has shown no notification of ours so far.
    pub(super) fn reset(&mut self, owner: Option<OwnedUniqueName>) {
        *self = Self { owner, ..Self::default() };
    }

    pub(super) fn owner(&self) -> Option<&OwnedUniqueName> {
        self.owner.as_ref()
    }

    /// A notification is about to be shown. Returns the id of the one it replaces, 0 if there is none.
    pub(super) fn begin_call(&mut self, key: NotificationKey) -> u32 {
        self.calls_in_flight += 1;
        self.id(key).unwrap_or(0)
    }

    /// `owner` has replied with the id of the notification, or not at all. Returns the signals about it that came earlier.
    /// Ignores late replies of a previous owner of the bus name.
    pub(super) fn finish_call(
        &mut self,
        owner: &OwnedUniqueName,
        key: NotificationKey,
        id: Option<u32>,
    ) -> Vec<BackendEvent> {
        if self.owner.as_ref() != Some(owner) {
            return Vec::new();
        }
        self.calls_in_flight = self.calls_in_flight.saturating_sub(1);
        let mut events = Vec::new();
        if let Some(id) = id {
            self.keys.retain(|_, known| *known != key);
            self.keys.insert(id, key);
            let (now, later) =
                std::mem::take(&mut self.early).into_iter().partition(|(early, _)| *early == id);
            self.early = later;
            let now: Vec<(u32, DaemonSignal)> = now;
            events.extend(
                now.into_iter().filter_map(|(id, signal)| self.translate_signal(id, signal)),
            );
        }
        if self.calls_in_flight == 0 {
            self.early.clear();
        }
        events
    }

    /// Returns the event for a signal of the owner, if the notification is ours.
    pub(super) fn on_signal(&mut self, id: u32, signal: DaemonSignal) -> Option<BackendEvent> {
        if self.keys.contains_key(&id) {
            return self.translate_signal(id, signal);
        }
        if self.calls_in_flight > 0 && self.early.len() < MAX_EARLY_SIGNALS {
            self.early.push((id, signal));
        }
        None
    }

    /// The notification is to be withdrawn. Returns its id.
    pub(super) fn forget(&mut self, key: NotificationKey) -> Option<u32> {
        let id = self.id(key)?;
        self.keys.remove(&id);
        Some(id)
    }

    fn id(&self, key: NotificationKey) -> Option<u32> {
        self.keys.iter().find(|(_, known)| **known == key).map(|(id, _)| *id)
    }

    fn translate_signal(&mut self, id: u32, signal: DaemonSignal) -> Option<BackendEvent> {
        match signal {
            DaemonSignal::Pressed(button) => {
                self.keys.get(&id).map(|key| BackendEvent::Pressed { key: *key, button })
            }
            DaemonSignal::Closed(by) => {
                self.keys.remove(&id).map(|key| BackendEvent::Closed { key, by })
            }
        }
    }
}

#[cfg(test)]
mod tests;
