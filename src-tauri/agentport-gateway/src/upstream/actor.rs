//! Actor of one upstream, with the states idle, starting and connected. Calls do not pass through the actor, only requests
//! for a session.
//!
//! Invariant: at most one connection exists, and it is closed, with its process tree, before the next begins.

use std::{pin::pin, sync::Arc, time::Duration};

use agentport_api::{Health, LastError, LeftOut};
use agentport_core::Timestamp;
use futures::future::{BoxFuture, FutureExt as _};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    UpstreamSink,
    backoff::RetryBackoff,
    connector::{LiveConnection, START_TIMEOUT, UpstreamConnector},
    error::{AttemptError, UpstreamError},
    handle::{ActorMessage, SessionWaiter, UpstreamHandle},
    listing::{self, Listing},
    session::UpstreamSession,
};
use crate::clock;

/// Time to wait for further `list_changed` notifications before the lists are read again.
const LIST_CHANGED_DEBOUNCE: Duration = Duration::from_millis(100);
/// Time a connection must have lived for its end to count as a first failure.
const MIN_STABLE_UPTIME: Duration = Duration::from_secs(30);

pub(super) struct UpstreamActor {
    integration: Arc<UpstreamHandle>,
    inbox: mpsc::UnboundedReceiver<ActorMessage>,
    connector: UpstreamConnector,
    sink: Arc<dyn UpstreamSink>,
    force_stop: CancellationToken,
    backoff: RetryBackoff,
    last_error: Option<LastError>,
    /// The state that was published last.
    published: Option<(Health, Option<u32>, Option<LastError>)>,
    listed: Option<u64>,
}

/// Why no connection exists.
enum IdleState {
    Available,
    /// The credential was refused; only the owner can help.
    NeedsAuth(UpstreamError),
    /// It failed. Calls do not start it before `until`.
    Failed {
        message: String,
        until: Instant,
        retry_at: Timestamp,
        unattended: bool,
    },
}

/// Callers that wait for the result of a start.
#[derive(Default)]
struct StartWaiters {
    calls: Vec<SessionWaiter>,
    restarts: Vec<oneshot::Sender<()>>,
}

/// How a connection ended.
enum ConnectionEnd {
    Stopped,
    Idle,
    /// The owner asked for a restart.
    Restart(StartWaiters),
    /// The server no longer knows the session; a call waits for a new one.
    SessionExpired(SessionWaiter),
    /// The event stream ended, which says nothing about the next one.
    StreamEnded,
    Failed,
}

impl ConnectionEnd {
    /// Of a connection that ended by itself.
    fn of(link: &LiveConnection) -> Self {
        match link.stream_ended() {
            true => Self::StreamEnded,
            false => Self::Failed,
        }
    }
}

impl UpstreamActor {
    pub(super) fn new(
        integration: Arc<UpstreamHandle>,
        inbox: mpsc::UnboundedReceiver<ActorMessage>,
        connector: UpstreamConnector,
        sink: Arc<dyn UpstreamSink>,
        force_stop: CancellationToken,
    ) -> Self {
        Self {
            integration,
            inbox,
            connector,
            sink,
            force_stop,
            backoff: RetryBackoff::default(),
            last_error: None,
            published: None,
            listed: None,
        }
    }

    /// Serves the upstream until it is to stop, beginning with a connection that is `opened` already, if there is one.
    pub(super) async fn run(mut self, mut opened: Option<(LiveConnection, Listing)>) {
        let _gone = self.integration.gone.clone().drop_guard();
        let mut idle = IdleState::Available;
        loop {
            let mut waiting = StartWaiters::default();
            if opened.is_none() {
                match self.wait_idle(&idle).await {
                    Some(reason) => waiting = reason,
                    None => return,
                }
            }
            idle = loop {
                let started = match opened.take() {
                    Some(opened) => Ok(opened),
                    None => match self.start(&mut waiting).await {
                        Some(started) => started,
                        None => return,
                    },
                };
                let (link, listing) = match started {
                    Ok(started) => started,
                    Err(error) => {
                        let idle = self.failed(&error);
                        waiting.fail(&error);
                        break idle;
                    }
                };
                match self.run_connection(link, listing, std::mem::take(&mut waiting)).await {
                    Ok(again) => waiting = again,
                    Err(Some(idle)) => break idle,
                    Err(None) => return,
                }
            };
        }
    }

