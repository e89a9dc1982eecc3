//! Handle of one upstream, shared by its callers and its actor.

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

use super::{
    error::UpstreamError, session::UpstreamSession, stdio::stderr::LogRing,
    subscriptions::ResourceSubscriptions,
};

/// A caller that waits for a session or an error.
pub(super) type SessionWaiter = oneshot::Sender<Result<Arc<UpstreamSession>, UpstreamError>>;

/// A request to the actor.
pub(super) enum ActorMessage {
    /// A call needs a session other than `stale`, which is unusable.
    Want { stale: Option<Arc<UpstreamSession>>, waiter: SessionWaiter },
    /// Start, if not running.
    Wake,
    /// Restart; the sender is dropped when the restart has succeeded or failed.
    Restart { done: oneshot::Sender<()> },
    /// The time an idle server is kept has changed.
    IdleStop,
}

/// One upstream as its callers use it.
pub(super) struct UpstreamHandle {
    pub(super) id: IntegrationId,
    pub(super) ring: Arc<LogRing>,
    pub(super) subscriptions: ResourceSubscriptions,
    /// Ends this upstream in good order.
    pub(super) stop: CancellationToken,
    /// Cancelled when the actor has ended and no process is left.
    pub(super) gone: CancellationToken,
    live: ArcSwapOption<UpstreamSession>,
    inbox: mpsc::UnboundedSender<ActorMessage>,
    since: Instant,
    /// Milliseconds after `since`.
    used: AtomicU64,
    /// Milliseconds.
    idle_stop: AtomicU64,
}

impl UpstreamHandle {
    pub(super) fn new(
        id: IntegrationId,
        idle_stop: Duration,
        stop: CancellationToken,
        inbox: mpsc::UnboundedSender<ActorMessage>,
        ring: Arc<LogRing>,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            ring,
            subscriptions: ResourceSubscriptions::default(),
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
    pub(super) async fn session(&self) -> Result<Arc<UpstreamSession>, UpstreamError> {
        match self.live.load_full() {
            Some(session) => Ok(session),
            None => self.want(None).await,
        }
    }

    /// Is there a live session whose tool list is current?
    pub(super) fn has_current_tools(&self) -> bool {
        self.live.load().as_ref().is_some_and(|session| session.lists.is_current())
    }

    /// Another session than `stale`.
    pub(super) async fn fresh(
        &self,
        stale: Arc<UpstreamSession>,
    ) -> Result<Arc<UpstreamSession>, UpstreamError> {
        self.want(Some(stale)).await
    }

    async fn want(
        &self,
        stale: Option<Arc<UpstreamSession>>,
    ) -> Result<Arc<UpstreamSession>, UpstreamError> {
        let (waiter, session) = oneshot::channel();
        self.send(ActorMessage::Want { stale, waiter });
        // An actor that ended has dropped the waiter.
        session.await.unwrap_or(Err(UpstreamError::Cancelled))
    }

    /// Sends a message to the actor. An actor that has ended ignores it.
    pub(super) fn send(&self, message: ActorMessage) {
        let _ = self.inbox.send(message);
    }

    pub(super) fn set_live(&self, session: Option<Arc<UpstreamSession>>) {
        self.live.store(session);
    }

    /// Records that the upstream is in use now.
    pub(super) fn mark_used(&self) {
        self.used.store(millis(self.since.elapsed()), Ordering::Relaxed);
    }

    pub(super) fn set_idle_stop(&self, idle_stop: Duration) {
        self.idle_stop.store(millis(idle_stop), Ordering::Relaxed);
        self.send(ActorMessage::IdleStop);
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
