//! Which notice has which number.
//!
//! Whoever shows notices numbers them, and tells the number in its answer. The answer and the signals that follow it
//! come by different ways, so that a signal can be seen before its number is known. While an answer is out, signals with
//! unknown numbers are therefore kept, and given out with it.

use std::collections::HashMap;

use zbus::names::OwnedUniqueName;

use crate::notify::{
    notice::Key,
    notifier::{ClosedBy, Heard},
};

/// Signals kept at most. They may be about anybody's notices.
const EARLY: usize = 32;

#[derive(Default)]
pub(super) struct Ids {
    owner: Option<OwnedUniqueName>,
    keys: HashMap<u32, Key>,
    /// Calls to the owner without an answer so far.
    calls: usize,
    early: Vec<(u32, Signal)>,
}

/// What whoever shows notices says of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Signal {
    Pressed(String),
    Closed(ClosedBy),
}

impl Ids {
    /// Forgets all: `owner` has shown nothing of ours so far.
    pub(super) fn belong_to(&mut self, owner: Option<OwnedUniqueName>) {
        *self = Self { owner, ..Self::default() };
    }

    pub(super) fn owner(&self) -> Option<&OwnedUniqueName> {
        self.owner.as_ref()
    }

    /// A notice is about to be shown. Returns the number of the one it replaces, 0 if there is none.
    pub(super) fn calling(&mut self, key: Key) -> u32 {
        self.calls += 1;
        self.number(key).unwrap_or(0)
    }

    /// `owner` has answered with the number of the notice, or not at all. Returns what was said of it by then. What one
    /// that is owner no longer still owes counts for nothing.
    pub(super) fn answered(
        &mut self,
        owner: &OwnedUniqueName,
        key: Key,
        number: Option<u32>,
    ) -> Vec<Heard> {
        if self.owner.as_ref() != Some(owner) {
            return Vec::new();
        }
        self.calls = self.calls.saturating_sub(1);
        let mut heard = Vec::new();
        if let Some(number) = number {
            self.keys.retain(|_, known| *known != key);
            self.keys.insert(number, key);
            let (now, later) = std::mem::take(&mut self.early)
                .into_iter()
                .partition(|(early, _)| *early == number);
            self.early = later;
            let now: Vec<(u32, Signal)> = now;
            heard.extend(now.into_iter().filter_map(|(number, signal)| self.say(number, signal)));
        }
        if self.calls == 0 {
            self.early.clear();
        }
        heard
    }

    /// The owner said something of a notice. Returns what that means if the notice is one of ours.
    pub(super) fn hear(&mut self, number: u32, signal: Signal) -> Option<Heard> {
        if self.keys.contains_key(&number) {
            return self.say(number, signal);
        }
        if self.calls > 0 && self.early.len() < EARLY {
            self.early.push((number, signal));
        }
        None
    }

    /// The notice is to be taken away. Returns its number.
    pub(super) fn forget(&mut self, key: Key) -> Option<u32> {
        let number = self.number(key)?;
        self.keys.remove(&number);
        Some(number)
    }

    fn number(&self, key: Key) -> Option<u32> {
        self.keys.iter().find(|(_, known)| **known == key).map(|(number, _)| *number)
    }

    fn say(&mut self, number: u32, signal: Signal) -> Option<Heard> {
        match signal {
            Signal::Pressed(button) => {
                self.keys.get(&number).map(|key| Heard::Pressed { key: *key, button })
            }
            Signal::Closed(by) => self.keys.remove(&number).map(|key| Heard::Closed { key, by }),
        }
    }
}

#[cfg(test)]
mod tests;
