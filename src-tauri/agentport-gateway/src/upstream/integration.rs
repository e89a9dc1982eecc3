//! What callers and the actor of one upstream share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use agentport_core::IntegrationId;
use arc_swap::ArcSwapOption;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{error::UpstreamError, session::Session, stderr::Ring, subscriptions::Subscriptions};

/// Who waits for a session, and hears why there is none.
pub(super) type Waiter = oneshot::Sender<Result<Arc<Session>, UpstreamError>>;

/// What an actor is asked.
pub(super) enum Message {
    /// A call needs a session; `stale` is the one that is of no more use.
    Want { stale: Option<Arc<Session>>, waiter: Waiter },
    /// Start, if not running.
    Wake,
    /// Stop and start anew. Dropped when that has worked or failed.
    Restart { done: oneshot::Sender<()> },
    /// The time an idle server is kept has changed.
    IdleStop,
}

/// One upstream, as callers see it.
pub(super) struct Integration {
    pub(super) id: IntegrationId,
    pub(super) ring: Arc<Ring>,
    pub(super) subscriptions: Subscriptions,
    /// Ends this upstream in good order.
    pub(super) stop: CancellationToken,
    /// Cancelled when the actor has ended and nothing is left.
    pub(super) gone: CancellationToken,
    live: ArcSwapOption<Session>,
    inbox: mpsc::UnboundedSender<Message>,
    since: Instant,
    /// Milliseconds after `since`.
    used: AtomicU64,
    /// Milliseconds.
    idle_stop: AtomicU64,
}

impl Integration {
    pub(super) fn new(
        id: IntegrationId,
        idle_stop: Duration,
        stop: CancellationToken,
        inbox: mpsc::UnboundedSender<Message>,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            ring: Arc::default(),
            subscriptions: Subscriptions::default(),
            stop,
            gone: CancellationToken::new(),
            live: ArcSwapOption::empty(),
            inbox,
            since: Instant::now(),
            used: AtomicU64::new(0),
            idle_stop: AtomicU64::new(millis(idle_stop)),
        })
    }

    /// The live session; starts the upstream and waits for it if there is none.
    pub(super) async fn session(&self) -> Result<Arc<Session>, UpstreamError> {
        match self.live.load_full() {
            Some(session) => Ok(session),
            None => self.want(None).await,
        }
    }

    /// Another session than `stale`.
    pub(super) async fn fresh(&self, stale: Arc<Session>) -> Result<Arc<Session>, UpstreamError> {
        self.want(Some(stale)).await
    }

    async fn want(&self, stale: Option<Arc<Session>>) -> Result<Arc<Session>, UpstreamError> {
        let (waiter, told) = oneshot::channel();
        self.ask(Message::Want { stale, waiter });
        // An actor that ended has dropped the waiter.
        told.await.unwrap_or(Err(UpstreamError::Cancelled))
    }

    /// Asks the actor; one that has ended asks nothing any more.
    pub(super) fn ask(&self, message: Message) {
        let _ = self.inbox.send(message);
    }

    pub(super) fn set_live(&self, session: Option<Arc<Session>>) {
        self.live.store(session);
    }

    /// Notes that the upstream is in use.
    pub(super) fn touch(&self) {
        self.used.store(millis(self.since.elapsed()), Ordering::Relaxed);
    }

    pub(super) fn set_idle_stop(&self, idle_stop: Duration) {
        self.idle_stop.store(millis(idle_stop), Ordering::Relaxed);
        self.ask(Message::IdleStop);
    }

    /// When the upstream will have been idle for long enough to be stopped.
    pub(super) fn idle_at(&self) -> Instant {
        let used = Duration::from_millis(self.used.load(Ordering::Relaxed));
        self.since + used + Duration::from_millis(self.idle_stop.load(Ordering::Relaxed))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