    /// Waits while idle until the upstream has to start; `None`: the actor has to stop.
    async fn wait_idle(&mut self, idle: &IdleState) -> Option<StartWaiters> {
        loop {
            tokio::select! {
                biased;
                () = self.integration.stop.cancelled() => return None,
                message = self.inbox.recv() => match message? {
                    ActorMessage::Want { waiter, .. } => match idle.refusal() {
                        None => return Some(StartWaiters { calls: vec![waiter], ..StartWaiters::default() }),
                        Some(error) => {
                            let _ = waiter.send(Err(error));
                        }
                    },
                    ActorMessage::Wake if idle.refusal().is_none() => return Some(StartWaiters::default()),
                    ActorMessage::Restart { done } => {
                        self.backoff.worked();
                        self.connector.forget_revision();
                        return Some(StartWaiters { restarts: vec![done], ..StartWaiters::default() });
                    }
                    ActorMessage::Wake | ActorMessage::IdleStop => {}
                },
                () = idle.retry_due() => return Some(StartWaiters::default()),
            }
        }
    }

    /// Connects; requests that arrive meanwhile wait for the same result. `None`: the actor has to stop.
    async fn start(
        &mut self,
        waiting: &mut StartWaiters,
    ) -> Option<Result<(LiveConnection, Listing), UpstreamError>> {
        self.publish_health(Health::Starting, None);
        let mut connecting = pin!(self.connector.connect());
        loop {
            tokio::select! {
                biased;
                () = self.integration.stop.cancelled() => return None,
                connected = &mut connecting => return Some(connected),
                message = self.inbox.recv() => match message? {
                    ActorMessage::Want { waiter, .. } => waiting.calls.push(waiter),
                    ActorMessage::Restart { done } => waiting.restarts.push(done),
                    ActorMessage::Wake | ActorMessage::IdleStop => {}
                },
            }
        }
    }

    /// Serves a connection until it ends and closes it. Returns the next state: restart for waiting callers, idle, or `None`
    /// to stop.
    async fn run_connection(
        &mut self,
        mut link: LiveConnection,
        listing: Listing,
        waiting: StartWaiters,
    ) -> Result<StartWaiters, Option<IdleState>> {
        let began = Instant::now();
        let pid = link.pid();
        self.integration.mark_used();
        link.session.definitions.replace(&listing.tools);
        let announces = listing.capabilities.tools.as_ref().and_then(|tools| tools.list_changed);
        link.session.lists.begin(link.child.is_some() && announces == Some(true));
        // Update the catalogue first: a call that is refused because its definition changed is decided again by the new one.
        self.publish_listing(listing, true);
        self.integration.set_live(Some(link.session.clone()));
        self.publish_health(Health::Ready, pid);
        waiting.send_session(&link.session);

        let lists = link.session.lists.clone();
        let end = self.serve(&mut link, pid).await;
        self.integration.set_live(None);
        if began.elapsed() >= MIN_STABLE_UPTIME {
            self.backoff.worked();
        }
        let next = match end {
            ConnectionEnd::Stopped => {
                link.close(&UpstreamError::Cancelled, &self.force_stop).await;
                Err(None)
            }
            ConnectionEnd::Restart(waiting) => {
                link.close(&UpstreamError::Cancelled, &self.force_stop).await;
                Ok(waiting)
            }
            ConnectionEnd::SessionExpired(waiter) => {
                link.abandon(&self.connector.tasks);
                Ok(StartWaiters { calls: vec![waiter], ..StartWaiters::default() })
            }
            ConnectionEnd::Idle => {
                link.close(&UpstreamError::Cancelled, &self.force_stop).await;
                self.publish_health(Health::Idle, None);
                Err(Some(IdleState::Available))
            }
            ConnectionEnd::StreamEnded => {
                let (error, _) = link.exit_reason().await;
                link.close(&error, &self.force_stop).await;
                self.after_stream_end(&error, began)
            }
            ConnectionEnd::Failed => {
                let (error, to_calls) = link.exit_reason().await;
                match to_calls {
                    Some(why) => link.close(&why, &self.force_stop).await,
                    None => link.abandon(&self.connector.tasks),
                }
                Err(Some(self.failed(&error)))
            }
        };
        // Callers that waited for this connection's lists wait for the next connection, which reads its own.
        lists.mark_read(lists.announced());
        next
    }

