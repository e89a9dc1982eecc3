//! When a starting server last wrote something.
//!
//! A package runner may download for minutes before the server can answer. As long as it writes, it is at work.

use std::{
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// Bound on a start however much the server writes.
const MAX_START_TIME: Duration = Duration::from_secs(1_800);

/// The moment a server last wrote to standard output or standard error.
#[derive(Debug)]
pub(in crate::upstream) struct StartActivity {
    started: Instant,
    /// Milliseconds after `started`.
    last: AtomicU64,
}

impl Default for StartActivity {
    fn default() -> Self {
        Self { started: Instant::now(), last: AtomicU64::new(0) }
    }
}

impl StartActivity {
    pub(super) fn touch(&self) {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(elapsed, Ordering::Relaxed);
    }

    fn last(&self) -> Instant {
        self.started + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }

    /// Runs `work` until the server has been silent for `silence`. `None`: it was.
    pub(in crate::upstream) async fn while_active<T>(
        &self,
        silence: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = pin!(work);
        let begun = Instant::now();
        loop {
            let quiet_at = self.last().max(begun) + silence;
            let end = begun + MAX_START_TIME.max(silence);
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = sleep_until(quiet_at.min(end)) => {
                    let now = Instant::now();
                    if now >= end || now >= self.last().max(begun) + silence {
                        return None;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_writes_has_more_time() {
        let activity = Arc::new(StartActivity::default());
        let silence = Duration::from_secs(30);
        let download = async {
            for _ in 0..3 {
                sleep(Duration::from_secs(20)).await;
                activity.touch();
            }
            "ready"
        };
        assert_eq!(activity.while_active(silence, download).await, Some("ready"));
        let silent = sleep(Duration::from_secs(31));
        assert!(activity.while_active(silence, silent).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_only_ever_writes_is_given_up() {
        let activity = StartActivity::default();
        let chatter = async {
            loop {
                sleep(Duration::from_secs(1)).await;
                activity.touch();
            }
        };
        assert!(activity.while_active::<()>(Duration::from_secs(30), chatter).await.is_none());
    }
}
