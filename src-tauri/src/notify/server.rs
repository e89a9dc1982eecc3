//! What is known of who shows notices.

use std::time::Duration;

use tokio::{sync::watch, time::Instant};

use super::{Capabilities, plan::Reach};

/// The longest time between two attempts.
const LONGEST_RETRY: Duration = Duration::from_secs(300);
/// Somebody who did well for so long starts with a clean sheet.
const FORGIVEN: Duration = Duration::from_secs(60);

pub(super) struct Server {
    state: State,
    /// As last seen, and told to whoever asks.
    capabilities: watch::Sender<Option<Capabilities>>,
    failures: Failures,
}

enum State {
    /// Nothing was heard yet.
    Unheard,
    /// It has to be looked at before anything else.
    Unseen,
    Awake,
    /// It comes when it is needed.
    Asleep,
    Nobody {
        retry: Retry,
    },
}

enum Retry {
    Never,
    At(Instant),
    Now,
}

impl Server {
    pub(super) fn new(capabilities: watch::Sender<Option<Capabilities>>, retry: Duration) -> Self {
        Self { state: State::Unheard, capabilities, failures: Failures::new(retry) }
    }

    pub(super) fn reach(&self) -> Reach {
        match self.state {
            State::Unheard | State::Unseen => Reach::Unknown,
            State::Nobody { .. } => Reach::Nobody,
            State::Awake | State::Asleep => match &*self.capabilities.borrow() {
                Some(Capabilities { buttons: true, .. }) => Reach::WithButtons,
                Some(_) | None => Reach::WithoutButtons,
            },
        }
    }

    pub(super) fn awake(&self) -> bool {
        matches!(self.state, State::Awake)
    }

    /// `needed`: there is something to show.
    pub(super) fn to_be_looked_at(&self, needed: bool) -> bool {
        match self.state {
            State::Unseen | State::Nobody { retry: Retry::Now } => true,
            State::Asleep => needed,
            State::Unheard | State::Awake | State::Nobody { .. } => false,
        }
    }

    /// When to try again.
    pub(super) fn retries_at(&self) -> Option<Instant> {
        match self.state {
            State::Nobody { retry: Retry::At(at) } => Some(at),
            _ => None,
        }
    }

    pub(super) fn retry(&mut self, now: Instant) {
        if self.retries_at().is_some_and(|at| at <= now) {
            // Until it has answered, it counts as gone.
            self.state = State::Nobody { retry: Retry::Now };
        }
    }

    pub(super) fn is_here(&mut self) {
        self.state = State::Unseen;
    }

    pub(super) fn is_awake(&mut self, capabilities: Capabilities) {
        self.state = State::Awake;
        self.tell(capabilities);
    }

    /// It went. `held`: with notices of ours up.
    pub(super) fn is_gone(&mut self, now: Instant, wakes: bool, held: bool) {
        let known = self.capabilities.borrow().as_ref().is_some_and(|seen| seen.reachable);
        let again = held && self.failures.any(now);
        let retry = if held { Retry::At(self.failures.next(now)) } else { Retry::Never };
        match (wakes, known) {
            // Once is an accident; more often, whatever we show kills it.
            (true, _) if again => self.nobody(retry),
            (true, true) => self.state = State::Asleep,
            (true, false) => self.state = State::Unseen,
            // We hear of it when somebody comes.
            (false, _) => self.nobody(Retry::Never),
        }
    }

    /// It did not do what it was asked to. `nobody`: because there is nobody; somebody who comes will be heard.
    pub(super) fn failed(&mut self, now: Instant, nobody: bool) {
        let at = self.failures.next(now);
        self.nobody(if nobody { Retry::Never } else { Retry::At(at) });
    }

    fn nobody(&mut self, retry: Retry) {
        self.state = State::Nobody { retry };
        self.tell(Capabilities::default());
    }

    fn tell(&self, now: Capabilities) {
        self.capabilities.send_if_modified(|known| {
            let differs = known.as_ref() != Some(&now);
            *known = Some(now);
            differs
        });
    }
}

/// How often it failed lately. The more, the longer until it is tried again.
struct Failures {
    first_wait: Duration,
    count: u32,
    last: Option<Instant>,
}

impl Failures {
    fn new(first_wait: Duration) -> Self {
        Self { first_wait, count: 0, last: None }
    }

    fn any(&self, now: Instant) -> bool {
        self.last.is_some_and(|last| now.duration_since(last) < self.wait() + FORGIVEN)
    }

    /// One more: when to try again.
    fn next(&mut self, now: Instant) -> Instant {
        self.count = if self.any(now) { self.count.saturating_add(1) } else { 0 };
        self.last = Some(now);
        now + self.wait()
    }

    fn wait(&self) -> Duration {
        self.first_wait.saturating_mul(1 << self.count.min(16)).min(LONGEST_RETRY)
    }
}

#[cfg(test)]
mod tests;
