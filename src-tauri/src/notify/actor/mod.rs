//! Brings the shown notifications in line with the plan.
//!
//! One task, which never blocks: at most one call to the notifier is in flight, polled beside everything else, and after
//! each call the next difference is computed. So fifty requests at once cost no more calls than the four notifications
//! they become, and a daemon that hangs delays nothing else.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use agentport_core::ErrorChain;
use agentport_gateway::clock;
use futures::future::join_all;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    backend_call::{BackendCall, Completion},
    double_click::DoubleClickGuard,
};
use super::{
    Capabilities, DesiredState, Intent, TransientNotification,
    daemon_state::DaemonState,
    dismissed::DismissedRequests,
    notification::{Notification, NotificationKey},
    notifier::{BackendEvent, ClosedBy, Notifier, NotifyError},
    plan::{NotificationPlan, PlanInput, Reachability, plan},
};

mod backend_call;
mod double_click;

/// Transient notifications at once; more replace the oldest.
const MAX_TRANSIENT: usize = 4;
/// Events of the notifier that are queued.
const EVENT_QUEUE: usize = 64;
/// Interval at which the wall clock is read during silence: it jumps, and the machine sleeps.
const CLOCK_CHECK_INTERVAL: Duration = Duration::from_secs(60);

/// Durations of the actor. Other than the default only in tests.
#[derive(Debug, Clone, Copy)]
pub(super) struct NotifyTimeouts {
    /// How long a transient notification is shown.
    pub(super) transient: Duration,
    /// For withdrawing everything at the stop.
    pub(super) withdraw: Duration,
    /// Delay before a daemon that failed is tried again, the first time.
    pub(super) retry: Duration,
}

impl Default for NotifyTimeouts {
    fn default() -> Self {
        Self {
            transient: Duration::from_secs(10),
            withdraw: Duration::from_secs(1),
            retry: Duration::from_secs(2),
        }
    }
}

pub(super) struct Actor {
    notifier: Arc<dyn Notifier>,
    intents: mpsc::Sender<Intent>,
    timeouts: NotifyTimeouts,
    desired: DesiredState,
    transient: VecDeque<TimedNotification>,
    messages_sent: u64,
    dismissed: DismissedRequests,
    daemon: DaemonState,
    /// Shown, or being shown.
    shown: HashMap<NotificationKey, ShownNotification>,
    call: Option<BackendCall>,
    double_click: DoubleClickGuard,
}

struct TimedNotification {
    key: NotificationKey,
    transient: TransientNotification,
    ends: Instant,
}

struct ShownNotification {
    notification: Notification,
    /// The daemon has confirmed it. Otherwise it is shown again or withdrawn as soon as a daemon answers.
    confirmed: bool,
}

impl Actor {
    pub(super) fn new(
        notifier: Arc<dyn Notifier>,
        intents: mpsc::Sender<Intent>,
        capabilities: watch::Sender<Option<Capabilities>>,
        timeouts: NotifyTimeouts,
    ) -> Self {
        Self {
            notifier,
            intents,
            timeouts,
            desired: DesiredState::default(),
            transient: VecDeque::new(),
            messages_sent: 0,
            dismissed: DismissedRequests::default(),
            daemon: DaemonState::new(capabilities, timeouts.retry),
            shown: HashMap::new(),
            call: None,
            double_click: DoubleClickGuard::default(),
        }
    }

    pub(super) fn start(
        self,
        tasks: &TaskTracker,
        stop: CancellationToken,
        desired: watch::Receiver<DesiredState>,
        transient: mpsc::Receiver<TransientNotification>,
    ) {
        let (sender, events) = mpsc::channel(EVENT_QUEUE);
        let notifier = self.notifier.clone();
        // The notifier listens until the actor has withdrawn everything, which is after the stop.
        let ended = CancellationToken::new();
        let listening = ended.clone();
        tasks.spawn(async move {
            listening.run_until_cancelled(notifier.listen(sender)).await;
        });
        tasks.spawn(async move {
            let _ended = ended.drop_guard();
            self.run(stop, desired, transient, events).await;
        });
    }

