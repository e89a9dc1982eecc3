//! Runs one permitted call on an upstream, in the caller's own task.

use std::{collections::BTreeMap, pin::pin, sync::Arc, time::Duration};

use agentport_core::tool::DefinitionDigest;
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
    client_requests,
    error::{AttemptError, UpstreamError},
    handle::UpstreamHandle,
    handler::cannot_be_asked,
    in_flight::{CallEvent, CallOwner, PendingCall},
    request::{CallContext, OutgoingRequest},
    response,
    session::UpstreamSession,
};
use crate::{call::permit::Operation, caller::Caller};

/// Progress extends the deadline up to this many times the time the call was given.
const MAX_DEADLINE_FACTOR: u32 = 4;
/// Rounds of `InputRequiredResult` in one call (rmcp's own limit, too).
const MAX_INPUT_ROUNDS: usize = 10;

/// Runs one operation on `integration`, for which `allowed` time is given. A tool call is sent only if the tool is
/// defined as it was judged (`definition`), on each connection anew. [`super::UpstreamRegistry::call`] is the only
/// caller outside tests: it has the permit.
pub(super) async fn run(
    integration: &UpstreamHandle,
    operation: Operation,
    definition: Option<DefinitionDigest>,
    allowed: Duration,
    caller: &Caller,
) -> Result<ServerResult, UpstreamError> {
    let mut session = withdrawable(caller, integration.session()).await?;
    let change = SubscriptionChange::new(integration, &operation);
    let mut again = true;
    let result = loop {
        integration.mark_used();
        if let Err(error) = judged_alike(&session, &operation, definition, caller).await {
            break Err(error);
        }
        let result = match change.needs_upstream(session.modern()) {
            true => RunningCall::new(&session, caller, &operation, allowed).run().await,
            false => {
                change.in_force(integration).await;
                Ok(ServerResult::EmptyResult(EmptyResult {}))
            }
        };
        match result {
            Err(AttemptError::Stale(_)) if again => {
                again = false;
                match withdrawable(caller, integration.fresh(session)).await {
                    Ok(fresh) => session = fresh,
                    Err(error) => break Err(error),
                }
            }
            other => break other.map_err(AttemptError::into_error),
        }
    };
    integration.mark_used();
    if let Err(error @ UpstreamError::Protocol { .. }) = &result {
        integration.ring.push(&format!("[agentport] {error}"));
    }
    if result.is_err() {
        change.undo(integration);
    }
    result
}

/// Checks a tool call against what the connection offers, as of the last announcement.
async fn judged_alike(
    session: &UpstreamSession,
    operation: &Operation,
    definition: Option<DefinitionDigest>,
    caller: &Caller,
) -> Result<(), UpstreamError> {
    let (Operation::CallTool { name, .. }, Some(definition)) = (operation, definition) else {
        return Ok(());
    };
    session.lists.refresh_if_aged();
    if !session.lists.is_current() {
        tokio::select! {
            biased;
            () = session.lists.current() => {}
            () = caller.cancelled.cancelled() => return Err(UpstreamError::Cancelled),
        }
    }
    session.definitions.check(name, definition)
}

/// Waits for a session unless the agent withdraws the call. The wait itself is bounded by the start.
async fn withdrawable(
    caller: &Caller,
    session: impl Future<Output = Result<Arc<UpstreamSession>, UpstreamError>>,
) -> Result<Arc<UpstreamSession>, UpstreamError> {
    tokio::select! {
        biased;
        session = session => session,
        () = caller.cancelled.cancelled() => Err(UpstreamError::Cancelled),
    }
}

/// Effect of an operation on the subscriptions that are repeated after a restart.
enum SubscriptionChange<'a> {
    Subscribed {
        uri: &'a str,
    },
    /// `last`: no subscription to it is left.
    Unsubscribed {
        last: bool,
    },
    Other,
}

