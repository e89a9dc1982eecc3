//! The life of one upstream: at rest, starting, live, and round again. Calls do not pass through here, only the wish
//! for a session.
//!
//! What always holds: at most one connection exists, and it is closed, with its process tree, before the next begins.

use std::{pin::pin, sync::Arc, time::Duration};

use agentport_api::{Health, LastError};
use agentport_core::Timestamp;
use futures::future::{BoxFuture, FutureExt as _};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    UpstreamSink,
    backoff::Backoff,
    connect::{Connector, Link, START_LIMIT},
    error::{Failure, UpstreamError},
    integration::{Integration, Message, Waiter},
    listing::{self, Listing},
    session::Session,
};
use crate::clock;

/// How long further news are waited for before changed lists are read.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// How long a connection must have lived for its end to count as a first failure.
const LIVED: Duration = Duration::from_secs(30);

pub(super) struct Actor {
    integration: Arc<Integration>,
    inbox: mpsc::UnboundedReceiver<Message>,
    connector: Connector,
    sink: Arc<dyn UpstreamSink>,
    hurry: CancellationToken,
    backoff: Backoff,
    last_error: Option<LastError>,
    /// What the sink was told last.
    told: Option<(Health, Option<u32>, Option<LastError>)>,
    listed: Option<u64>,
}

/// Why it is at rest.
enum Rest {
    Idle,
    /// The credential was refused; only the owner can help.
    NeedsAuth {
        message: String,
    },
    /// It failed. Until then no call tries again.
    Failed {
        message: String,
        until: Instant,
        retry_at: Timestamp,
        unasked: bool,
    },
}

/// Who waits for the start to end.
#[derive(Default)]
struct Waiting {
    calls: Vec<Waiter>,
    restarts: Vec<oneshot::Sender<()>>,
}

/// How a connection ended.
enum End {
    Stopped,
    Idle,
    /// The owner wants another one.
    Again(Waiting),
    /// The server has forgotten the session; a call waits for another one.
    Forgotten(Waiter),
    Failed,
}

impl Actor {
    pub(super) fn new(
        integration: Arc<Integration>,
        inbox: mpsc::UnboundedReceiver<Message>,
        connector: Connector,
        sink: Arc<dyn UpstreamSink>,
        hurry: CancellationToken,
    ) -> Self {
        Self {
            integration,
            inbox,
            connector,
            sink,
            hurry,
            backoff: Backoff::default(),
            last_error: None,
            told: None,
            listed: None,
        }
    }

    pub(super) async fn run(mut self) {
        let _gone = self.integration.gone.clone().drop_guard();
        let mut rest = Rest::Idle;
        while let Some(mut waiting) = self.rest(&rest).await {
            rest = loop {
                let Some(started) = self.start(&mut waiting).await else { return };
                let (link, listing) = match started {
                    Ok(started) => started,
                    Err(error) => {
                        let rest = self.failed(&error);
                        waiting.fail(&error);
                        break rest;
                    }
                };
                match self.live(link, listing, std::mem::take(&mut waiting)).await {
                    Ok(again) => waiting = again,
                    Err(Some(rest)) => break rest,
                    Err(None) => return,
                }
            };
        }
    }

    /// Waits at rest until there is reason to start; `None`: to stop.
    async fn rest(&mut self, rest: &Rest) -> Option<Waiting> {
        loop {
            tokio::select! {
                biased;
                () = self.integration.stop.cancelled() => return None,
                message = self.inbox.recv() => match message? {
                    Message::Want { waiter, .. } => match rest.refusal() {
                        None => return Some(Waiting { calls: vec![waiter], ..Waiting::default() }),
                        Some(error) => {
                            let _ = waiter.send(Err(error));
                        }
                    },
                    Message::Wake if rest.refusal().is_none() => return Some(Waiting::default()),
                    Message::Restart { done } => {
                        self.backoff.worked();
                        return Some(Waiting { restarts: vec![done], ..Waiting::default() });
                    }
                    Message::Wake | Message::IdleStop => {}
                },
                () = rest.over() => return Some(Waiting::default()),
            }
        }
    }

