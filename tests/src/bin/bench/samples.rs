//! Latencies, and what is read off them.

use std::time::Duration;

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    /// Microseconds.
    pub(crate) p50: f64,
    /// Microseconds.
    pub(crate) p95: f64,
    /// Microseconds.
    pub(crate) p99: f64,
    pub(crate) per_second: f64,
    pub(crate) calls: usize,
}

impl Figures {
    pub(crate) fn of(mut latencies: Vec<Duration>, took: Duration) -> Self {
        assert!(!latencies.is_empty(), "nothing was measured");
        latencies.sort_unstable();
        let at = |share| at(&latencies, share).as_secs_f64() * 1e6;
        Self {
            p50: at(0.50),
            p95: at(0.95),
            p99: at(0.99),
            per_second: latencies.len() as f64 / took.as_secs_f64(),
            calls: latencies.len(),
        }
    }

    /// Each figure's median over several rounds.
    pub(crate) fn median(rounds: &[Self]) -> Self {
        let middle = |read: fn(&Self) -> f64| median(rounds.iter().map(read).collect());
        Self {
            p50: middle(|one| one.p50),
            p95: middle(|one| one.p95),
            p99: middle(|one| one.p99),
            per_second: middle(|one| one.per_second),
            calls: rounds.iter().map(|one| one.calls).sum(),
        }
    }
}

/// What so large a share of all is below; a share is less than one.
#[cfg(target_os = "linux")]
pub(crate) fn percentile(mut latencies: Vec<Duration>, share: f64) -> Duration {
    assert!(!latencies.is_empty(), "nothing was measured");
    latencies.sort_unstable();
    at(&latencies, share)
}

fn at(sorted: &[Duration], share: f64) -> Duration {
    // Shares are below one, so the place is within the list.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    let place = (share * sorted.len() as f64) as usize;
    sorted[place]
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    assert!(!values.is_empty(), "nothing was measured");
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