    /// Serves a connection until it has to be closed.
    async fn serve(&mut self, link: &mut LiveConnection, pid: Option<u32>) -> ConnectionEnd {
        let integration = self.integration.clone();
        let events = self.connector.events.clone();
        let session = link.session.clone();
        let local = link.child.is_some();
        let mut subscribed = pin!(integration.subscriptions.run(&session, &events));
        let mut read_at: Option<Instant> = None;
        let mut reading: Option<BoxFuture<'_, (u64, Result<Listing, UpstreamError>)>> = None;
        let mut idle_at = integration.idle_at();
        loop {
            tokio::select! {
                biased;
                () = integration.stop.cancelled() => return ConnectionEnd::Stopped,
                message = self.inbox.recv() => match message {
                    None => return ConnectionEnd::Stopped,
                    Some(ActorMessage::Want { stale, waiter }) => {
                        if stale.is_some_and(|stale| Arc::ptr_eq(&stale, &session)) {
                            return ConnectionEnd::SessionExpired(waiter);
                        }
                        let _ = waiter.send(Ok(session.clone()));
                    }
                    Some(ActorMessage::Restart { done }) => {
                        self.connector.forget_revision();
                        return ConnectionEnd::Restart(StartWaiters { restarts: vec![done], ..StartWaiters::default() });
                    }
                    Some(ActorMessage::IdleStop) => idle_at = integration.idle_at(),
                    Some(ActorMessage::Wake) => {}
                },
                () = link.ended() => return ConnectionEnd::of(link),
                () = events.lists_changed.notified() => {
                    read_at.get_or_insert_with(|| Instant::now() + LIST_CHANGED_DEBOUNCE);
                }
                () = session.lists.aged.notified() => {
                    read_at.get_or_insert_with(Instant::now);
                }
                () = at(read_at), if reading.is_none() => {
                    read_at = None;
                    let announced = session.lists.announced();
                    reading = Some(read(&session).map(move |read| (announced, read)).boxed());
                }
                (announced, read) = maybe(&mut reading) => {
                    reading = None;
                    self.on_lists_read(read, &session, pid);
                    session.lists.mark_read(announced);
                }
                () = &mut subscribed => {}
                () = sleep_until(idle_at), if local => {
                    idle_at = integration.idle_at();
                    let now = Instant::now();
                    if idle_at <= now {
                        if session.in_flight.close_if_idle() {
                            return ConnectionEnd::Idle;
                        }
                        idle_at = now + LIST_CHANGED_DEBOUNCE;
                    }
                }
            }
        }
    }

    /// Publishes lists that were read again.
    fn on_lists_read(
        &mut self,
        read: Result<Listing, UpstreamError>,
        session: &UpstreamSession,
        pid: Option<u32>,
    ) {
        match read {
            Ok(listing) => {
                session.definitions.replace(&listing.tools);
                self.publish_listing(listing, false);
                self.publish_health(Health::Ready, pid);
            }
            // The connection and the last valid lists stay in use; the owner is told of the error.
            Err(error) => {
                let message = self.record_error(&error);
                self.publish_health(Health::Failed { message, retry_at: None }, pid);
            }
        }
    }

