//! Which running call a message of the upstream belongs to.
//!
//! An upstream's progress names the call by its token. Its requests and log messages name none (MCP before 2026-07-28
//! has no field for it), so on a connection shared by several agents they belong to the only call that runs, and to
//! none as soon as two run: an agent must never be asked another agent's question.

use std::{
    collections::{HashMap, VecDeque},
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use futures::task::AtomicWaker;
use rmcp::model::{
    ClientResult, ErrorData, LoggingMessageNotificationParam, NumberOrString,
    ProgressNotificationParam, ProgressToken, ServerRequest,
};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::error::{Failure, UpstreamError};

/// What an upstream says to a call beside its answer.
pub(super) enum Event {
    Progress(ProgressNotificationParam),
    Log(LoggingMessageNotificationParam),
    Ask(Ask),
}

/// A request of the upstream, to be answered through `answer`. Dropping it refuses.
pub(super) struct Ask {
    pub(super) request: ServerRequest,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// What an agent answers to a question, or why it does not.
pub(super) type Answer = Result<ClientResult, ErrorData>;

/// The result of a request as JSON, not yet read.
pub(super) type Reply = Result<Box<RawValue>, UpstreamError>;

/// Events a call has not taken yet, at most. More than an agent can be told; the newest are dropped.
const MAX_WAITING: usize = 256;

/// The place where one running call is told things. Everything goes in under one lock held for moments.
pub(super) struct Slot {
    of: Caller,
    told: Mutex<Told>,
    waker: AtomicWaker,
    /// The agent was told of a log message.
    logged: AtomicBool,
}

/// Whose call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// An agent's that listens.
    Agent,
    /// An agent's that nobody can be told about: events are turned away.
    Deaf,
    /// Our own, such as the reading of a list. No question of the upstream can be meant for it.
    Us,
}

#[derive(Default)]
struct Told {
    events: VecDeque<Event>,
    reply: Option<Reply>,
}

impl Slot {
    pub(super) fn new(of: Caller) -> Arc<Self> {
        Arc::new(Self {
            of,
            told: Mutex::default(),
            waker: AtomicWaker::new(),
            logged: AtomicBool::new(false),
        })
    }

    pub(super) fn note_log(&self) {
        self.logged.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_logged(&self) -> bool {
        self.logged.load(Ordering::Relaxed)
    }

    fn deaf(&self) -> bool {
        self.of != Caller::Agent
    }

    /// Adds an event; `false` if it was turned away.
    pub(super) fn tell(&self, event: Event) -> bool {
        if self.deaf() {
            return false;
        }
        {
            let mut told = lock(&self.told);
            if told.events.len() >= MAX_WAITING {
                return false;
            }
            told.events.push_back(event);
        }
        self.waker.wake();
        true
    }

    fn answer(&self, reply: Reply) {
        lock(&self.told).reply = Some(reply);
        self.waker.wake();
    }

    /// The next event, if one is waiting.
    pub(super) fn take_event(&self) -> Option<Event> {
        if self.deaf() { None } else { lock(&self.told).events.pop_front() }
    }

    /// Waits for the next event. Only the call's own task may wait, for this or for the reply.
    pub(super) async fn event(&self) -> Event {
        poll_fn(|cx| self.poll(cx, |told| told.events.pop_front())).await
    }

    /// Waits for the reply.
    pub(super) async fn reply(&self) -> Reply {
        poll_fn(|cx| self.poll(cx, |told| told.reply.take())).await
    }

    fn poll<T>(&self, cx: &Context<'_>, take: impl Fn(&mut Told) -> Option<T>) -> Poll<T> {
        if let Some(taken) = take(&mut lock(&self.told)) {
            return Poll::Ready(taken);
        }
        self.waker.register(cx.waker());
        // What came between the look and the registration has woken nobody.
        take(&mut lock(&self.told)).map_or(Poll::Pending, Poll::Ready)
    }
}

/// The calls that run on one connection, by the id of their request, which is also their progress token.
#[derive(Default)]
pub(super) struct Running(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    slots: HashMap<i64, Arc<Slot>>,
    closed: bool,
}

impl Running {
    /// Enters a call. Fails when the connection has ended: nothing was sent, another connection may be tried.
    pub(super) fn begin(&self, id: i64, slot: &Arc<Slot>) -> Result<(), Failure> {
        let mut calls = lock(&self.0);
        if calls.closed {
            return Err(Failure::Stale(None));
        }
        calls.slots.insert(id, slot.clone());
        Ok(())
    }

    pub(super) fn end(&self, id: i64) {
        lock(&self.0).slots.remove(&id);
    }

    /// Hands a reply to its call; `false` if no such call runs (any more).
    pub(super) fn answer(&self, id: i64, reply: Reply) -> bool {
        let slot = lock(&self.0).slots.remove(&id);
        slot.map(|slot| slot.answer(reply)).is_some()
    }

    /// Hands progress to the call whose token it names.
    pub(super) fn progress(&self, params: ProgressNotificationParam) -> bool {
        let slot =
            token_id(&params.progress_token).and_then(|id| lock(&self.0).slots.get(&id).cloned());
        slot.is_some_and(|slot| slot.tell(Event::Progress(params)))
    }

    /// The only agent's call that runs, if exactly one does.
    pub(super) fn only(&self) -> Option<Arc<Slot>> {
        let calls = lock(&self.0);
        let mut agents = calls.slots.values().filter(|slot| slot.of != Caller::Us);
        agents.next().filter(|_| agents.next().is_none()).cloned()
    }

    /// Takes no more calls if none runs; `false` if one does.
    pub(super) fn close_if_idle(&self) -> bool {
        let mut calls = lock(&self.0);
        calls.closed |= calls.slots.is_empty();
        calls.closed
    }

    /// Takes no more calls.
    pub(super) fn close(&self) {
        lock(&self.0).closed = true;
    }

    /// Takes no more calls and fails those that run.
    pub(super) fn fail_all(&self, error: &UpstreamError) {
        let slots = {
            let mut calls = lock(&self.0);
            calls.closed = true;
            std::mem::take(&mut calls.slots)
        };
        for slot in slots.into_values() {
            slot.answer(Err(error.clone()));
        }
    }
}

fn token_id(token: &ProgressToken) -> Option<i64> {
    match &token.0 {
        NumberOrString::Number(id) => Some(*id),
        // Some servers turn numbers into text.
        NumberOrString::String(text) => text.parse().ok(),
    }
}

/// The state stays whole whoever panicked while holding it: each change is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn progress(token: NumberOrString, value: f64) -> ProgressNotificationParam {
        ProgressNotificationParam::new(ProgressToken(token), value)
    }

    #[test]
    fn only_call_is_one_call() {
        let running = Running::default();
        assert!(running.only().is_none());
        let (first, second) = (Slot::new(Caller::Agent), Slot::new(Caller::Deaf));
        running.begin(0, &Slot::new(Caller::Us)).unwrap();
        assert!(running.only().is_none());
        running.begin(1, &first).unwrap();
        assert!(Arc::ptr_eq(&running.only().unwrap(), &first));
        running.begin(2, &second).unwrap();
        assert!(running.only().is_none(), "two run, though only one can be asked");
        running.end(2);
        assert!(running.only().is_some());
    }

    #[test]
    fn progress_goes_to_its_token() {
        let running = Running::default();
        let (first, second) = (Slot::new(Caller::Agent), Slot::new(Caller::Agent));
        running.begin(1, &first).unwrap();
        running.begin(2, &second).unwrap();
        assert!(running.progress(progress(NumberOrString::Number(2), 0.5)));
        assert!(running.progress(progress(NumberOrString::String("2".into()), 0.7)));
        assert!(!running.progress(progress(NumberOrString::Number(3), 0.5)));
        assert!(first.take_event().is_none());
        let seen: Vec<f64> = std::iter::from_fn(|| second.take_event())
            .map(|event| match event {
                Event::Progress(params) => params.progress,
                _ => f64::NAN,
            })
            .collect();
        assert_eq!(seen, [0.5, 0.7], "in the order they came");
    }

    #[test]
    fn deaf_and_full_slots_turn_events_away() {
        let deaf = Slot::new(Caller::Deaf);
        assert!(!deaf.tell(Event::Progress(progress(NumberOrString::Number(1), 0.1))));
        let slot = Slot::new(Caller::Agent);
        let told = (0..MAX_WAITING + 9)
            .filter(|_| slot.tell(Event::Progress(progress(NumberOrString::Number(1), 0.1))))
            .count();
        assert_eq!(told, MAX_WAITING);
    }

    #[test]
    fn end_of_the_connection_fails_calls_and_takes_no_more() {
        let running = Running::default();
        let slot = Slot::new(Caller::Agent);
        running.begin(1, &slot).unwrap();
        assert!(!running.close_if_idle());
        running.fail_all(&UpstreamError::Cancelled);
        assert!(matches!(slot.reply().now_or_never(), Some(Err(UpstreamError::Cancelled))));
        assert!(matches!(running.begin(2, &slot), Err(Failure::Stale(None))));
        assert!(!running.answer(1, Err(UpstreamError::Cancelled)), "answered already");
    }

    #[test]
    fn an_idle_connection_closes_between_calls_only() {
        let running = Running::default();
        assert!(running.close_if_idle());
        assert!(running.begin(1, &Slot::new(Caller::Agent)).is_err());
    }
}
