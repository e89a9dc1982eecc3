//! Calls waiting for their answers on one connection, and which of them a message of the upstream belongs to.
//!
//! An upstream's progress names the call by its token. Its requests and log messages name none (MCP before 2026-07-28
//! has no field for it), so on a connection shared by several agents they belong to the only call that runs, and to
//! none as soon as two run: an agent must never be asked another agent's question.

use std::{
    collections::{HashMap, VecDeque},
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use futures::task::AtomicWaker;
use parking_lot::Mutex;
use rmcp::model::{
    ClientResult, ErrorData, LoggingMessageNotificationParam, NumberOrString,
    ProgressNotificationParam, ProgressToken, ServerJsonRpcMessage, ServerRequest,
};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::{
    error::{AttemptError, UpstreamError},
    message::InboundMessage,
};

/// A message of the upstream that belongs to a call and is not its answer.
pub(super) enum CallEvent {
    Progress(ProgressNotificationParam),
    Log(LoggingMessageNotificationParam),
    Question(ServerQuestion),
}

/// A request of the upstream, to be answered through `answer`. Dropping it refuses.
pub(super) struct ServerQuestion {
    pub(super) request: ServerRequest,
    pub(super) answer: oneshot::Sender<QuestionAnswer>,
}

/// What an agent answers to a question, or why it does not.
pub(super) type QuestionAnswer = Result<ClientResult, ErrorData>;

/// The result of a request as JSON, not yet read.
pub(super) type RawReply = Result<Box<RawValue>, UpstreamError>;

/// Most events queued for one call; further ones are dropped.
const MAX_QUEUED_EVENTS: usize = 256;

/// One call that waits for its answer.
pub(super) struct PendingCall {
    owner: CallOwner,
    mailbox: Mutex<Mailbox>,
    waker: AtomicWaker,
    /// A log message was forwarded to the agent.
    logged: AtomicBool,
}

/// Which component made the call, and whether events can be forwarded to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallOwner {
    /// An agent with a connection on which events can be sent.
    ListeningAgent,
    /// An agent without such a connection: events are dropped.
    SilentAgent,
    /// The gateway itself, such as for reading a list. No question of the upstream can be meant for it.
    Gateway,
}

#[derive(Default)]
struct Mailbox {
    events: VecDeque<CallEvent>,
    reply: Option<RawReply>,
}

impl PendingCall {
    pub(super) fn new(owner: CallOwner) -> Arc<Self> {
        Arc::new(Self {
            owner,
            mailbox: Mutex::default(),
            waker: AtomicWaker::new(),
            logged: AtomicBool::new(false),
        })
    }

