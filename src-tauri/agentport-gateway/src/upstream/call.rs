//! One permitted call, from the permit to the result, in the caller's own task.

use std::{collections::BTreeMap, pin::pin, sync::Arc, time::Duration};

use futures::{
    StreamExt as _,
    future::{BoxFuture, FutureExt as _},
    stream::FuturesUnordered,
};
use rmcp::model::{
    EmptyResult, ErrorData, InputRequiredResult, LoggingMessageNotificationParam,
    ProgressNotificationParam, ServerResult,
};
use serde_json::{Value, value::RawValue};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    answer, ask,
    attribution::{self, Event, Slot},
    error::{Failure, UpstreamError},
    handler::cannot_be_asked,
    integration::Integration,
    request::{Context, Outgoing},
    session::Session,
};
use crate::call::{caller::Caller, permit::Operation};

/// Progress may put the deadline off, up to so many times the time the call was given.
const HARD_LIMIT: u32 = 4;
/// How often an upstream may ask for input during one call (rmcp's own limit, too).
const MAX_ROUNDS: usize = 10;

/// Runs one operation on `integration`, for which `allowed` time is given. [`super::Upstreams::call`] is the only
/// caller outside tests: it has the permit.
pub(super) async fn run(
    integration: &Integration,
    operation: Operation,
    allowed: Duration,
    caller: &Caller,
) -> Result<ServerResult, UpstreamError> {
    let mut session = withdrawable(caller, integration.session()).await?;
    let counted = Counted::new(integration, &operation);
    let mut again = true;
    let result = loop {
        integration.touch();
        let result = match counted.needs_upstream(session.modern()) {
            true => Call::new(&session, caller, &operation, allowed).run().await,
            false => Ok(ServerResult::EmptyResult(EmptyResult {})),
        };
        match result {
            Err(Failure::Stale(_)) if again => {
                again = false;
                match withdrawable(caller, integration.fresh(session)).await {
                    Ok(fresh) => session = fresh,
                    Err(error) => break Err(error),
                }
            }
            other => break other.map_err(Failure::told),
        }
    };
    integration.touch();
    if result.is_err() {
        counted.undo(integration);
    }
    result
}

/// Waits for a session unless the agent withdraws the call. The wait itself is bounded by the start.
async fn withdrawable(
    caller: &Caller,
    session: impl Future<Output = Result<Arc<Session>, UpstreamError>>,
) -> Result<Arc<Session>, UpstreamError> {
    tokio::select! {
        biased;
        session = session => session,
        () = caller.cancelled.cancelled() => Err(UpstreamError::Cancelled),
    }
}

/// What an operation means for the subscriptions that are kept over restarts.
enum Counted<'a> {
    Subscribed {
        uri: &'a str,
    },
    /// `last`: nobody is subscribed to it any more.
    Unsubscribed {
        last: bool,
    },
    Other,
}

impl<'a> Counted<'a> {
    fn new(integration: &Integration, operation: &'a Operation) -> Self {
        match operation {
            Operation::Subscribe { uri } => {
                integration.subscriptions.add(uri);
                Self::Subscribed { uri }
            }
            Operation::Unsubscribe { uri } => {
                Self::Unsubscribed { last: integration.subscriptions.remove(uri) }
            }
            _ => Self::Other,
        }
    }

    /// From 2026-07-28 on the filter of one long request says it all; before that, only the last to go takes the
    /// subscription back.
    fn needs_upstream(&self, modern: bool) -> bool {
        match self {
            Self::Subscribed { .. } => !modern,
            Self::Unsubscribed { last } => *last && !modern,
            Self::Other => true,
        }
    }

    /// Takes back what the upstream refused.
    fn undo(&self, integration: &Integration) {
        if let Self::Subscribed { uri } = self {
            integration.subscriptions.remove(uri);
        }
    }
}

/// One call on one session.
struct Call<'a> {
    session: &'a Session,
    caller: &'a Caller,
    operation: &'a Operation,
    slot: Arc<Slot>,
    began: Instant,
    allowed: Duration,
    /// No progress puts the deadline off beyond this.
    hard: Instant,
}

impl<'a> Call<'a> {
    fn new(
        session: &'a Session,
        caller: &'a Caller,
        operation: &'a Operation,
        allowed: Duration,
    ) -> Self {
        let began = Instant::now();
        let hard = began + allowed.saturating_mul(HARD_LIMIT);
        let slot = Slot::new(match caller.peer {
            Some(_) => attribution::Caller::Agent,
            None => attribution::Caller::Deaf,
        });
        Self { session, caller, operation, slot, began, allowed, hard }
    }

    /// Asks the upstream, as often as it wants input that we can get.
    async fn run(&mut self) -> Result<ServerResult, Failure> {
        let mut responses = self.caller.input_responses.clone();
        let mut state = self.caller.request_state.clone();
        for _ in 0..=MAX_ROUNDS {
            let context = Context {
                responses: responses.as_ref(),
                state: state.as_deref(),
                ..self.session.context(Some(self.caller))
            };
            let outgoing = Outgoing::operation(self.operation, context);
            let answer = self.exchange(&outgoing).await?;
            match answer::read(self.operation, &answer)? {
                ServerResult::InputRequiredResult(wanted) if !self.caller.modern => {
                    (responses, state) = self.fulfil(wanted).await?;
                }
                result => return Ok(result),
            }
        }
        let problem = format!("it asked for input more than {MAX_ROUNDS} times in one call");
        Err(UpstreamError::Protocol { problem }.into())
    }