impl<'a> SubscriptionChange<'a> {
    fn new(integration: &UpstreamHandle, operation: &'a Operation) -> Self {
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

    /// Is a request to the upstream needed? From 2026-07-28 on the one `subscriptions/listen` request is replaced instead;
    /// before, only the last unsubscribe is sent.
    fn needs_upstream(&self, modern: bool) -> bool {
        match self {
            Self::Subscribed { .. } => !modern,
            Self::Unsubscribed { last } => *last && !modern,
            Self::Other => true,
        }
    }

    /// Waits until the request that replaces the last one names a new subscription, so that no update after the answer is
    /// missed.
    async fn in_force(&self, integration: &UpstreamHandle) {
        if let Self::Subscribed { uri } = self {
            integration.subscriptions.in_force(uri).await;
        }
    }

    /// Reverts a subscription that the upstream refused.
    fn undo(&self, integration: &UpstreamHandle) {
        if let Self::Subscribed { uri } = self {
            integration.subscriptions.remove(uri);
        }
    }
}

/// One call on one session.
struct RunningCall<'a> {
    session: &'a UpstreamSession,
    caller: &'a Caller,
    operation: &'a Operation,
    pending: Arc<PendingCall>,
    began: Instant,
    allowed: Duration,
    /// Progress does not extend the deadline beyond this.
    hard_deadline: Instant,
}

impl<'a> RunningCall<'a> {
    fn new(
        session: &'a UpstreamSession,
        caller: &'a Caller,
        operation: &'a Operation,
        allowed: Duration,
    ) -> Self {
        let began = Instant::now();
        let hard_deadline = began + allowed.saturating_mul(MAX_DEADLINE_FACTOR);
        let pending = PendingCall::new(match caller.peer {
            Some(_) => CallOwner::ListeningAgent,
            None => CallOwner::SilentAgent,
        });
        Self { session, caller, operation, pending, began, allowed, hard_deadline }
    }

    /// Sends the request, again with input as often as the upstream asks for it and the agent can give it.
    async fn run(&mut self) -> Result<ServerResult, AttemptError> {
        let mut responses = self.caller.input_responses.clone();
        let mut state = self.caller.request_state.clone();
        for _ in 0..=MAX_INPUT_ROUNDS {
            let context = CallContext {
                responses: responses.as_ref(),
                state: state.as_deref(),
                ..self.session.context(Some(self.caller))
            };
            let outgoing = OutgoingRequest::operation(self.operation, context);
            let answer = self.exchange(&outgoing).await?;
            match response::read_result(self.operation, &answer)? {
                ServerResult::InputRequiredResult(wanted) if !self.caller.modern => {
                    (responses, state) = self.gather_input(wanted).await?;
                }
                result => return Ok(result),
            }
        }
        let problem = format!("it asked for input more than {MAX_INPUT_ROUNDS} times in one call");
        Err(UpstreamError::Protocol { problem }.into())
    }

    /// One request, with its progress, logs and questions, until its answer. Dropping it cancels it at the upstream.
    async fn exchange(
        &self,
        outgoing: &OutgoingRequest<'_>,
    ) -> Result<Box<RawValue>, AttemptError> {
        let mut answer = pin!(self.session.request(outgoing, &self.pending));
        let mut timer = pin!(sleep_until(self.soft_deadline()));
        let mut asking = FuturesUnordered::<BoxFuture<'_, ()>>::new();
        let hears = self.caller.peer.is_some();
        loop {
            tokio::select! {
                biased;
                () = self.caller.cancelled.cancelled() => {
                    return Err(UpstreamError::Cancelled.into());
                }
                event = self.pending.event(), if hears => {
                    self.on_event(event, &mut asking, timer.as_mut()).await?;
                }
                Some(()) = asking.next() => timer.as_mut().reset(self.soft_deadline()),
                answer = &mut answer => {
                    // What arrived before the answer is sent to the agent before it.
                    while let Some(event) = self.pending.take_event() {
                            self.on_event(event, &mut asking, timer.as_mut()).await?;
                    }
                    return answer;
                }
                () = &mut timer => return Err(self.timed_out().into()),
            }
            if !asking.is_empty() {
                // The upstream waits for the agent: the soft deadline does not apply.
                timer.as_mut().reset(self.hard_deadline);
            }
        }
    }

