//! Brings what is shown in line with what should be.
//!
//! One task, which never waits for anybody: of the calls to the notifier one at a time is under way, polled beside all
//! else, and each time it has ended the next difference is looked for. So fifty requests that come at once cost no more
//! calls than the four notices they become, and a notifier that hangs holds up nothing but itself.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use agentport_gateway::clock;
use futures::future::join_all;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Capabilities, Intent, Passing, Truth,
    memory::Memory,
    notice::{Key, Notice},
    notifier::{ClosedBy, Heard, Notifier, NotifyError},
    plan::{Plan, Reach, Situation, plan},
    server::Server,
};
use clicks::Clicks;
use flight::{Flight, Landed};

mod clicks;
mod flight;

/// Short notices at once; more push out the oldest.
const MOST_PASSING: usize = 4;
/// Words of the notifier that wait for us.
const HEARD: usize = 64;
/// The wall clock is looked at as often while silence lasts: it jumps, and the machine sleeps.
const LONGEST_NAP: Duration = Duration::from_secs(60);

/// How long things may last. Other than these only in tests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// A short notice.
    pub(super) passing: Duration,
    /// Taking everything away when we stop.
    pub(super) leaving: Duration,
    /// Until somebody who failed is tried again, at first.
    pub(super) retry: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            passing: Duration::from_secs(10),
            leaving: Duration::from_secs(1),
            retry: Duration::from_secs(2),
        }
    }
}

pub(super) struct Actor {
    notifier: Arc<dyn Notifier>,
    intents: mpsc::Sender<Intent>,
    limits: Limits,
    truth: Truth,
    passing: VecDeque<Short>,
    tells: u64,
    memory: Memory,
    server: Server,
    /// What is up, or on its way there.
    shown: HashMap<Key, Up>,
    flight: Option<Flight>,
    clicks: Clicks,
}

struct Short {
    key: Key,
    passing: Passing,
    ends: Instant,
}

struct Up {
    notice: Notice,
    /// It was shown for certain. Otherwise it is shown again, or taken away, as soon as somebody answers.
    sure: bool,
}

impl Actor {
    pub(super) fn new(
        notifier: Arc<dyn Notifier>,
        intents: mpsc::Sender<Intent>,
        capabilities: watch::Sender<Option<Capabilities>>,
        limits: Limits,
    ) -> Self {
        Self {
            notifier,
            intents,
            limits,
            truth: Truth::default(),
            passing: VecDeque::new(),
            tells: 0,
            memory: Memory::default(),
            server: Server::new(capabilities, limits.retry),
            shown: HashMap::new(),
            flight: None,
            clicks: Clicks::default(),
        }
    }

    pub(super) fn start(
        self,
        tasks: &TaskTracker,
        stop: CancellationToken,
        truth: watch::Receiver<Truth>,
        passing: mpsc::Receiver<Passing>,
    ) {
        let (said, heard) = mpsc::channel(HEARD);
        let notifier = self.notifier.clone();
        // It listens until the actor has taken everything away, which is after the stop.
        let ended = CancellationToken::new();
        let listening = ended.clone();
        tasks.spawn(async move {
            listening.run_until_cancelled(notifier.listen(said)).await;
        });
        tasks.spawn(async move {
            let _ended = ended.drop_guard();
            self.run(stop, truth, passing, heard).await;
        });
    }

