//! Throttle of sign-in attempts: passwords and codes are checked one at a time, and after a few wrong ones only after a
//! pause. Guessing in parallel gains nothing, and the owner's own attempt is served in its turn.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use agentport_core::Timestamp;
use parking_lot::{Mutex, MutexGuard};

use crate::clock;

/// Wrong attempts before the first pause.
const FREE_ATTEMPTS: u32 = 5;
/// Pause before each further attempt, and the longest time a request is kept waiting; if the pause is longer, the
/// attempt is refused at once.
const ATTEMPT_INTERVAL: Duration = Duration::from_secs(2);
/// Longest pause of a throttle whose pauses grow.
const MAX_PAUSE: Duration = Duration::from_secs(300);
/// Attempts that may wait at once; more are refused.
const MAX_WAITING: usize = 8;

/// Counts wrong attempts and holds up the next ones.
#[derive(Debug)]
pub(crate) struct LoginThrottle {
    grows: bool,
    wrong: Mutex<WrongAttempts>,
    /// Held while an attempt is checked.
    gate: tokio::sync::Mutex<()>,
    waiting: AtomicUsize,
}

#[derive(Debug, Default)]
struct WrongAttempts {
    count: u32,
    last: Option<Timestamp>,
}

/// Permission to check one attempt. No other is checked meanwhile.
pub(crate) struct Attempt<'a> {
    throttle: &'a LoginThrottle,
    _gate: tokio::sync::MutexGuard<'a, ()>,
    _waiting: WaitingAttempt<'a>,
}

impl Attempt<'_> {
    pub(crate) fn was_wrong(&self) {
        self.throttle.record_wrong(clock::now());
    }

    pub(crate) fn was_right(&self) {
        *self.throttle.lock() = WrongAttempts::default();
    }
}

/// Counts a waiting attempt until it is dropped.
struct WaitingAttempt<'a> {
    all: &'a AtomicUsize,
    before: usize,
}

impl<'a> WaitingAttempt<'a> {
    fn new(all: &'a AtomicUsize) -> Self {
        Self { all, before: all.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for WaitingAttempt<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
    }
}

impl LoginThrottle {
    /// For long secrets such as passwords: the pause stays the same, so that an agent cannot lock the owner out.
    pub(crate) fn steady() -> Self {
        Self::new(false)
    }

    /// For short secrets such as six digits, which a guess every two seconds would find within days: the pause doubles.
    pub(crate) fn growing() -> Self {
        Self::new(true)
    }

    fn new(grows: bool) -> Self {
        let (wrong, gate) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { grows, wrong, gate, waiting: AtomicUsize::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, WrongAttempts> {
        self.wrong.lock()
    }

    /// Waits until an attempt may be checked. `Err`: refused; seconds after which to try again.
    pub(crate) async fn attempt(&self) -> Result<Attempt<'_>, u64> {
        let waiting = WaitingAttempt::new(&self.waiting);
        if waiting.before >= MAX_WAITING {
            return Err(ATTEMPT_INTERVAL.as_secs());
        }
        let gate = self.gate.lock().await;
        let pause = self.pause(clock::now());
        if pause > ATTEMPT_INTERVAL {
            return Err(pause.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX));
        }
        tokio::time::sleep(pause).await;
        Ok(Attempt { throttle: self, _gate: gate, _waiting: waiting })
    }

    /// Time until the next attempt may be checked.
    fn pause(&self, now: Timestamp) -> Duration {
        let wrong = self.lock();
        let Some(more) = wrong.count.checked_sub(FREE_ATTEMPTS) else { return Duration::ZERO };
        let between = match self.grows {
            false => ATTEMPT_INTERVAL,
            true => ATTEMPT_INTERVAL.saturating_mul(2_u32.saturating_pow(more)).min(MAX_PAUSE),
        };
        wrong.last.map_or(Duration::ZERO, |last| between.saturating_sub(now.since(last)))
    }

    fn record_wrong(&self, now: Timestamp) {
        let mut wrong = self.lock();
        wrong.count = wrong.count.saturating_add(1);
        wrong.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause_after(throttle: &LoginThrottle, wrong: u32) -> Duration {
        *throttle.lock() = WrongAttempts { count: wrong, last: Some(Timestamp(0)) };
        throttle.pause(Timestamp(0))
    }

    #[test]
    fn wrong_attempts_delay_every_further_one() {
        let throttle = LoginThrottle::steady();
        let at = |ms: i64| Timestamp(ms);
        for second in 0..5 {
            assert_eq!(throttle.pause(at(second)), Duration::ZERO);
            throttle.record_wrong(at(second));
        }
        assert_eq!(throttle.pause(at(4)), ATTEMPT_INTERVAL);
        assert_eq!(throttle.pause(at(1_004)), Duration::from_secs(1));
        assert_eq!(throttle.pause(at(2_004)), Duration::ZERO);
        assert_eq!(pause_after(&throttle, 1_000_000), ATTEMPT_INTERVAL);
    }

    #[test]
    fn pauses_grow_for_short_secrets() {
        let throttle = LoginThrottle::growing();
        for (wrong, seconds) in [(4, 0), (5, 2), (6, 4), (10, 64), (13, 300), (u32::MAX, 300)] {
            assert_eq!(pause_after(&throttle, wrong), Duration::from_secs(seconds), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_right_attempt_resets_the_count_and_a_long_pause_refuses() {
        let throttle = LoginThrottle::growing();
        for _ in 0..5 {
            throttle.attempt().await.ok().unwrap().was_wrong();
        }
        let far = clock::now().plus(Duration::from_secs(60));
        *throttle.lock() = WrongAttempts { count: 8, last: Some(far) };
        assert_eq!(throttle.attempt().await.err(), Some(16));
        *throttle.lock() = WrongAttempts { count: 4, last: Some(far) };
        throttle.attempt().await.ok().unwrap().was_right();
        assert_eq!(throttle.lock().count, 0);
    }

    #[tokio::test]
    async fn attempts_are_checked_one_at_a_time_and_few_wait() {
        let throttle = LoginThrottle::steady();
        let first = throttle.attempt().await.ok().unwrap();
        let mut second = Box::pin(throttle.attempt());
        assert!(futures::poll!(&mut second).is_pending());
        let mut others: Vec<_> = (2..MAX_WAITING).map(|_| Box::pin(throttle.attempt())).collect();
        for other in &mut others {
            assert!(futures::poll!(other).is_pending());
        }
        assert!(throttle.attempt().await.is_err());
        drop(first);
        assert!(second.await.is_ok());
    }
}
