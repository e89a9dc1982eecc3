//! Connection state of the notification daemon, with retry backoff.

use std::time::Duration;

use tokio::{sync::watch, time::Instant};

use super::{Capabilities, plan::Reachability};

/// Longest delay between two attempts.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(300);
/// Time without a failure, beyond the retry delay, after which earlier failures no longer count.
const FAILURE_RESET: Duration = Duration::from_secs(60);

pub(super) struct DaemonState {
    phase: DaemonPhase,
    /// As last probed, and published.
    capabilities: watch::Sender<Option<Capabilities>>,
    failures: FailureBackoff,
}

enum DaemonPhase {
    /// No event has come yet.
    Unknown,
    /// There is one; it has to be probed first.
    Unprobed,
    Awake,
    /// Started on demand.
    Asleep,
    Unreachable {
        retry: RetryTime,
    },
}

enum RetryTime {
    Never,
    At(Instant),
    Now,
}

impl DaemonState {
    pub(super) fn new(
        capabilities: watch::Sender<Option<Capabilities>>,
        first_retry: Duration,
    ) -> Self {
        let failures = FailureBackoff::new(first_retry);
        Self { phase: DaemonPhase::Unknown, capabilities, failures }
    }

    pub(super) fn reachability(&self) -> Reachability {
        match self.phase {
            DaemonPhase::Unknown | DaemonPhase::Unprobed => Reachability::Unknown,
            DaemonPhase::Unreachable { .. } => Reachability::Unreachable,
            DaemonPhase::Awake | DaemonPhase::Asleep => match &*self.capabilities.borrow() {
                Some(Capabilities { buttons: true, .. }) => Reachability::WithButtons,
                Some(_) | None => Reachability::WithoutButtons,
            },
        }
    }

    pub(super) fn is_awake(&self) -> bool {
        matches!(self.phase, DaemonPhase::Awake)
    }

    /// `has_notifications`: there is something to show.
    pub(super) fn needs_probe(&self, has_notifications: bool) -> bool {
        match self.phase {
            DaemonPhase::Unprobed | DaemonPhase::Unreachable { retry: RetryTime::Now } => true,
            DaemonPhase::Asleep => has_notifications,
            DaemonPhase::Unknown | DaemonPhase::Awake | DaemonPhase::Unreachable { .. } => false,
        }
    }

    pub(super) fn retries_at(&self) -> Option<Instant> {
        match self.phase {
            DaemonPhase::Unreachable { retry: RetryTime::At(at) } => Some(at),
            _ => None,
        }
    }

    pub(super) fn retry(&mut self, now: Instant) {
        if self.retries_at().is_some_and(|at| at <= now) {
            // Unreachable until it has answered.
            self.phase = DaemonPhase::Unreachable { retry: RetryTime::Now };
        }
    }

    pub(super) fn on_available(&mut self) {
        self.phase = DaemonPhase::Unprobed;
    }

    pub(super) fn on_probed(&mut self, capabilities: Capabilities) {
        self.phase = DaemonPhase::Awake;
        self.publish(capabilities);
    }

    /// The daemon went. `had_notifications`: it was showing notifications of ours.
    pub(super) fn on_gone(&mut self, now: Instant, activatable: bool, had_notifications: bool) {
        let was_reachable = self.capabilities.borrow().as_ref().is_some_and(|seen| seen.reachable);
        let failed_before = had_notifications && self.failures.any_recent(now);
        let retry = match had_notifications {
            true => RetryTime::At(self.failures.record(now)),
            false => RetryTime::Never,
        };
        match (activatable, was_reachable) {
            // One crash is an accident; after more, our notifications are taken for the cause.
            (true, _) if failed_before => self.set_unreachable(retry),
            (true, true) => self.phase = DaemonPhase::Asleep,
            (true, false) => self.phase = DaemonPhase::Unprobed,
            // An event says when another one comes.
            (false, _) => self.set_unreachable(RetryTime::Never),
        }
    }

    /// A call failed. `is_absent`: because there is no daemon; an event says when one comes.
    pub(super) fn on_failure(&mut self, now: Instant, is_absent: bool) {
        let at = self.failures.record(now);
        self.set_unreachable(if is_absent { RetryTime::Never } else { RetryTime::At(at) });
    }

    fn set_unreachable(&mut self, retry: RetryTime) {
        self.phase = DaemonPhase::Unreachable { retry };
        self.publish(Capabilities::default());
    }

    fn publish(&self, now: Capabilities) {
        self.capabilities.send_if_modified(|known| {
            let differs = known.as_ref() != Some(&now);
            *known = Some(now);
            differs
        });
    }
}

/// Counts recent failures: each doubles the delay before the next attempt.
struct FailureBackoff {
    first_delay: Duration,
    count: u32,
    last: Option<Instant>,
}

impl FailureBackoff {
    fn new(first_delay: Duration) -> Self {
        Self { first_delay, count: 0, last: None }
    }

    fn any_recent(&self, now: Instant) -> bool {
        self.last.is_some_and(|last| now.duration_since(last) < self.delay() + FAILURE_RESET)
    }

    /// Counts one more, and returns when to try again.
    fn record(&mut self, now: Instant) -> Instant {
        self.count = if self.any_recent(now) { self.count.saturating_add(1) } else { 0 };
        self.last = Some(now);
        now + self.delay()
    }

    fn delay(&self) -> Duration {
        self.first_delay.saturating_mul(1 << self.count.min(16)).min(MAX_RETRY_DELAY)
    }
}

#[cfg(test)]
mod tests;
