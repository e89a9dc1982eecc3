//! Which notices there should be: a pure function of what waits, what the owner wishes and who is there to show them.

use std::time::Duration;

use agentport_core::{ApprovalId, Timestamp};

use super::{
    Passing, Waiting, Wishes,
    memory::Memory,
    notice::{Key, Notice},
    words,
};

/// The oldest requests that get a notice each.
const OWN: usize = 3;

/// What is to be thought of.
pub(super) struct Situation<'a> {
    /// Oldest first.
    pub(super) waiting: &'a [Waiting],
    pub(super) wishes: &'a Wishes,
    /// Short notices, and their number.
    pub(super) passing: &'a [(Key, &'a Passing)],
    /// How long those last.
    pub(super) lasts: Duration,
    pub(super) reach: Reach,
    pub(super) memory: &'a Memory,
    pub(super) now: Timestamp,
}

/// What can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Not known yet: nothing is to be done before it is.
    Unknown,
    Nobody,
    WithoutButtons,
    WithButtons,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// The most important first. All others that are up are to be withdrawn.
    pub(super) notices: Vec<(Key, Notice)>,
    /// The window is to open with this request.
    pub(super) surface: Option<ApprovalId>,
    /// When silence ends.
    pub(super) again: Option<Timestamp>,
}

pub(super) fn plan(of: &Situation<'_>) -> Plan {
    let silent = of.wishes.silent_until.filter(|until| *until > of.now);
    let quiet = !of.wishes.on || silent.is_some();
    let mut plan = Plan {
        again: silent.filter(|_| of.wishes.on && !of.waiting.is_empty()),
        ..Plan::default()
    };
    match of.reach {
        Reach::Unknown => return plan,
        Reach::Nobody | Reach::WithoutButtons if !quiet => plan.surface = to_surface(of),
        Reach::WithButtons if !quiet => plan.notices = requests(of),
        Reach::Nobody | Reach::WithoutButtons | Reach::WithButtons => {}
    }
    if of.reach != Reach::Nobody {
        plan.notices
            .extend(of.passing.iter().map(|(key, passing)| (*key, passing_by(of, passing))));
    }
    plan
}

/// The first request the owner has seen nothing of; the window shows the others beside it.
fn to_surface(of: &Situation<'_>) -> Option<ApprovalId> {
    let unseen = |id: &ApprovalId| !of.memory.is_closed(*id) && !of.memory.is_surfaced(*id);
    of.waiting.iter().map(|request| request.id).find(unseen)
}

/// A request whose notice was closed keeps its place: were the next to move up, closing one would bring another.
fn requests(of: &Situation<'_>) -> Vec<(Key, Notice)> {
    let (own, others) = of.waiting.split_at(of.waiting.len().min(OWN));
    let mut notices: Vec<(Key, Notice)> = own
        .iter()
        .filter(|request| !of.memory.is_closed(request.id))
        .map(|request| (Key::Request(request.id), words::request(request, of.wishes)))
        .collect();
    if others.iter().any(|request| !of.memory.is_summed_up(request.id)) {
        let summary = words::summary(others.len(), of.waiting.len(), !notices.is_empty());
        notices.push((Key::Summary, summary));
    }
    notices
}

fn passing_by(of: &Situation<'_>, passing: &Passing) -> Notice {
    match passing {
        Passing::Undo { rule, sentence } => {
            words::undo(*rule, sentence, of.wishes, of.reach == Reach::WithButtons, of.lasts)
        }
        Passing::Tell { title, body } => words::tell(title, body, of.lasts),
    }
}

#[cfg(test)]
mod tests;
