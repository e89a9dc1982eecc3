//! Plans that were shown and not yet carried out. In memory only: they hold what moves to the vault.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use uuid::Uuid;

use crate::make::Prepared;

/// How long a plan may be carried out after it was shown.
const LIFE: Duration = Duration::from_secs(15 * 60);
/// As many are kept; then the oldest goes.
const MOST: usize = 32;

#[derive(Default)]
pub(crate) struct Plans(Mutex<VecDeque<Kept>>);

struct Kept {
    id: Uuid,
    made: Instant,
    plan: Arc<Prepared>,
}

impl Plans {
    /// Keeps a plan under `id`.
    pub(crate) fn keep(&self, id: Uuid, plan: Prepared, now: Instant) {
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop_old(&mut plans, now);
        while plans.len() >= MOST {
            plans.pop_front();
        }
        plans.push_back(Kept { id, made: now, plan: Arc::new(plan) });
    }

    /// The plan, which stays: a refusal for want of a code is no reason to make it anew.
    pub(crate) fn find(&self, id: Uuid, now: Instant) -> Option<Arc<Prepared>> {
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop_old(&mut plans, now);
        plans.iter().find(|kept| kept.id == id).map(|kept| kept.plan.clone())
    }

    pub(crate) fn forget(&self, id: Uuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|kept| kept.id != id);
    }
}

fn drop_old(plans: &mut VecDeque<Kept>, now: Instant) {
    plans.retain(|kept| now.saturating_duration_since(kept.made) < LIFE);
}

#[cfg(test)]
mod tests {
    use crate::plans::*;

    fn plans(count: usize, now: Instant) -> (Plans, Vec<Uuid>) {
        let plans = Plans::default();
        let ids: Vec<Uuid> = (0..count).map(|_| Uuid::new_v4()).collect();
        for id in &ids {
            plans.keep(*id, Prepared::nothing(), now);
        }
        (plans, ids)
    }

    #[test]
    fn a_plan_stays_until_it_is_done_or_too_old() {
        let now = Instant::now();
        let (plans, ids) = plans(1, now);
        assert!(plans.find(ids[0], now).is_some() && plans.find(ids[0], now).is_some());
        assert!(plans.find(Uuid::new_v4(), now).is_none());
        assert!(plans.find(ids[0], now + LIFE - Duration::from_secs(1)).is_some());
        assert!(plans.find(ids[0], now + LIFE).is_none());
        let (plans, ids) = self::plans(1, now);
        plans.forget(ids[0]);
        assert!(plans.find(ids[0], now).is_none());
    }

    #[test]
    fn the_oldest_makes_room() {
        let now = Instant::now();
        let (plans, ids) = plans(MOST + 2, now);
        let kept = ids.iter().map(|id| plans.find(*id, now).is_some()).collect::<Vec<_>>();
        assert_eq!(kept[..3], [false, false, true]);
        assert_eq!(kept.iter().filter(|kept| **kept).count(), MOST);
    }
}
