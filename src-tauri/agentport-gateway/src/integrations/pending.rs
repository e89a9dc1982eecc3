//! Running additions: each can be ended by the owner until it counts.

use std::collections::HashMap;

use agentport_core::IntegrationId;
use parking_lot::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;

/// One addition of an id at a time.
#[derive(Debug, Default)]
pub(crate) struct PendingAdds(Mutex<HashMap<IntegrationId, CancellationToken>>);

/// An addition that is under way, until this is dropped or [`PendingAdd::commit`].
pub(super) struct PendingAdd<'a> {
    additions: &'a PendingAdds,
    id: IntegrationId,
    ended: CancellationToken,
}

impl PendingAdds {
    /// `None`: this id is being added already.
    pub(super) fn begin(&self, id: &IntegrationId) -> Option<PendingAdd<'_>> {
        let mut all = self.lock();
        if all.contains_key(id) {
            return None;
        }
        let ended = CancellationToken::new();
        all.insert(id.clone(), ended.clone());
        Some(PendingAdd { additions: self, id: id.clone(), ended })
    }

    /// Ends an addition, of which nothing is kept. `false`: none is under way, or it counts already.
    pub(crate) fn end(&self, id: &IntegrationId) -> bool {
        let ended = self.lock().remove(id);
        ended.is_some_and(|ended| {
            ended.cancel();
            true
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IntegrationId, CancellationToken>> {
        self.0.lock()
    }
}

impl PendingAdd<'_> {
    /// Returns when the owner has ended it.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// From here on it can't be ended any more. `false`: it was ended before.
    pub(super) fn commit(self) -> bool {
        let mut all = self.additions.lock();
        if self.ended.is_cancelled() {
            return false;
        }
        all.remove(&self.id);
        true
    }
}

impl Drop for PendingAdd<'_> {
    fn drop(&mut self) {
        // One that was ended has made room already, perhaps for another of the same id.
        if !self.ended.is_cancelled() {
            self.additions.lock().remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_ended_once() {
        let additions = PendingAdds::default();
        let id = IntegrationId::new("x").unwrap();
        assert!(!additions.end(&id), "none is under way");

        let first = additions.begin(&id).unwrap();
        assert!(additions.begin(&id).is_none());
        assert!(additions.end(&id) && !additions.end(&id));
        let second = additions.begin(&id).unwrap();
        assert!(!first.commit(), "it was ended");
        assert!(additions.begin(&id).is_none(), "the end of the first is not that of the second");

        assert!(second.commit());
        assert!(!additions.end(&id), "it counts");
        drop(additions.begin(&id).unwrap());
        assert!(additions.begin(&id).is_some(), "one that failed has made room");
    }
}
