//! Retry backoff of a failed upstream: 1 s, doubling up to 60 s, each shortened by up to a quarter at random, so that
//! several that failed together do not come back together.

use std::time::Duration;

const INITIAL_DELAY: Duration = Duration::from_secs(1);
const MAX_DELAY: Duration = Duration::from_secs(60);

/// Failures in a row after which only a call or the owner starts the upstream.
const MAX_UNATTENDED_RETRIES: u32 = 5;

/// Failures in a row.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct RetryBackoff {
    failures: u32,
}

impl RetryBackoff {
    /// Counts a failure. `random` lies in `0.0..1.0`.
    pub(super) fn failed(&mut self, random: f64) -> Duration {
        let doublings = self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        let full = INITIAL_DELAY.saturating_mul(1 << doublings).min(MAX_DELAY);
        full.mul_f64(1.0 - random.clamp(0.0, 1.0) / 4.0)
    }

    /// Whether the actor may retry without a call or the owner asking for it.
    pub(super) fn may_retry_unattended(self) -> bool {
        self.failures <= MAX_UNATTENDED_RETRIES
    }

    pub(super) fn worked(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_a_minute_and_starts_over() {
        let mut backoff = RetryBackoff::default();
        let waits: Vec<u64> = (0..9).map(|_| backoff.failed(0.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert!(!backoff.may_retry_unattended());
        backoff.worked();
        assert!(backoff.may_retry_unattended());
        assert_eq!(backoff.failed(1.0), Duration::from_millis(750));
    }

    #[test]
    fn never_overflows() {
        let mut backoff = RetryBackoff { failures: u32::MAX };
        assert_eq!(backoff.failed(0.0), MAX_DELAY);
    }
}
