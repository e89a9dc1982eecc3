//! How long an upstream that failed is left alone: 1 s, doubling up to 60 s, each shortened by up to a quarter at
//! random, so that several that failed together do not come back together.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Failures in a row after which nobody tries any more unless asked to.
const UNASKED: u32 = 5;

/// Failures in a row.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Counts a failure. `random` lies in `0.0..1.0`.
    pub(super) fn failed(&mut self, random: f64) -> Duration {
        let doublings = self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        let full = FIRST.saturating_mul(1 << doublings).min(LONGEST);
        full.mul_f64(1.0 - random.clamp(0.0, 1.0) / 4.0)
    }

    /// May it be tried again without anybody asking for it?
    pub(super) fn tries_unasked(self) -> bool {
        self.failures <= UNASKED
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
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..9).map(|_| backoff.failed(0.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert!(!backoff.tries_unasked());
        backoff.worked();
        assert!(backoff.tries_unasked());
        assert_eq!(backoff.failed(1.0), Duration::from_millis(750));
    }

    #[test]
    fn never_overflows() {
        let mut backoff = Backoff { failures: u32::MAX };
        assert_eq!(backoff.failed(0.0), LONGEST);
    }
}
