//! Pending requests whose notification was dismissed or for which the window was opened, so that the owner is not
//! disturbed twice.

use std::collections::{HashMap, HashSet};

use super::notifier::ClosedBy;
use crate::gateway::state::{RequestId, WaitingRequests};

/// Holds only requests that are still pending.
#[derive(Debug, Default)]
pub(super) struct DismissedRequests {
    /// Requests whose notification was closed or answered.
    closed: HashMap<RequestId, ClosedBy>,
    /// Requests that were pending when the summary was closed.
    summed_up: HashSet<RequestId>,
    /// Requests the window was opened for.
    in_window: HashSet<RequestId>,
}

impl DismissedRequests {
    /// The notification of `id` is gone, and is not to be shown again.
    pub(super) fn request_closed(&mut self, id: RequestId, by: ClosedBy) {
        self.closed.insert(id, by);
    }

    pub(super) fn is_closed(&self, id: RequestId) -> bool {
        self.closed.contains_key(&id)
    }

    /// The summary is gone, and is shown again only for requests that are not in `pending`.
    pub(super) fn summary_closed(&mut self, pending: &WaitingRequests) {
        self.summed_up = pending.ids().collect();
    }

    pub(super) fn is_summed_up(&self, id: RequestId) -> bool {
        self.summed_up.contains(&id)
    }

    /// The window shows `pending`.
    pub(super) fn window_opened(&mut self, pending: &WaitingRequests) {
        self.in_window.extend(pending.ids());
    }

    pub(super) fn is_in_window(&self, id: RequestId) -> bool {
        self.in_window.contains(&id)
    }

    /// A notification shows it now; should that be lost, the window has to open again.
    pub(super) fn notification_shown(&mut self, id: RequestId) {
        self.in_window.remove(&id);
    }

    /// Another daemon is there. What its predecessor closed may be shown again; what the owner closed may not.
    pub(super) fn daemon_replaced(&mut self) {
        self.closed.retain(|_, by| *by == ClosedBy::Owner);
    }

    /// Forgets requests that are no longer pending.
    pub(super) fn retain_pending(&mut self, pending: &WaitingRequests) {
        let pending: HashSet<RequestId> = pending.ids().collect();
        self.closed.retain(|id, _| pending.contains(id));
        self.summed_up.retain(|id| pending.contains(id));
        self.in_window.retain(|id| pending.contains(id));
    }
}