    async fn run(
        mut self,
        stop: CancellationToken,
        mut truth: watch::Receiver<Truth>,
        mut passing: mpsc::Receiver<Passing>,
        mut heard: mpsc::Receiver<Heard>,
    ) {
        loop {
            let wake = self.go_on();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                // Before what has landed: what is heard was said before.
                Some(heard) = heard.recv() => self.hear(heard),
                landed = flight::landing(&mut self.flight) => self.landed(landed),
                changed = truth.changed() => match changed {
                    Ok(()) => {
                        self.truth = truth.borrow_and_update().clone();
                        self.memory.keep(&self.truth.waiting);
                    }
                    // Nobody holds a handle any more.
                    Err(_) => break,
                },
                Some(passing) = passing.recv() => self.pass(passing),
                () = nap(wake) => self.server.retry(Instant::now()),
            }
        }
        self.leave().await;
    }

    /// Does what is to be done now, and says when to look again though nothing happens.
    fn go_on(&mut self) -> Option<Instant> {
        let now = Instant::now();
        while self.passing.front().is_some_and(|short| short.ends <= now) {
            self.passing.pop_front();
        }
        let plan = self.plan();
        if let Some(id) = plan.surface {
            self.memory.surface(&self.truth.waiting);
            self.intend(Intent::Surface(id));
        }
        if self.flight.is_none() {
            self.flight = self.next(&plan.notices);
        }
        let silence = plan.again.map(|until| now + until.since(clock::now()).min(LONGEST_NAP));
        let passing = self.passing.front().map(|short| short.ends);
        [silence, passing, self.server.retries_at()].into_iter().flatten().min()
    }

    fn plan(&self) -> Plan {
        let passing: Vec<_> =
            self.passing.iter().map(|short| (short.key, &short.passing)).collect();
        plan(&Situation {
            waiting: &self.truth.waiting,
            wishes: &self.truth.wishes,
            passing: &passing,
            lasts: self.limits.passing,
            reach: self.server.reach(),
            memory: &self.memory,
            now: clock::now(),
        })
    }

    /// The call to make next, if one is to be made.
    fn next(&mut self, wanted: &[(Key, Notice)]) -> Option<Flight> {
        if self.server.to_be_looked_at(!wanted.is_empty()) {
            return Some(Flight::look(&self.notifier));
        }
        if !self.server.awake() {
            return None;
        }
        let gone = |key: &&Key| !wanted.iter().any(|(wanted, _)| wanted == *key);
        if let Some(key) = self.shown.keys().find(gone).copied() {
            self.shown.remove(&key);
            return Some(Flight::withdraw(&self.notifier, key));
        }
        let as_wanted = |(key, notice): &(Key, Notice)| {
            self.shown.get(key).is_some_and(|up| up.sure && up.notice == *notice)
        };
        let (key, notice) = wanted.iter().find(|wanted| !as_wanted(wanted))?.clone();
        // Known from now on: a press may be heard before the call has ended.
        self.shown.insert(key, Up { notice: notice.clone(), sure: false });
        Some(Flight::show(&self.notifier, key, notice))
    }

    fn landed(&mut self, landed: Landed) {
        match landed {
            Landed::Stale => {}
            Landed::Looked(Ok(capabilities)) => self.server.is_awake(capabilities),
            Landed::Shown(key, Ok(())) => {
                if let Some(up) = self.shown.get_mut(&key) {
                    up.sure = true;
                }
                if let Key::Request(id) = key {
                    self.memory.is_noticed(id);
                }
            }
            Landed::Withdrawn(Ok(())) => {}
            Landed::Looked(Err(error))
            | Landed::Shown(_, Err(error))
            | Landed::Withdrawn(Err(error)) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &NotifyError) {
        let cause = std::error::Error::source(error).map(tracing::field::display);
        // Once is enough: it is tried again as long as it fails.
        if self.server.reach() == Reach::Nobody {
            tracing::debug!(cause, "notifications: {error}");
        } else {
            tracing::warn!(cause, "notifications: {error}");
        }
        self.unsure();
        self.server.failed(Instant::now(), matches!(error, NotifyError::Nobody(_)));
    }

    /// What is up may be gone, or not what it should be.
    fn unsure(&mut self) {
        self.shown.values_mut().for_each(|up| up.sure = false);
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Here => {
                self.vanished();
                self.memory.another_server();
                self.server.is_here();
            }
            Heard::Gone { wakes } => {
                let held = self.vanished();
                self.server.is_gone(Instant::now(), wakes, held);
            }
            Heard::Pressed { key, button } => self.pressed(key, &button),
            Heard::Closed { key, by } => {
                if self.shown.remove(&key).is_some() {
                    self.closed(key, by);
                }
            }
            Heard::Lost { key } if self.shown.contains_key(&key) => {
                tracing::warn!("a notification can no longer be answered");
                self.unsure();
                self.server.failed(Instant::now(), false);
            }
            Heard::Lost { .. } => {}
        }
    }

    /// Nothing of ours is up any more. Says whether something was.
    fn vanished(&mut self) -> bool {
        if let Some(flight) = &mut self.flight {
            flight.is_stale();
        }
        let held = !self.shown.is_empty();
        self.shown.clear();
        held
    }

    fn pressed(&mut self, key: Key, button: &str) {
        let Some(intent) = self.shown.get(&key).and_then(|up| up.notice.intent(button)) else {
            tracing::debug!("a button that was not offered was pressed");
            return;
        };
        // It stays among what is shown, and is withdrawn: not everybody closes what was answered.
        self.closed(key, ClosedBy::Owner);
        let meant = self.clicks.click(Instant::now(), intent, &self.truth.waiting);
        self.intend(meant);
    }

    /// A notice is not to come back.
    fn closed(&mut self, key: Key, by: ClosedBy) {
        match key {
            Key::Request(id) => self.memory.close(id, by),
            Key::Summary => self.memory.close_summary(&self.truth.waiting),
            Key::Undo(_) | Key::Tell(_) => self.passing.retain(|short| short.key != key),
        }
    }

    fn pass(&mut self, passing: Passing) {
        let key = match &passing {
            Passing::Undo { rule, .. } => Key::Undo(*rule),
            Passing::Tell { .. } => {
                self.tells += 1;
                Key::Tell(self.tells)
            }
        };
        self.passing.retain(|short| short.key != key);
        if self.passing.len() == MOST_PASSING {
            self.passing.pop_front();
        }
        let ends = Instant::now() + self.limits.passing;
        self.passing.push_back(Short { key, passing, ends });
    }

    fn intend(&self, intent: Intent) {
        if self.intents.try_send(intent).is_err() {
            tracing::warn!("a click on a notification came to nothing: the app does not keep up");
        }
    }

    /// Takes away all that is up.
    async fn leave(mut self) {
        let away = async {
            // What is on its way up could not be taken away before it has arrived.
            if self.flight.is_some() {
                flight::landing(&mut self.flight).await;
            }
            join_all(self.shown.keys().map(|key| self.notifier.withdraw(*key))).await;
        };
        if timeout(self.limits.leaving, away).await.is_err() {
            tracing::debug!("not all notifications were withdrawn in time");
        }
    }
}

async fn nap(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