    pub(super) fn mark_logged(&self) {
        self.logged.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_logged(&self) -> bool {
        self.logged.load(Ordering::Relaxed)
    }

    fn ignores_events(&self) -> bool {
        self.owner != CallOwner::ListeningAgent
    }

    /// Queues an event; `false` if it was dropped.
    pub(super) fn push_event(&self, event: CallEvent) -> bool {
        if self.ignores_events() {
            return false;
        }
        {
            let mut mailbox = self.mailbox.lock();
            if mailbox.events.len() >= MAX_QUEUED_EVENTS {
                return false;
            }
            mailbox.events.push_back(event);
        }
        self.waker.wake();
        true
    }

    fn answer(&self, reply: RawReply) {
        self.mailbox.lock().reply = Some(reply);
        self.waker.wake();
    }

    /// The next queued event, if there is one.
    pub(super) fn take_event(&self) -> Option<CallEvent> {
        if self.ignores_events() { None } else { self.mailbox.lock().events.pop_front() }
    }

    /// Waits for the next event. Only the call's own task may wait, for this or for the reply.
    pub(super) async fn event(&self) -> CallEvent {
        poll_fn(|cx| self.poll(cx, |mailbox| mailbox.events.pop_front())).await
    }

    /// Waits for the reply.
    pub(super) async fn reply(&self) -> RawReply {
        poll_fn(|cx| self.poll(cx, |mailbox| mailbox.reply.take())).await
    }

    fn poll<T>(&self, cx: &Context<'_>, take: impl Fn(&mut Mailbox) -> Option<T>) -> Poll<T> {
        if let Some(taken) = take(&mut self.mailbox.lock()) {
            return Poll::Ready(taken);
        }
        self.waker.register(cx.waker());
        // An event between the first check and the registration did not wake this task, so check again.
        take(&mut self.mailbox.lock()).map_or(Poll::Pending, Poll::Ready)
    }
}

/// What is left of a message after delivery.
pub(super) enum Undelivered {
    Nothing,
    /// It concerns no call of the gateway: rmcp's.
    Message(Box<ServerJsonRpcMessage>),
    /// It was no JSON-RPC message.
    Garbage,
}

impl Undelivered {
    /// The message for rmcp, if there is one.
    pub(super) fn into_message(self) -> Option<Box<ServerJsonRpcMessage>> {
        match self {
            Self::Message(message) => Some(message),
            Self::Nothing | Self::Garbage => None,
        }
    }
}

/// The calls that run on one connection, by the id of their request, which is also their progress token.
#[derive(Default)]
pub(super) struct InFlight(Mutex<CallTable>);

#[derive(Default)]
struct CallTable {
    by_id: HashMap<i64, Arc<PendingCall>>,
    closed: bool,
}

impl InFlight {
    /// Registers a call. Fails when the connection has ended: nothing was sent, another connection may be tried.
    pub(super) fn begin(&self, id: i64, pending: &Arc<PendingCall>) -> Result<(), AttemptError> {
        let mut calls = self.0.lock();
        if calls.closed {
            return Err(AttemptError::Stale(None));
        }
        calls.by_id.insert(id, pending.clone());
        Ok(())
    }

    pub(super) fn end(&self, id: i64) {
        self.0.lock().by_id.remove(&id);
    }

    /// Delivers a reply to its call; `false` if no such call waits (any more).
    pub(super) fn answer(&self, id: i64, reply: RawReply) -> bool {
        let pending = self.0.lock().by_id.remove(&id);
        pending.map(|pending| pending.answer(reply)).is_some()
    }

    /// Delivers a message of a stream that all calls share, if it belongs to one; gives back what does not.
    pub(super) fn deliver(&self, message: InboundMessage) -> Undelivered {
        match message {
            InboundMessage::Reply(id, reply) => {
                self.answer(id, reply);
            }
            InboundMessage::Progress(params) => {
                self.deliver_progress(params);
            }
            InboundMessage::Log(params) => {
                if let Some(call) = self.only_agent_call() {
                    call.push_event(CallEvent::Log(params));
                }
            }
            InboundMessage::Other(message) => return Undelivered::Message(message),
            InboundMessage::Garbage => return Undelivered::Garbage,
        }
        Undelivered::Nothing
    }

    /// Delivers progress to the call whose token it names.
    pub(super) fn deliver_progress(&self, params: ProgressNotificationParam) -> bool {
        let pending =
            token_id(&params.progress_token).and_then(|id| self.0.lock().by_id.get(&id).cloned());
        pending.is_some_and(|pending| pending.push_event(CallEvent::Progress(params)))
    }

    /// The agent's call that is in flight, if exactly one is.
    pub(super) fn only_agent_call(&self) -> Option<Arc<PendingCall>> {
        let calls = self.0.lock();
        let mut agents = calls.by_id.values().filter(|pending| pending.owner != CallOwner::Gateway);
        agents.next().filter(|_| agents.next().is_none()).cloned()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().by_id.is_empty()
    }

    /// Accepts no more calls if none is in flight; `false` if one is.
    pub(super) fn close_if_idle(&self) -> bool {
        let mut calls = self.0.lock();
        calls.closed |= calls.by_id.is_empty();
        calls.closed
    }

    /// Accepts no more calls.
    pub(super) fn close(&self) {
        self.0.lock().closed = true;
    }