    /// After the end of an event stream the next call opens another, unless agents subscribed to resources.
    fn after_stream_end(
        &mut self,
        error: &UpstreamError,
        began: Instant,
    ) -> Result<StartWaiters, Option<IdleState>> {
        self.record_error(error);
        if !self.integration.subscriptions.is_empty() && began.elapsed() >= MIN_STABLE_UPTIME {
            return Ok(StartWaiters::default());
        }
        self.publish_health(Health::Idle, None);
        Err(Some(IdleState::Available))
    }

    /// Counts a failure, and returns how long to wait after it.
    fn failed(&mut self, error: &UpstreamError) -> IdleState {
        let message = self.record_error(error);
        if let UpstreamError::NeedsAuth { .. } = error {
            self.publish_health(Health::NeedsAuth { message }, None);
            return IdleState::NeedsAuth(error.clone());
        }
        let wait = self.backoff.failed(rand::random());
        let retry_at = clock::now().plus(wait);
        let unattended = self.backoff.may_retry_unattended();
        let health =
            Health::Failed { message: message.clone(), retry_at: unattended.then_some(retry_at) };
        self.publish_health(health, None);
        IdleState::Failed { message, until: Instant::now() + wait, retry_at, unattended }
    }

    fn record_error(&mut self, error: &UpstreamError) -> String {
        let message = error.to_string();
        tracing::debug!(integration = %self.integration.id, error = message, "upstream failed");
        self.last_error = Some(LastError { message: message.clone(), at: clock::now() });
        message
    }

    fn publish_health(&mut self, health: Health, pid: Option<u32>) {
        let news = (health, pid, self.last_error.clone());
        if self.published.as_ref() == Some(&news) {
            return;
        }
        self.published = Some(news.clone());
        let (health, pid, last_error) = news;
        tracing::debug!(integration = %self.integration.id, ?health, pid, "upstream");
        self.sink.health(&self.integration.id, health, pid, last_error);
    }

    /// Publishes lists if they differ from those published last; after a start always.
    fn publish_listing(&mut self, listing: Listing, anyway: bool) {
        let digest = listing.digest();
        let same = self.listed.replace(digest) == Some(digest);
        if !same {
            for LeftOut { name, reason } in &listing.left_out {
                self.integration.ring.push(&format!("AgentPort left out {name}: {reason}"));
            }
        }
        if anyway || !same {
            self.sink.listing(&self.integration.id, listing);
        }
    }
}

impl IdleState {
    /// Why a call cannot start the upstream now.
    fn refusal(&self) -> Option<UpstreamError> {
        match self {
            Self::Available => None,
            Self::NeedsAuth(error) => Some(error.clone()),
            Self::Failed { message, until, retry_at, .. } => (Instant::now() < *until)
                .then(|| UpstreamError::Resting { message: message.clone(), retry_at: *retry_at }),
        }
    }

    /// Waits until the next retry without a request.
    async fn retry_due(&self) {
        match self {
            Self::Failed { until, unattended: true, .. } => sleep_until(*until).await,
            _ => std::future::pending().await,
        }
    }
}

impl StartWaiters {
    fn send_session(self, session: &Arc<UpstreamSession>) {
        for waiter in self.calls {
            let _ = waiter.send(Ok(session.clone()));
        }
    }

    fn fail(&mut self, error: &UpstreamError) {
        for waiter in self.calls.drain(..) {
            let _ = waiter.send(Err(error.clone()));
        }
        self.restarts.clear();
    }
}

async fn read(session: &UpstreamSession) -> Result<Listing, UpstreamError> {
    match timeout(START_TIMEOUT, listing::fetch(session)).await {
        Ok(listing) => listing.map_err(AttemptError::into_error),
        Err(_) => Err(UpstreamError::TimedOut { after: START_TIMEOUT }),
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

async fn maybe<T>(future: &mut Option<BoxFuture<'_, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