    async fn on_event<'s>(
        &'s self,
        event: CallEvent,
        asking: &mut FuturesUnordered<BoxFuture<'s, ()>>,
        timer: std::pin::Pin<&mut Sleep>,
    ) -> Result<(), AttemptError> {
        match event {
            CallEvent::Progress(progress) => {
                timer.reset(self.soft_deadline());
                self.send_to_agent(self.forward_progress(progress)).await
            }
            CallEvent::Log(log) => self.send_to_agent(self.forward_log(log)).await,
            CallEvent::Question(asked) => {
                let question = self.session.redactor.redact_message(asked.request);
                let question = question.ok_or_else(cannot_be_asked);
                match question
                    .and_then(|question| client_requests::client_peer(self.caller, question))
                {
                    Ok((peer, question)) => {
                        asking.push(
                            client_requests::forward(peer.clone(), question, asked.answer).boxed(),
                        );
                    }
                    Err(refusal) => {
                        let _ = asked.answer.send(Err(refusal));
                    }
                }
                Ok(())
            }
        }
    }

    /// Sends something to the agent. An agent that does not read delays only its own call, up to its hard deadline.
    async fn send_to_agent(&self, telling: impl Future<Output = ()>) -> Result<(), AttemptError> {
        tokio::select! {
            biased;
            () = telling => Ok(()),
            () = self.caller.cancelled.cancelled() => Err(UpstreamError::Cancelled.into()),
            () = sleep_until(self.hard_deadline) => Err(self.timed_out().into()),
        }
    }

    async fn forward_progress(&self, mut progress: ProgressNotificationParam) {
        let (Some(peer), Some(token)) = (&self.caller.peer, &self.caller.progress_token) else {
            return;
        };
        progress.progress_token = token.clone();
        if let Some(progress) = self.session.redactor.redact_message(progress) {
            // Nothing to do if the agent has disconnected.
            let _ = peer.notify_progress(progress).await;
        }
    }

    async fn forward_log(&self, log: LoggingMessageNotificationParam) {
        let wanted = self.caller.log_level.is_some_and(|least| log.level as u8 >= least as u8);
        let Some(peer) = self.caller.peer.as_ref().filter(|_| wanted) else { return };
        if let Some(log) = self.session.redactor.redact_message(log) {
            self.pending.mark_logged();
            match &self.caller.log_sender {
                Some(sender) => sender.send(log),
                None => drop(peer.notify_logging_message(log).await),
            }
        }
    }

    /// Gets the input an upstream wants from an agent that does not know `InputRequiredResult` (before 2026-07-28).
    async fn gather_input(
        &self,
        wanted: InputRequiredResult,
    ) -> Result<(Option<BTreeMap<String, Value>>, Option<String>), AttemptError> {
        let mut responses = BTreeMap::new();
        for (name, input) in wanted.input_requests.unwrap_or_default() {
            let input = self.session.redactor.redact_message(input);
            let input = input.ok_or_else(|| needs_input(cannot_be_asked()))?;
            let response = tokio::select! {
                biased;
                response = client_requests::answer_input(self.caller, input) => response,
                () = self.caller.cancelled.cancelled() => {
                    return Err(UpstreamError::Cancelled.into());
                }
                () = sleep_until(self.hard_deadline) => return Err(self.timed_out().into()),
            };
            responses.insert(name, response.map_err(needs_input)?);
        }
        Ok(((!responses.is_empty()).then_some(responses), wanted.request_state))
    }

    fn soft_deadline(&self) -> Instant {
        (Instant::now() + self.allowed).min(self.hard_deadline)
    }

    fn timed_out(&self) -> UpstreamError {
        UpstreamError::TimedOut { after: self.began.elapsed() }
    }
}

fn needs_input(refusal: ErrorData) -> AttemptError {
    let message =
        format!("the server needs input to go on, and did not get it: {}", refusal.message);
    AttemptError::Failed(UpstreamError::Refused(ErrorData::new(
        refusal.code,
        message,
        refusal.data,
    )))
}
