//! Patience with wrong guesses: one is looked at after the other, and after a few wrong ones not before a pause is over,
//! so that guessing in parallel gains nothing and a right one gets its turn among them.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use agentport_core::Timestamp;

use crate::clock;

/// Wrong guesses that are free …
const FREE_GUESSES: u32 = 5;
/// … and the time between two more. No answer takes longer; where the pause is longer, one is sent
/// away.
const GUESS_EVERY: Duration = Duration::from_secs(2);
/// The longest pause, where pauses grow.
const LONGEST: Duration = Duration::from_secs(300);
/// Those who may wait for their turn; more are sent away.
const MOST_WAITING: usize = 8;

/// How often a guess was wrong, and how long the next has to wait.
#[derive(Debug)]
pub(crate) struct Patience {
    grows: bool,
    wrong: Mutex<Wrong>,
    /// Held while a guess is looked at.
    gate: tokio::sync::Mutex<()>,
    waiting: AtomicUsize,
}

#[derive(Debug, Default)]
struct Wrong {
    count: u32,
    last: Option<Timestamp>,
}

/// Leave to try one guess.
pub(crate) struct Turn<'a> {
    patience: &'a Patience,
    _alone: tokio::sync::MutexGuard<'a, ()>,
    _waiting: Waiting<'a>,
}

impl Turn<'_> {
    pub(crate) fn was_wrong(&self) {
        self.patience.guessed_wrong(clock::now());
    }

    pub(crate) fn was_right(&self) {
        *self.patience.lock() = Wrong::default();
    }
}

/// Counts one who waits, for as long as it does.
struct Waiting<'a> {
    all: &'a AtomicUsize,
    before: usize,
}

impl<'a> Waiting<'a> {
    fn new(all: &'a AtomicUsize) -> Self {
        Self { all, before: all.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Patience {
    /// For what is long: always the same pause, so that an agent cannot lock the owner out.
    pub(crate) fn steady() -> Self {
        Self::new(false)
    }

    /// For what is short, such as six digits: at one guess every other second one would be right within days.
    pub(crate) fn growing() -> Self {
        Self::new(true)
    }

    fn new(grows: bool) -> Self {
        let (wrong, gate) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { grows, wrong, gate, waiting: AtomicUsize::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, Wrong> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a guess may be tried. `Err`: it is not worth waiting; try again in so many seconds.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>, u64> {
        let waiting = Waiting::new(&self.waiting);
        if waiting.before >= MOST_WAITING {
            return Err(GUESS_EVERY.as_secs());
        }
        let alone = self.gate.lock().await;
        let pause = self.pause(clock::now());
        if pause > GUESS_EVERY {
            return Err(pause.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX));
        }
        tokio::time::sleep(pause).await;
        Ok(Turn { patience: self, _alone: alone, _waiting: waiting })
    }

    /// How long until the next try.
    fn pause(&self, now: Timestamp) -> Duration {
        let wrong = self.lock();
        let Some(more) = wrong.count.checked_sub(FREE_GUESSES) else { return Duration::ZERO };
        let between = match self.grows {
            false => GUESS_EVERY,
            true => GUESS_EVERY.saturating_mul(2_u32.saturating_pow(more)).min(LONGEST),
        };
        wrong.last.map_or(Duration::ZERO, |last| between.saturating_sub(now.since(last)))
    }

    fn guessed_wrong(&self, now: Timestamp) {
        let mut wrong = self.lock();
        wrong.count = wrong.count.saturating_add(1);
        wrong.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(patience: &Patience, wrong: u32) -> Duration {
        *patience.lock() = Wrong { count: wrong, last: Some(Timestamp(0)) };
        patience.pause(Timestamp(0))
    }

    #[test]
    fn wrong_guesses_make_everybody_wait() {
        let patience = Patience::steady();
        let at = |ms: i64| Timestamp(ms);
        for second in 0..5 {
            assert_eq!(patience.pause(at(second)), Duration::ZERO);
            patience.guessed_wrong(at(second));
        }
        assert_eq!(patience.pause(at(4)), GUESS_EVERY);
        assert_eq!(patience.pause(at(1_004)), Duration::from_secs(1));
        assert_eq!(patience.pause(at(2_004)), Duration::ZERO);
        assert_eq!(after(&patience, 1_000_000), GUESS_EVERY);
    }

    #[test]
    fn pauses_grow_where_little_has_to_be_guessed() {
        let patience = Patience::growing();
        for (wrong, seconds) in [(4, 0), (5, 2), (6, 4), (10, 64), (13, 300), (u32::MAX, 300)] {
            assert_eq!(after(&patience, wrong), Duration::from_secs(seconds), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_right_guess_is_forgiving_and_a_long_pause_sends_away() {
        let patience = Patience::growing();
        for _ in 0..5 {
            patience.turn().await.ok().unwrap().was_wrong();
        }
        let far = clock::now().plus(Duration::from_secs(60));
        *patience.lock() = Wrong { count: 8, last: Some(far) };
        assert_eq!(patience.turn().await.err(), Some(16));
        *patience.lock() = Wrong { count: 4, last: Some(far) };
        patience.turn().await.ok().unwrap().was_right();
        assert_eq!(patience.lock().count, 0);
    }

    #[tokio::test]
    async fn one_at_a_time_and_not_too_many() {
        let patience = Patience::steady();
        let first = patience.turn().await.ok().unwrap();
        let mut second = Box::pin(patience.turn());
        assert!(futures::poll!(&mut second).is_pending());
        let mut others: Vec<_> = (2..MOST_WAITING).map(|_| Box::pin(patience.turn())).collect();
        for other in &mut others {
            assert!(futures::poll!(other).is_pending());
        }
        assert!(patience.turn().await.is_err());
        drop(first);
        assert!(second.await.is_ok());
    }
}
