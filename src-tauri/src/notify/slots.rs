//! Places for notices on macOS, where a notice is known by a name of ours.
//!
//! The names are few and used again and again: posting under a name replaces what is there, and what the system keeps
//! for each name stays bounded. Each use has its turn, so that an answer to an earlier one is not taken for an answer
//! to the present one.

use super::notice::Key;

/// Three requests, their summary, four short ones, and room for those that are just going.
pub(super) const SLOTS: usize = 12;

#[derive(Debug, Default)]
pub(super) struct Slots {
    taken: [Option<(Key, u64)>; SLOTS],
    turns: u64,
}

/// One use of one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seat {
    slot: usize,
    turn: u64,
}

impl Slots {
    /// A seat for a notice that is about to be shown, in the place where it is if it is up. `None` if all are taken.
    pub(super) fn seat(&mut self, key: Key) -> Option<Seat> {
        let free = || self.taken.iter().position(Option::is_none);
        let slot = self.slot(key).or_else(free)?;
        self.turns += 1;
        self.taken[slot] = Some((key, self.turns));
        Some(Seat { slot, turn: self.turns })
    }

    /// Whose answer it is that comes from `seat`; `None` if nobody waits for it any more.
    pub(super) fn key(&self, seat: Seat) -> Option<Key> {
        self.taken[seat.slot].filter(|(_, turn)| *turn == seat.turn).map(|(key, _)| key)
    }

    /// The notice is gone, or is to go. Returns the name of its place.
    pub(super) fn leave(&mut self, key: Key) -> Option<String> {
        let slot = self.slot(key)?;
        self.taken[slot] = None;
        Some(name(slot))
    }

    fn slot(&self, key: Key) -> Option<usize> {
        self.taken.iter().position(|taken| taken.is_some_and(|(there, _)| there == key))
    }
}

impl Seat {
    pub(super) fn name(self) -> String {
        name(self.slot)
    }
}

/// The names of all places.
pub(super) fn names() -> impl Iterator<Item = String> {
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
        let mut slots = Slots::default();
        let first = slots.seat(Key::Summary).unwrap();
        assert_eq!(slots.key(first), Some(Key::Summary));
        let again = slots.seat(Key::Summary).unwrap();
        assert_eq!(first.name(), again.name());
        assert_eq!((slots.key(first), slots.key(again)), (None, Some(Key::Summary)));
        assert_eq!(slots.leave(Key::Summary), Some(again.name()));
        assert_eq!((slots.leave(Key::Summary), slots.key(again)), (None, None));
        let other = slots.seat(Key::Tell(1)).unwrap();
        assert_eq!(other.name(), again.name());
        assert_eq!((slots.key(again), slots.key(other)), (None, Some(Key::Tell(1))));
    }

    #[test]
    fn places_are_few() {
        let mut slots = Slots::default();
        for number in 0..SLOTS as u64 {
            let seat = slots.seat(Key::Tell(number)).unwrap();
            assert!(names().any(|name| name == seat.name()));
        }
        assert_eq!(slots.seat(Key::Summary), None);
        slots.leave(Key::Tell(3));
        assert!(slots.seat(Key::Summary).is_some());
    }
}
