//! What is remembered of requests that wait, so that nobody is bothered twice.

use std::collections::{HashMap, HashSet};

use agentport_core::ApprovalId;

use super::{Waiting, notifier::ClosedBy};

/// Knows nothing of requests that no longer wait.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Requests whose notice was closed or answered.
    closed: HashMap<ApprovalId, ClosedBy>,
    /// Requests that waited when the summary was closed.
    summed_up: HashSet<ApprovalId>,
    /// Requests the window was opened for.
    surfaced: HashSet<ApprovalId>,
}

impl Memory {
    /// The notice of `id` is gone, and is not to come back.
    pub(super) fn close(&mut self, id: ApprovalId, by: ClosedBy) {
        self.closed.insert(id, by);
    }

    pub(super) fn is_closed(&self, id: ApprovalId) -> bool {
        self.closed.contains_key(&id)
    }

    /// The summary is gone, and comes back only for requests that are not among `waiting`.
    pub(super) fn close_summary(&mut self, waiting: &[Waiting]) {
        self.summed_up = waiting.iter().map(|request| request.id).collect();
    }

    pub(super) fn is_summed_up(&self, id: ApprovalId) -> bool {
        self.summed_up.contains(&id)
    }

    /// The window shows `waiting`.
    pub(super) fn surface(&mut self, waiting: &[Waiting]) {
        self.surfaced.extend(waiting.iter().map(|request| request.id));
    }

    pub(super) fn is_surfaced(&self, id: ApprovalId) -> bool {
        self.surfaced.contains(&id)
    }

    /// There is a notice for it now; should that vanish, the window is to open again.
    pub(super) fn is_noticed(&mut self, id: ApprovalId) {
        self.surfaced.remove(&id);
    }

    /// Somebody else shows notices now. What its predecessor closed as it went may come back; what the owner closed
    /// may not.
    pub(super) fn another_server(&mut self) {
        self.closed.retain(|_, by| *by == ClosedBy::Owner);
    }

    /// Forgets what no longer waits.
    pub(super) fn keep(&mut self, waiting: &[Waiting]) {
        let waits: HashSet<ApprovalId> = waiting.iter().map(|request| request.id).collect();
        self.closed.retain(|id, _| waits.contains(id));
        self.summed_up.retain(|id| waits.contains(id));
        self.surfaced.retain(|id| waits.contains(id));
    }
}
