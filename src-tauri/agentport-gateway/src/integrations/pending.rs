//! Running additions: the owner can watch each, and end it until it counts.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use agentport_api::{AddProgress, StartStep};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{store::Transition, upstream::StartWatch};

/// Additions by the names of their attempts, one of a name at a time.
#[derive(Default)]
pub(crate) struct PendingAdds(Mutex<HashMap<String, AddState>>);

struct AddState {
    cancelled: CancellationToken,
    begun: Instant,
    /// Absent until the server is tried.
    trial: Option<TrialState>,
}

/// A server that is being tried.
struct TrialState {
    /// The server, as in "the server at example.com".
    what: String,
    limit: Duration,
    watch: StartWatch,
}

/// An addition that is under way, until this is dropped or [`PendingAdd::commit`].
pub(super) struct PendingAdd<'a> {
    additions: &'a PendingAdds,
    attempt: String,
    cancelled: CancellationToken,
}

impl PendingAdds {
    /// `None`: one of this name is under way already.
    pub(super) fn begin(&self, attempt: &str) -> Option<PendingAdd<'_>> {
        let mut all = self.0.lock();
        if all.contains_key(attempt) {
            return None;
        }
        let cancelled = CancellationToken::new();
        let state = AddState { cancelled: cancelled.clone(), begun: Instant::now(), trial: None };
        all.insert(attempt.to_owned(), state);
        Some(PendingAdd { additions: self, attempt: attempt.to_owned(), cancelled })
    }

    /// Ends an addition, of which nothing is kept. [`Transition::LostRace`]: none is under way, or it counts
    /// already.
    pub(crate) fn cancel(&self, attempt: &str) -> Transition {
        let Some(state) = self.0.lock().remove(attempt) else { return Transition::LostRace };
        state.cancelled.cancel();
        Transition::Applied
    }

    /// What an addition waits for; `None`: it is not under way, or waits for nothing.
    pub(crate) fn progress(&self, attempt: &str) -> Option<AddProgress> {
        let all = self.0.lock();
        let state = all.get(attempt)?;
        let trial = state.trial.as_ref()?;
        let step = trial.watch.step();
        let what = &trial.what;
        Some(AddProgress {
            step,
            waiting_for: match step {
                StartStep::StartingProgram => format!("{what} to start"),
                StartStep::Connecting => format!("{what} to answer"),
                StartStep::ListingTools => format!("{what} to list its tools"),
            },
            elapsed_seconds: seconds(state.begun.elapsed()),
            limit_seconds: seconds(trial.limit),
            last_line: trial.watch.last_line(),
        })
    }
}

fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

impl PendingAdd<'_> {
    /// The server is being tried; what is returned shows the owner how far its start has come.
    pub(super) fn begin_trial(&self, what: String, limit: Duration) -> StartWatch {
        let watch = StartWatch::default();
        if let Some(state) = self.additions.0.lock().get_mut(&self.attempt)
            && !self.cancelled.is_cancelled()
        {
            state.trial = Some(TrialState { what, limit, watch: watch.clone() });
        }
        watch
    }

    /// Returns when the owner has ended it.
    pub(super) async fn cancelled(&self) {
        self.cancelled.cancelled().await;
    }

    /// From here on it can't be ended any more. [`Transition::LostRace`]: it was ended before.
    pub(super) fn commit(self) -> Transition {
        let mut all = self.additions.0.lock();
        if self.cancelled.is_cancelled() {
            return Transition::LostRace;
        }
        all.remove(&self.attempt);
        Transition::Applied
    }
}

impl Drop for PendingAdd<'_> {
    fn drop(&mut self) {
        // One that was ended has made room already, perhaps for another of the same name.
        if !self.cancelled.is_cancelled() {
            self.additions.0.lock().remove(&self.attempt);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_cancelled_once() {
        let additions = PendingAdds::default();
        assert_eq!(additions.cancel("x"), Transition::LostRace, "none is under way");

        let first = additions.begin("x").unwrap();
        assert!(additions.begin("x").is_none());
        assert_eq!(additions.cancel("x"), Transition::Applied);
        assert_eq!(additions.cancel("x"), Transition::LostRace);
        let second = additions.begin("x").unwrap();
        assert_eq!(first.commit(), Transition::LostRace, "it was ended");
        assert!(additions.begin("x").is_none(), "the end of the first is not that of the second");

        assert_eq!(second.commit(), Transition::Applied);
        assert_eq!(additions.cancel("x"), Transition::LostRace, "it counts");
        drop(additions.begin("x").unwrap());
        assert!(additions.begin("x").is_some(), "one that failed has made room");
    }

    #[test]
    fn says_what_is_waited_for() {
        let additions = PendingAdds::default();
        let pending = additions.begin("x").unwrap();
        assert_eq!(additions.progress("x"), None, "it is not tried yet");
        let watch = pending.begin_trial("the server".to_owned(), Duration::from_secs(30));
        watch.push_line("downloading");
        let want = AddProgress {
            step: StartStep::Connecting,
            waiting_for: "the server to answer".to_owned(),
            elapsed_seconds: 0,
            limit_seconds: 30,
            last_line: Some("downloading".to_owned()),
        };
        assert_eq!(additions.progress("x"), Some(want));
        drop(pending);
        assert_eq!(additions.progress("x"), None);
    }
}