    /// Connects; who comes meanwhile waits too. `None`: to stop.
    async fn start(
        &mut self,
        waiting: &mut Waiting,
    ) -> Option<Result<(Link, Listing), UpstreamError>> {
        self.tell(Health::Starting, None);
        let mut connecting = pin!(self.connector.connect());
        loop {
            tokio::select! {
                biased;
                () = self.integration.stop.cancelled() => return None,
                connected = &mut connecting => return Some(connected),
                message = self.inbox.recv() => match message? {
                    Message::Want { waiter, .. } => waiting.calls.push(waiter),
                    Message::Restart { done } => waiting.restarts.push(done),
                    Message::Wake | Message::IdleStop => {}
                },
            }
        }
    }

    /// Serves a connection to its end and closes it. Gives who waits for another one, or how to rest, or nothing if
    /// that was all.
    async fn live(
        &mut self,
        mut link: Link,
        listing: Listing,
        waiting: Waiting,
    ) -> Result<Waiting, Option<Rest>> {
        let began = Instant::now();
        let pid = link.pid();
        self.integration.touch();
        self.integration.set_live(Some(link.session.clone()));
        self.tell_listing(listing, true);
        self.tell(Health::Ready, pid);
        waiting.hand(&link.session);

        let end = self.serve(&mut link, pid).await;
        self.integration.set_live(None);
        if began.elapsed() >= LIVED {
            self.backoff.worked();
        }
        match end {
            End::Stopped => {
                link.close(&UpstreamError::Cancelled, &self.hurry).await;
                Err(None)
            }
            End::Again(waiting) => {
                link.close(&UpstreamError::Cancelled, &self.hurry).await;
                Ok(waiting)
            }
            End::Forgotten(waiter) => {
                link.abandon(&self.connector.tasks);
                Ok(Waiting { calls: vec![waiter], ..Waiting::default() })
            }
            End::Idle => {
                link.close(&UpstreamError::Cancelled, &self.hurry).await;
                self.tell(Health::Idle, None);
                Err(Some(Rest::Idle))
            }
            End::Failed => {
                let (told, to_calls) = link.epitaph().await;
                match to_calls {
                    Some(why) => link.close(&why, &self.hurry).await,
                    None => link.abandon(&self.connector.tasks),
                }
                Err(Some(self.failed(&told)))
            }
        }
    }

    /// Serves a connection until there is reason to close it.
    async fn serve(&mut self, link: &mut Link, pid: Option<u32>) -> End {
        let integration = self.integration.clone();
        let notices = self.connector.notices.clone();
        let session = link.session.clone();
        let local = link.local.is_some();
        let mut subscribed = pin!(integration.subscriptions.keep(&session, &notices));
        let mut read_at: Option<Instant> = None;
        let mut reading: Option<BoxFuture<'_, Result<Listing, UpstreamError>>> = None;
        let mut idle_at = integration.idle_at();
        loop {
            tokio::select! {
                biased;
                () = integration.stop.cancelled() => return End::Stopped,
                message = self.inbox.recv() => match message {
                    None => return End::Stopped,
                    Some(Message::Want { stale, waiter }) => {
                        if stale.is_some_and(|stale| Arc::ptr_eq(&stale, &session)) {
                            return End::Forgotten(waiter);
                        }
                        let _ = waiter.send(Ok(session.clone()));
                    }
                    Some(Message::Restart { done }) => {
                        return End::Again(Waiting { restarts: vec![done], ..Waiting::default() });
                    }
                    Some(Message::IdleStop) => idle_at = integration.idle_at(),
                    Some(Message::Wake) => {}
                },
                () = link.ended() => return End::Failed,
                () = notices.lists_changed.notified() => {
                    read_at.get_or_insert_with(|| Instant::now() + DEBOUNCE);
                }
                () = at(read_at), if reading.is_none() => {
                    read_at = None;
                    reading = Some(read(&session).boxed());
                }
                read = maybe(&mut reading) => {
                    reading = None;
                    self.read(read, pid);
                }
                () = &mut subscribed => {}
                () = sleep_until(idle_at), if local => {
                    idle_at = integration.idle_at();
                    let now = Instant::now();
                    if idle_at <= now {
                        if session.running.close_if_idle() {
                            return End::Idle;
                        }
                        idle_at = now + DEBOUNCE;
                    }
                }
            }
        }
    }