    async fn run(
        mut self,
        stop: CancellationToken,
        mut desired: watch::Receiver<DesiredState>,
        mut transient: mpsc::Receiver<TransientNotification>,
        mut events: mpsc::Receiver<BackendEvent>,
    ) {
        loop {
            let wake = self.reconcile();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                // Before completions: an event was sent before the call it precedes completed.
                Some(event) = events.recv() => self.on_backend_event(event),
                completion = backend_call::completed(&mut self.call) => self.on_completion(completion),
                changed = desired.changed() => match changed {
                    Ok(()) => {
                        self.desired = desired.borrow_and_update().clone();
                        self.dismissed.retain_pending(&self.desired.pending);
                    }
                    // The last handle was dropped.
                    Err(_) => break,
                },
                Some(transient) = transient.recv() => self.add_transient(transient),
                () = sleep_until_some(wake) => self.daemon.retry(Instant::now()),
            }
        }
        self.withdraw_all().await;
    }

    /// Starts the next call, if one is needed, and returns when to reconcile again though nothing happens.
    fn reconcile(&mut self) -> Option<Instant> {
        let now = Instant::now();
        while self.transient.front().is_some_and(|timed| timed.ends <= now) {
            self.transient.pop_front();
        }
        let plan = self.plan();
        if let Some(id) = plan.open_window {
            self.dismissed.window_opened(&self.desired.pending);
            self.send_intent(Intent::OpenWindow(id));
        }
        if self.call.is_none() {
            self.call = self.next_call(&plan.notifications);
        }
        let silence =
            plan.silence_ends.map(|end| now + end.since(clock::now()).min(CLOCK_CHECK_INTERVAL));
        let transient = self.transient.front().map(|timed| timed.ends);
        [silence, transient, self.daemon.retries_at()].into_iter().flatten().min()
    }

    fn plan(&self) -> NotificationPlan {
        let transient: Vec<_> =
            self.transient.iter().map(|timed| (timed.key, &timed.transient)).collect();
        plan(&PlanInput {
            pending: &self.desired.pending,
            settings: &self.desired.settings,
            transient: &transient,
            transient_time: self.timeouts.transient,
            reachability: self.daemon.reachability(),
            dismissed: &self.dismissed,
            attention: self.desired.attention,
            is_shown: &|id| self.shown.contains_key(&NotificationKey::Request(id)),
            now: clock::now(),
        })
    }

    fn next_call(&mut self, wanted: &[(NotificationKey, Notification)]) -> Option<BackendCall> {
        if self.daemon.needs_probe(!wanted.is_empty()) {
            return Some(BackendCall::probe(&self.notifier));
        }
        if !self.daemon.is_awake() {
            return None;
        }
        let gone = |key: &&NotificationKey| !wanted.iter().any(|(wanted, _)| wanted == *key);
        if let Some(key) = self.shown.keys().find(gone).copied() {
            self.shown.remove(&key);
            return Some(BackendCall::withdraw(&self.notifier, key));
        }
        let is_shown = |(key, notification): &(NotificationKey, Notification)| {
            self.shown
                .get(key)
                .is_some_and(|shown| shown.confirmed && shown.notification == *notification)
        };
        let (key, notification) = wanted.iter().find(|wanted| !is_shown(wanted))?.clone();
        // Inserted before the call has completed: a press may arrive earlier.
        let shown = ShownNotification { notification: notification.clone(), confirmed: false };
        self.shown.insert(key, shown);
        Some(BackendCall::show(&self.notifier, key, notification))
    }

    fn on_completion(&mut self, completion: Completion) {
        match completion {
            Completion::Stale => {}
            Completion::Probed(Ok(capabilities)) => self.daemon.on_probed(capabilities),
            Completion::Shown(key, Ok(())) => {
                if let Some(shown) = self.shown.get_mut(&key) {
                    shown.confirmed = true;
                }
                if let NotificationKey::Request(id) = key {
                    self.dismissed.notification_shown(id);
                }
            }
            Completion::Withdrawn(Ok(())) => {}
            Completion::Probed(Err(error))
            | Completion::Shown(_, Err(error))
            | Completion::Withdrawn(Err(error)) => self.on_error(&error),
        }
    }

    fn on_error(&mut self, error: &NotifyError) {
        // A warning once; the retries are logged at a lower level.
        if self.daemon.reachability() == Reachability::Unreachable {
            tracing::debug!("notifications: {}", ErrorChain(error));
        } else {
            tracing::warn!("notifications: {}", ErrorChain(error));
        }
        self.mark_all_unconfirmed();
        self.daemon.on_failure(Instant::now(), matches!(error, NotifyError::Unavailable(_)));
    }

    /// What is shown may be gone or out of date.
    fn mark_all_unconfirmed(&mut self) {
        self.shown.values_mut().for_each(|shown| shown.confirmed = false);
    }

    fn on_backend_event(&mut self, event: BackendEvent) {
        match event {
            BackendEvent::Available => {
                self.forget_shown();
                self.dismissed.daemon_replaced();
                self.daemon.on_available();
            }
            BackendEvent::Unavailable { activatable } => {
                let had_notifications = self.forget_shown();
                self.daemon.on_gone(Instant::now(), activatable, had_notifications);
            }
            BackendEvent::Pressed { key, button } => self.on_pressed(key, &button),
            BackendEvent::Closed { key, by } => {
                if self.shown.remove(&key).is_some() {
                    self.on_closed(key, by);
                }
            }
            BackendEvent::Lost { key } if self.shown.contains_key(&key) => {
                tracing::warn!("a notification can no longer be answered");
                self.mark_all_unconfirmed();
                self.daemon.on_failure(Instant::now(), false);
            }
            BackendEvent::Lost { .. } => {}
        }
    }

    /// No notification of ours is shown any more. Returns whether one was.
    fn forget_shown(&mut self) -> bool {
        if let Some(call) = &mut self.call {
            call.mark_stale();
        }
        let any = !self.shown.is_empty();
        self.shown.clear();
        any
    }

    fn on_pressed(&mut self, key: NotificationKey, button: &str) {
        let intent = self.shown.get(&key).and_then(|shown| shown.notification.intent(button));
        let Some(intent) = intent else {
            tracing::debug!("a button that was not offered was pressed");
            return;
        };
        // It stays among `shown` and is withdrawn: not every daemon closes what was answered.
        self.on_closed(key, ClosedBy::Owner);
        let intent = self.double_click.filter(Instant::now(), intent, &self.desired.pending);
        self.send_intent(intent);
    }

    /// The notification is not to be shown again.
    fn on_closed(&mut self, key: NotificationKey, by: ClosedBy) {
        match key {
            NotificationKey::Request(id) => self.dismissed.request_closed(id, by),
            NotificationKey::Summary => self.dismissed.summary_closed(&self.desired.pending),
            NotificationKey::Undo(_) | NotificationKey::Sample | NotificationKey::Message(_) => {
                self.transient.retain(|timed| timed.key != key);
            }
        }
    }

    fn add_transient(&mut self, transient: TransientNotification) {
        let key = match &transient {
            TransientNotification::Undo { rule, .. } => NotificationKey::Undo(*rule),
            TransientNotification::Sample => NotificationKey::Sample,
            TransientNotification::Message { .. } => {
                self.messages_sent += 1;
                NotificationKey::Message(self.messages_sent)
            }
        };
        self.transient.retain(|timed| timed.key != key);
        if self.transient.len() == MAX_TRANSIENT {
            self.transient.pop_front();
        }
        let ends = Instant::now() + self.timeouts.transient;
        self.transient.push_back(TimedNotification { key, transient, ends });
    }

    fn send_intent(&self, intent: Intent) {
        if self.intents.try_send(intent).is_err() {
            tracing::warn!("a click on a notification was dropped: the app does not keep up");
        }
    }

    async fn withdraw_all(mut self) {
        let withdraw = async {
            // A notification on its way could not be withdrawn before it has arrived.
            if self.call.is_some() {
                backend_call::completed(&mut self.call).await;
            }
            join_all(self.shown.keys().map(|key| self.notifier.withdraw(*key))).await;
        };
        if timeout(self.timeouts.withdraw, withdraw).await.is_err() {
            tracing::debug!("not all notifications were withdrawn in time");
        }
    }
}

async fn sleep_until_some(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