    /// Accepts no more calls and fails those in flight.
    pub(super) fn fail_all(&self, error: &UpstreamError) {
        let by_id = {
            let mut calls = self.0.lock();
            calls.closed = true;
            std::mem::take(&mut calls.by_id)
        };
        for pending in by_id.into_values() {
            pending.answer(Err(error.clone()));
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

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn progress(token: NumberOrString, value: f64) -> ProgressNotificationParam {
        ProgressNotificationParam::new(ProgressToken(token), value)
    }

    #[test]
    fn only_call_is_one_call() {
        let in_flight = InFlight::default();
        assert!(in_flight.only_agent_call().is_none());
        let (first, second) =
            (PendingCall::new(CallOwner::ListeningAgent), PendingCall::new(CallOwner::SilentAgent));
        in_flight.begin(0, &PendingCall::new(CallOwner::Gateway)).unwrap();
        assert!(in_flight.only_agent_call().is_none());
        in_flight.begin(1, &first).unwrap();
        assert!(Arc::ptr_eq(&in_flight.only_agent_call().unwrap(), &first));
        in_flight.begin(2, &second).unwrap();
        assert!(in_flight.only_agent_call().is_none(), "two run, though only one can be asked");
        in_flight.end(2);
        assert!(in_flight.only_agent_call().is_some());
    }

    #[test]
    fn progress_goes_to_its_token() {
        let in_flight = InFlight::default();
        let (first, second) = (
            PendingCall::new(CallOwner::ListeningAgent),
            PendingCall::new(CallOwner::ListeningAgent),
        );
        in_flight.begin(1, &first).unwrap();
        in_flight.begin(2, &second).unwrap();
        assert!(in_flight.deliver_progress(progress(NumberOrString::Number(2), 0.5)));
        assert!(in_flight.deliver_progress(progress(NumberOrString::String("2".into()), 0.7)));
        assert!(!in_flight.deliver_progress(progress(NumberOrString::Number(3), 0.5)));
        assert!(first.take_event().is_none());
        let seen: Vec<f64> = std::iter::from_fn(|| second.take_event())
            .map(|event| match event {
                CallEvent::Progress(params) => params.progress,
                _ => f64::NAN,
            })
            .collect();
        assert_eq!(seen, [0.5, 0.7], "in the order they came");
    }

    #[test]
    fn deaf_and_full_slots_turn_events_away() {
        let ignores_events = PendingCall::new(CallOwner::SilentAgent);
        assert!(
            !ignores_events
                .push_event(CallEvent::Progress(progress(NumberOrString::Number(1), 0.1)))
        );
        let pending = PendingCall::new(CallOwner::ListeningAgent);
        let mailbox = (0..MAX_QUEUED_EVENTS + 9)
            .filter(|_| {
                pending.push_event(CallEvent::Progress(progress(NumberOrString::Number(1), 0.1)))
            })
            .count();
        assert_eq!(mailbox, MAX_QUEUED_EVENTS);
    }

    #[test]
    fn end_of_the_connection_fails_calls_and_takes_no_more() {
        let in_flight = InFlight::default();
        let pending = PendingCall::new(CallOwner::ListeningAgent);
        in_flight.begin(1, &pending).unwrap();
        assert!(!in_flight.close_if_idle());
        in_flight.fail_all(&UpstreamError::Cancelled);
        assert!(matches!(pending.reply().now_or_never(), Some(Err(UpstreamError::Cancelled))));
        assert!(matches!(in_flight.begin(2, &pending), Err(AttemptError::Stale(None))));
        assert!(!in_flight.answer(1, Err(UpstreamError::Cancelled)), "answered already");
    }

    #[test]
    fn an_idle_connection_closes_between_calls_only() {
        let in_flight = InFlight::default();
        assert!(in_flight.close_if_idle());
        assert!(in_flight.begin(1, &PendingCall::new(CallOwner::ListeningAgent)).is_err());
    }
}