    /// Takes lists read anew.
    fn read(&mut self, read: Result<Listing, UpstreamError>, pid: Option<u32>) {
        match read {
            Ok(listing) => {
                self.tell_listing(listing, false);
                self.tell(Health::Ready, pid);
            }
            // The connection stands, and the last good lists stay in force; but the owner should know.
            Err(error) => {
                let message = self.note(&error);
                self.tell(Health::Failed { message, retry_at: None }, pid);
            }
        }
    }

    /// Notes a failure, and how long to rest after it.
    fn failed(&mut self, error: &UpstreamError) -> Rest {
        let message = self.note(error);
        if let UpstreamError::NeedsAuth { .. } = error {
            self.tell(Health::NeedsAuth { message: message.clone() }, None);
            return Rest::NeedsAuth { message };
        }
        let wait = self.backoff.failed(rand::random());
        let retry_at = clock::now().plus(wait);
        let unasked = self.backoff.tries_unasked();
        let health =
            Health::Failed { message: message.clone(), retry_at: unasked.then_some(retry_at) };
        self.tell(health, None);
        Rest::Failed { message, until: Instant::now() + wait, retry_at, unasked }
    }

    fn note(&mut self, error: &UpstreamError) -> String {
        let message = error.to_string();
        tracing::debug!(integration = %self.integration.id, error = message, "upstream failed");
        self.last_error = Some(LastError { message: message.clone(), at: clock::now() });
        message
    }

    fn tell(&mut self, health: Health, pid: Option<u32>) {
        let news = (health, pid, self.last_error.clone());
        if self.told.as_ref() == Some(&news) {
            return;
        }
        self.told = Some(news.clone());
        let (health, pid, last_error) = news;
        tracing::debug!(integration = %self.integration.id, ?health, pid, "upstream");
        self.sink.health(&self.integration.id, health, pid, last_error);
    }

    /// Tells of lists, if they are other ones than were told last; after a start in any case.
    fn tell_listing(&mut self, listing: Listing, anyway: bool) {
        let digest = listing.digest();
        let same = self.listed.replace(digest) == Some(digest);
        if anyway || !same {
            self.sink.listing(&self.integration.id, listing);
        }
    }
}

impl Rest {
    /// Why a call may not start it now.
    fn refusal(&self) -> Option<UpstreamError> {
        match self {
            Self::Idle => None,
            Self::NeedsAuth { message } => {
                Some(UpstreamError::NeedsAuth { message: message.clone() })
            }
            Self::Failed { message, until, retry_at, .. } => (Instant::now() < *until)
                .then(|| UpstreamError::Resting { message: message.clone(), retry_at: *retry_at }),
        }
    }

    /// Waits until it is to be tried again though nobody asks.
    async fn over(&self) {
        match self {
            Self::Failed { until, unasked: true, .. } => sleep_until(*until).await,
            _ => std::future::pending().await,
        }
    }
}

impl Waiting {
    fn hand(self, session: &Arc<Session>) {
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

async fn read(session: &Session) -> Result<Listing, UpstreamError> {
    match timeout(START_LIMIT, listing::fetch(session)).await {
        Ok(listing) => listing.map_err(Failure::told),
        Err(_) => Err(UpstreamError::TimedOut { after: START_LIMIT }),
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
