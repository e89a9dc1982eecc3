//! The open approvals in memory, each with a channel for the calls that wait for it.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use agentport_core::{
    AgentId, ApprovalId, IntegrationId, Timestamp,
    approval::{Approval, StateName},
};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, watch};

use super::CallKey;

/// An open approval: pending, approved or running.
#[derive(Debug)]
pub(super) struct OpenApproval {
    key: CallKey,
    pub(super) expires_at: Timestamp,
    pub(super) state: watch::Sender<StateName>,
}

impl OpenApproval {
    pub(super) fn is_pending(&self) -> bool {
        *self.state.borrow() == StateName::Pending
    }
}

#[derive(Debug, Default)]
pub(super) struct OpenApprovals {
    index: Mutex<OpenIndex>,
    /// How many are open: lets a call that has none skip the lock.
    count: AtomicUsize,
    /// An approval was added or changed, so the next expiry may be another.
    changed: Notify,
}

#[derive(Debug, Default)]
struct OpenIndex {
    by_id: HashMap<ApprovalId, Arc<OpenApproval>>,
    by_key: HashMap<CallKey, ApprovalId>,
}

/// The pending approvals at one moment, by agent and tool. Taken once for a list of any length.
#[derive(Debug, Default)]
pub(crate) struct PendingApprovals(HashMap<(AgentId, IntegrationId, String), HashSet<ApprovalId>>);

/// A pending approval, as far as its agent is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PendingRequest {
    pub(crate) id: ApprovalId,
    pub(crate) integration: IntegrationId,
    pub(crate) tool: String,
    pub(crate) expires_at: Timestamp,
}

impl PendingApprovals {
    /// How many other approvals of the same agent for the same tool are pending.
    pub(crate) fn also_waiting(&self, approval: &Approval) -> u32 {
        let key = (approval.agent, approval.integration.clone(), approval.tool.clone());
        let others =
            self.0.get(&key).map_or(0, |ids| ids.len() - usize::from(ids.contains(&approval.id)));
        u32::try_from(others).unwrap_or(u32::MAX)
    }
}

impl OpenApprovals {
    fn lock(&self) -> MutexGuard<'_, OpenIndex> {
        self.index.lock()
    }

    /// Waits until an approval was added or changed.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The open approval for this very call, if there is one.
    pub(super) fn open_for(&self, key: &CallKey) -> Option<ApprovalId> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.lock().by_key.get(key).copied()
    }

    /// Has this agent an open approval for the tool, whatever its arguments?
    pub(super) fn has_open(&self, agent: AgentId, integration: &IntegrationId, tool: &str) -> bool {
        self.lock()
            .by_key
            .keys()
            .any(|key| key.agent == agent && key.integration == *integration && key.tool == tool)
    }

    pub(super) fn get(&self, id: ApprovalId) -> Option<Arc<OpenApproval>> {
        self.lock().by_id.get(&id).cloned()
    }

    /// The pending approvals by agent and tool.
    pub(super) fn pending(&self) -> PendingApprovals {
        let mut pending = PendingApprovals::default();
        for (id, open) in self.lock().by_id.iter().filter(|(_, open)| open.is_pending()) {
            let CallKey { agent, integration, tool, .. } = open.key.clone();
            pending.0.entry((agent, integration, tool)).or_default().insert(*id);
        }
        pending
    }

    /// The pending approvals of one agent, by when they expire.
    pub(super) fn pending_of(&self, agent: AgentId) -> Vec<PendingRequest> {
        let mut pending: Vec<PendingRequest> = self
            .lock()
            .by_id
            .iter()
            .filter(|(_, open)| open.key.agent == agent && open.is_pending())
            .map(|(id, open)| PendingRequest {
                id: *id,
                integration: open.key.integration.clone(),
                tool: open.key.tool.clone(),
                expires_at: open.expires_at,
            })
            .collect();
        pending.sort_by_key(|request| (request.expires_at, request.id));
        pending
    }

    /// How many approvals of this agent are pending.
    pub(super) fn pending_count(&self, agent: AgentId) -> usize {
        let pending = |live: &&Arc<OpenApproval>| live.key.agent == agent && live.is_pending();
        self.lock().by_id.values().filter(pending).count()
    }

    /// When the next approval expires. A running one has the call's own deadline instead.
    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        let all = self.lock();
        let waiting = all.by_id.values().filter(|l| *l.state.borrow() != StateName::Running);
        waiting.map(|live| live.expires_at).min()
    }

    /// Drops what is overdue here and not open in the database, so that it is not looked at for ever.
    pub(super) fn retain_open(&self, open: &[Approval], now: Timestamp) {
        let mut all = self.lock();
        let is_open = |id: &ApprovalId| open.iter().any(|approval| approval.id == *id);
        let gone: Vec<ApprovalId> = all
            .by_id
            .iter()
            .filter(|(id, live)| live.expires_at <= now && !is_open(id))
            .map(|(id, _)| *id)
            .collect();
        all.by_id.retain(|id, _| !gone.contains(id));
        all.by_key.retain(|_, id| !gone.contains(id));
        self.count.store(all.by_id.len(), Ordering::Release);
    }

    /// Publishes the state of an approval to the calls that wait for it.
    pub(super) fn publish_state(&self, approval: &Approval) {
        let state = approval.state.name();
        let open = matches!(state, StateName::Pending | StateName::Approved | StateName::Running);
        let mut all = self.lock();
        let rank = |state| match state {
            StateName::Pending => 0,
            StateName::Approved => 1,
            StateName::Running => 2,
            _ => 3,
        };
        let known = all.by_id.get(&approval.id).map(|live| *live.state.borrow());
        if known.is_some_and(|known| rank(known) > rank(state)) {
            // A later state was published meanwhile.
            return;
        }
        let before = if open {
            let live = Arc::new(OpenApproval {
                key: CallKey::from_approval(approval),
                expires_at: approval.expires_at,
                // Calls that wait already keep waiting on the same channel.
                state: all
                    .by_id
                    .get(&approval.id)
                    .map_or_else(|| watch::Sender::new(state), |live| live.state.clone()),
            });
            all.by_key.entry(live.key.clone()).or_insert(approval.id);
            all.by_id.insert(approval.id, live.clone());
            Some(live)
        } else {
            let gone = all.by_id.remove(&approval.id);
            let key = CallKey::from_approval(approval);
            if all.by_key.get(&key) == Some(&approval.id) {
                all.by_key.remove(&key);
            }
            gone
        };
        self.count.store(all.by_id.len(), Ordering::Release);
        drop(all);
        if let Some(live) = before {
            live.state.send_replace(state);
        }
        self.changed.notify_one();
    }
}
