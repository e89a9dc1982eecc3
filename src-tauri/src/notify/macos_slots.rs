//! Slots of notifications on macOS, where the app names each notification.
//!
//! The names are few and reused: posting under a name replaces the notification there, and what the system stores for each
//! name stays bounded. Each use is a lease with a turn of its own, so that a late answer to an earlier notification is not
//! taken for an answer to the present one.

use crate::notify::notification::NotificationKey;

/// Three requests, their summary, four transient ones, and spare slots for those being withdrawn.
pub(super) const SLOTS: usize = 12;

#[derive(Debug, Default)]
pub(super) struct NotificationSlots {
    taken: [Option<(NotificationKey, u64)>; SLOTS],
    turns: u64,
}

/// One use of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SlotLease {
    slot: usize,
    turn: u64,
}

impl NotificationSlots {
    /// Leases a slot for a notification, the same one if the notification is shown already. `None` if all are taken.
    pub(super) fn lease(&mut self, key: NotificationKey) -> Option<SlotLease> {
        let free = || self.taken.iter().position(Option::is_none);
        let slot = self.slot(key).or_else(free)?;
        self.turns += 1;
        self.taken[slot] = Some((key, self.turns));
        Some(SlotLease { slot, turn: self.turns })
    }

    /// The notification that an answer for `lease` is about; `None` if it was withdrawn or replaced.
    pub(super) fn key(&self, lease: SlotLease) -> Option<NotificationKey> {
        self.taken[lease.slot].filter(|(_, turn)| *turn == lease.turn).map(|(key, _)| key)
    }

    /// Frees the slot of a notification. Returns its name.
    pub(super) fn release(&mut self, key: NotificationKey) -> Option<String> {
        let slot = self.slot(key)?;
        self.taken[slot] = None;
        Some(name(slot))
    }

    fn slot(&self, key: NotificationKey) -> Option<usize> {
        self.taken.iter().position(|taken| taken.is_some_and(|(there, _)| there == key))
    }
}

impl SlotLease {
    pub(super) fn name(self) -> String {
        name(self.slot)
    }
}

/// The names of all slots.
pub(super) fn slot_names() -> impl Iterator<Item = String> {
    (0..SLOTS).map(name)
}

fn name(slot: usize) -> String {
    format!("agentport-{slot}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_of_the_last_turn() {
        let mut slots = NotificationSlots::default();
        let first = slots.lease(NotificationKey::Summary).unwrap();
        assert_eq!(slots.key(first), Some(NotificationKey::Summary));
        let again = slots.lease(NotificationKey::Summary).unwrap();
        assert_eq!(first.name(), again.name());
        assert_eq!((slots.key(first), slots.key(again)), (None, Some(NotificationKey::Summary)));
        assert_eq!(slots.release(NotificationKey::Summary), Some(again.name()));
        assert_eq!((slots.release(NotificationKey::Summary), slots.key(again)), (None, None));
        let other = slots.lease(NotificationKey::Message(1)).unwrap();
        assert_eq!(other.name(), again.name());
        assert_eq!((slots.key(again), slots.key(other)), (None, Some(NotificationKey::Message(1))));
    }

    #[test]
    fn slots_are_few() {
        let mut slots = NotificationSlots::default();
        for number in 0..SLOTS as u64 {
            let lease = slots.lease(NotificationKey::Message(number)).unwrap();
            assert!(slot_names().any(|name| name == lease.name()));
        }
        assert_eq!(slots.lease(NotificationKey::Summary), None);
        slots.release(NotificationKey::Message(3));
        assert!(slots.lease(NotificationKey::Summary).is_some());
    }
}
