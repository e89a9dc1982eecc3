//! Plans that were shown and not yet applied. In memory only: they hold secrets that move to the vault.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use uuid::Uuid;

use crate::prepare::PreparedPlan;

/// How long a plan may be applied after it was shown.
const PLAN_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// Plans kept at once; beyond that the oldest is dropped.
const MAX_PLANS: usize = 32;

#[derive(Default)]
pub(crate) struct PlanStore(Mutex<VecDeque<StoredPlan>>);

struct StoredPlan {
    id: Uuid,
    made: Instant,
    plan: Arc<PreparedPlan>,
}

impl PlanStore {
    /// Stores a plan under `id`.
    pub(crate) fn insert(&self, id: Uuid, plan: PreparedPlan, now: Instant) {
        let mut plans = self.0.lock();
        drop_old(&mut plans, now);
        while plans.len() >= MAX_PLANS {
            plans.pop_front();
        }
        plans.push_back(StoredPlan { id, made: now, plan: Arc::new(plan) });
    }

    /// The plan, which stays: a refusal for want of a one-time code is no reason to plan again.
    pub(crate) fn find(&self, id: Uuid, now: Instant) -> Option<Arc<PreparedPlan>> {
        let mut plans = self.0.lock();
        drop_old(&mut plans, now);
        plans.iter().find(|kept| kept.id == id).map(|kept| kept.plan.clone())
    }

    pub(crate) fn remove(&self, id: Uuid) {
        self.0.lock().retain(|kept| kept.id != id);
    }
}

fn drop_old(plans: &mut VecDeque<StoredPlan>, now: Instant) {
    plans.retain(|kept| now.saturating_duration_since(kept.made) < PLAN_LIFETIME);
}

#[cfg(test)]
mod tests {
    use crate::plan_store::*;

    fn plans(count: usize, now: Instant) -> (PlanStore, Vec<Uuid>) {
        let plans = PlanStore::default();
        let ids: Vec<Uuid> = (0..count).map(|_| Uuid::new_v4()).collect();
        for id in &ids {
            plans.insert(*id, PreparedPlan::nothing(), now);
        }
        (plans, ids)
    }

    #[test]
    fn a_plan_stays_until_it_is_done_or_too_old() {
        let now = Instant::now();
        let (plans, ids) = plans(1, now);
        assert!(plans.find(ids[0], now).is_some() && plans.find(ids[0], now).is_some());
        assert!(plans.find(Uuid::new_v4(), now).is_none());
        assert!(plans.find(ids[0], now + PLAN_LIFETIME - Duration::from_secs(1)).is_some());
        assert!(plans.find(ids[0], now + PLAN_LIFETIME).is_none());
        let (plans, ids) = self::plans(1, now);
        plans.remove(ids[0]);
        assert!(plans.find(ids[0], now).is_none());
    }

    #[test]
    fn the_oldest_plan_is_dropped() {
        let now = Instant::now();
        let (plans, ids) = plans(MAX_PLANS + 2, now);
        let kept = ids.iter().map(|id| plans.find(*id, now).is_some()).collect::<Vec<_>>();
        assert_eq!(kept[..3], [false, false, true]);
        assert_eq!(kept.iter().filter(|kept| **kept).count(), MAX_PLANS);
    }
}
