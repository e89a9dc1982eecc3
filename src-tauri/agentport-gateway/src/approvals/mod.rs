//! Requests for the owner's decision: asking, deciding, awaiting, running.
//!
//! The database holds the truth; this module keeps, for requests that are open, who waits for them. What always
//! holds: a request is stored before anybody hears of it; one identical open call is one request; an approved request
//! runs at most once, however many repeat or await it; nothing runs while nobody listens.

mod ask;
mod decide;
mod denials;
mod review;
mod rounds;
mod run;
mod sweep;
mod wait;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use agentport_core::{
    AgentId, ApprovalId, IntegrationId,
    approval::{Approval, StateName},
    arguments::ArgumentsHash,
};
use tokio::sync::{Notify, watch};

pub(crate) use ask::Asking;
pub(crate) use decide::DecideError;
pub(crate) use wait::{Awaited, StoredResult};

use crate::catalogue::PublishedTool;

/// What makes two calls the same call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CallKey {
    agent: AgentId,
    integration: IntegrationId,
    tool: String,
    hash: ArgumentsHash,
}

impl CallKey {
    pub(crate) fn new(agent: AgentId, tool: &PublishedTool, hash: ArgumentsHash) -> Self {
        Self { agent, integration: tool.integration.clone(), tool: tool.name().to_owned(), hash }
    }

    fn of(approval: &Approval) -> Self {
        Self {
            agent: approval.agent,
            integration: approval.integration.clone(),
            tool: approval.tool.clone(),
            hash: approval.asked_hash,
        }
    }
}

/// An open request: pending, approved or running.
#[derive(Debug)]
struct Live {
    key: CallKey,
    expires_at: agentport_core::Timestamp,
    state: watch::Sender<StateName>,
}

/// The open requests.
#[derive(Debug, Default)]
pub(crate) struct Approvals {
    open: Mutex<Open>,
    /// How many are open: lets a call that has none skip the lock.
    count: AtomicUsize,
    /// The rules are others now: what waits may no longer have to.
    review: Notify,
    /// One asks at a time, so that two identical calls become one request.
    asking: tokio::sync::Mutex<()>,
    /// Something was added or changed that may expire earlier than the sweeper thinks.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Open {
    by_id: HashMap<ApprovalId, Arc<Live>>,
    by_key: HashMap<CallKey, ApprovalId>,
}

impl Approvals {
    /// Has open requests looked at again under the new rules.
    pub(crate) fn rules_changed(&self) {
        self.review.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The open request for this very call, if there is one.
    pub(crate) fn open_for(&self, key: &CallKey) -> Option<ApprovalId> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.lock().by_key.get(key).copied()
    }

    /// Has this agent an open request for the tool, whatever its arguments?
    pub(crate) fn has_open(&self, agent: AgentId, integration: &IntegrationId, tool: &str) -> bool {
        self.lock()
            .by_key
            .keys()
            .any(|key| key.agent == agent && key.integration == *integration && key.tool == tool)
    }

    fn live(&self, id: ApprovalId) -> Option<Arc<Live>> {
        self.lock().by_id.get(&id).cloned()
    }

    /// How many other requests of this agent wait for the same tool.
    pub(crate) fn also_waiting(&self, approval: &Approval) -> u32 {
        let all = self.lock();
        let others = all.by_id.iter().filter(|(id, live)| {
            **id != approval.id
                && live.key.agent == approval.agent
                && live.key.integration == approval.integration
                && live.key.tool == approval.tool
                && *live.state.borrow() == StateName::Pending
        });
        u32::try_from(others.count()).unwrap_or(u32::MAX)
    }

    fn pending_of(&self, agent: AgentId) -> usize {
        let pending = |live: &&Arc<Live>| {
            live.key.agent == agent && *live.state.borrow() == StateName::Pending
        };
        self.lock().by_id.values().filter(pending).count()
    }

    /// When the next request runs out. One that runs has the call's own deadline instead.
    fn next_expiry(&self) -> Option<agentport_core::Timestamp> {
        let all = self.lock();
        let waiting = all.by_id.values().filter(|l| *l.state.borrow() != StateName::Running);
        waiting.map(|live| live.expires_at).min()
    }

    /// Forgets what is overdue here and not open in the database: whatever went wrong, it must not keep anybody busy.
    fn keep_only(&self, open: &[Approval], now: agentport_core::Timestamp) {
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

    /// Takes note of a request's state, and tells everybody who waits for it.
    pub(crate) fn note(&self, approval: &Approval) {
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
            // Somebody who was faster has noted a later state already.
            return;
        }
        let before = if open {
            let live = Arc::new(Live {
                key: CallKey::of(approval),
                expires_at: approval.expires_at,
                // Those who wait already keep waiting on the same channel.
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
            let key = CallKey::of(approval);
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