    /// One request and what comes with it, until its answer. Giving up cancels it at the upstream.
    async fn exchange(&self, outgoing: &Outgoing<'_>) -> Result<Box<RawValue>, Failure> {
        let mut answer = pin!(self.session.request(outgoing, &self.slot));
        let mut timer = pin!(sleep_until(self.soft()));
        let mut asking = FuturesUnordered::<BoxFuture<'_, ()>>::new();
        let hears = self.caller.peer.is_some();
        loop {
            tokio::select! {
                biased;
                () = self.caller.cancelled.cancelled() => {
                    return Err(UpstreamError::Cancelled.into());
                }
                event = self.slot.event(), if hears => {
                    self.hear(event, &mut asking, timer.as_mut()).await?;
                }
                Some(()) = asking.next() => timer.as_mut().reset(self.soft()),
                answer = &mut answer => {
                    // What came before the answer is told before it.
                    while let Some(event) = self.slot.take_event() {
                            self.hear(event, &mut asking, timer.as_mut()).await?;
                    }
                    return answer;
                }
                () = &mut timer => return Err(self.timed_out().into()),
            }
            if !asking.is_empty() {
                // The upstream waits for the agent, not we for the upstream.
                timer.as_mut().reset(self.hard);
            }
        }
    }

    async fn hear<'s>(
        &'s self,
        event: Event,
        asking: &mut FuturesUnordered<BoxFuture<'s, ()>>,
        timer: std::pin::Pin<&mut Sleep>,
    ) -> Result<(), Failure> {
        match event {
            Event::Progress(progress) => {
                timer.reset(self.soft());
                self.tell(self.tell_progress(progress)).await
            }
            Event::Log(log) => self.tell(self.tell_log(log)).await,
            Event::Ask(asked) => {
                let question = self.session.hidden.blot_message(asked.request);
                let question = question.ok_or_else(cannot_be_asked);
                match question.and_then(|question| ask::whom(self.caller, question)) {
                    Ok((peer, question)) => {
                        asking.push(ask::put(peer.clone(), question, asked.answer).boxed());
                    }
                    Err(refusal) => {
                        let _ = asked.answer.send(Err(refusal));
                    }
                }
                Ok(())
            }
        }
    }

    /// Tells the agent something, for as long as it may take: an agent that does not read holds up only its own call,
    /// and not beyond its deadline.
    async fn tell(&self, telling: impl Future<Output = ()>) -> Result<(), Failure> {
        tokio::select! {
            biased;
            () = telling => Ok(()),
            () = self.caller.cancelled.cancelled() => Err(UpstreamError::Cancelled.into()),
            () = sleep_until(self.hard) => Err(self.timed_out().into()),
        }
    }

    async fn tell_progress(&self, mut progress: ProgressNotificationParam) {
        let (Some(peer), Some(token)) = (&self.caller.peer, &self.caller.progress_token) else {
            return;
        };
        progress.progress_token = token.clone();
        if let Some(progress) = self.session.hidden.blot_message(progress) {
            // An agent that is gone misses nothing.
            let _ = peer.notify_progress(progress).await;
        }
    }

    async fn tell_log(&self, log: LoggingMessageNotificationParam) {
        let wanted = self.caller.log_level.is_some_and(|least| log.level as u8 >= least as u8);
        let Some(peer) = self.caller.peer.as_ref().filter(|_| wanted) else { return };
        if let Some(log) = self.session.hidden.blot_message(log) {
            self.slot.note_log();
            match &self.caller.log_sender {
                Some(sender) => sender.send(log),
                None => drop(peer.notify_logging_message(log).await),
            }
        }
    }

    /// Gets the input an upstream wants from an agent that does not know `InputRequiredResult` (before 2026-07-28).
    async fn fulfil(
        &self,
        wanted: InputRequiredResult,
    ) -> Result<(Option<BTreeMap<String, Value>>, Option<String>), Failure> {
        let mut responses = BTreeMap::new();
        for (name, input) in wanted.input_requests.unwrap_or_default() {
            let input = self.session.hidden.blot_message(input);
            let input = input.ok_or_else(|| needs_input(cannot_be_asked()))?;
            let response = tokio::select! {
                biased;
                response = ask::fulfil(self.caller, input) => response,
                () = self.caller.cancelled.cancelled() => {
                    return Err(UpstreamError::Cancelled.into());
                }
                () = sleep_until(self.hard) => return Err(self.timed_out().into()),
            };
            responses.insert(name, response.map_err(needs_input)?);
        }
        Ok(((!responses.is_empty()).then_some(responses), wanted.request_state))
    }

    fn soft(&self) -> Instant {
        (Instant::now() + self.allowed).min(self.hard)
    }

    fn timed_out(&self) -> UpstreamError {
        UpstreamError::TimedOut { after: self.began.elapsed() }
    }
}

fn needs_input(refusal: ErrorData) -> Failure {
    let message =
        format!("the server needs input to go on, and did not get it: {}", refusal.message);
    Failure::Failed(UpstreamError::Refused(ErrorData::new(refusal.code, message, refusal.data)))
}
