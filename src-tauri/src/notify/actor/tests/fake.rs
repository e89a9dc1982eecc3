//! A notifier that shows nothing: it reports the calls it receives, and behaves as the test sets it.

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;
use crate::notify::Notifications;

/// Longer than anything here takes, even on a machine that is busy elsewhere.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Call {
    Probe,
    Show(NotificationKey, Notification),
    Withdraw(NotificationKey),
}

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Behaviour {
    Fine,
    WithoutButtons,
    Hangs,
    Refuses,
    RefusesOnce,
    Unavailable,
}

pub(super) struct Fake {
    behaviour: watch::Sender<Behaviour>,
    calls: UnboundedSender<Call>,
    events: Mutex<Option<mpsc::Receiver<BackendEvent>>>,
}

impl Fake {
    /// Answers as it is set to. One that hangs answers once it no longer does.
    async fn answer(&self, call: Call) -> Result<Capabilities, NotifyError> {
        // The test may have ended.
        let _ = self.calls.send(call);
        let mut behaviours = self.behaviour.subscribe();
        let behaviour = behaviours.wait_for(|behaviour| *behaviour != Behaviour::Hangs);
        match behaviour.await.map(|behaviour| *behaviour) {
            Ok(behaviour @ (Behaviour::Fine | Behaviour::WithoutButtons)) => Ok(Capabilities {
                reachable: true,
                buttons: behaviour == Behaviour::Fine,
                server: Some("fake".to_owned()),
            }),
            Ok(Behaviour::RefusesOnce) => {
                self.behaviour.send_replace(Behaviour::Fine);
                Err(NotifyError::Refused("it did not like us".into()))
            }
            Ok(Behaviour::Refuses) => Err(NotifyError::Refused("it does not like us".into())),
            Ok(Behaviour::Unavailable | Behaviour::Hangs) | Err(_) => {
                Err(NotifyError::Unavailable(None))
            }
        }
    }
}

#[async_trait]
impl Notifier for Fake {
    async fn listen(&self, events: mpsc::Sender<BackendEvent>) {
        let mut from = self.events.lock().take().expect("there is one listener");
        while let Some(event) = from.recv().await {
            events.send(event).await.expect("the actor listens");
        }
    }

    async fn probe(&self) -> Result<Capabilities, NotifyError> {
        self.answer(Call::Probe).await
    }

    async fn show(
        &self,
        key: NotificationKey,
        notification: &Notification,
    ) -> Result<(), NotifyError> {
        self.answer(Call::Show(key, notification.clone())).await.map(drop)
    }

    async fn withdraw(&self, key: NotificationKey) -> Result<(), NotifyError> {
        self.answer(Call::Withdraw(key)).await.map(drop)
    }
}

/// An actor with its fake, from the app's side and from the daemon's side.
pub(super) struct Bench {
    pub(super) notifications: Notifications,
    pub(super) intents: mpsc::Receiver<Intent>,
    calls: UnboundedReceiver<Call>,
    to_actor: mpsc::Sender<BackendEvent>,
    behaviour: watch::Sender<Behaviour>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Bench {
    pub(super) fn new(timeouts: NotifyTimeouts) -> Self {
        let (calls, called) = unbounded_channel();
        let (to_actor, events) = mpsc::channel(16);
        let behaviour = watch::Sender::new(Behaviour::Fine);
        let fake = Fake { behaviour: behaviour.clone(), calls, events: Mutex::new(Some(events)) };
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let (notifications, intents) =
            Notifications::start_with(&tasks, stop.clone(), Arc::new(fake), timeouts);
        Self { notifications, intents, calls: called, to_actor, behaviour, tasks, stop }
    }

    /// With a daemon.
    pub(super) async fn ready() -> Self {
        let mut bench = Self::new(NotifyTimeouts::default());
        bench.event(BackendEvent::Available).await;
        assert_eq!(bench.call().await, Call::Probe);
        bench
    }

    pub(super) async fn event(&self, event: BackendEvent) {
        self.to_actor.send(event).await.unwrap();
    }

    pub(super) async fn press(&self, key: NotificationKey, button: &str) {
        self.event(BackendEvent::Pressed { key, button: button.to_owned() }).await;
    }

    pub(super) fn behave(&self, behaviour: Behaviour) {
        self.behaviour.send_replace(behaviour);
    }

    pub(super) async fn call(&mut self) -> Call {
        let call = timeout(PATIENCE, self.calls.recv()).await.expect("it is called");
        call.unwrap()
    }

    /// The notification shown next.
    pub(super) async fn shown(&mut self) -> (NotificationKey, Notification) {
        match self.call().await {
            Call::Show(key, notification) => (key, notification),
            other => panic!("{other:?} instead of a notification"),
        }
    }

    pub(super) async fn intent(&mut self) -> Intent {
        timeout(PATIENCE, self.intents.recv()).await.expect("an intent is sent").unwrap()
    }

    /// No call and no intent beyond what the test has seen: a message shown now comes next.
    pub(super) async fn nothing_else(&mut self) {
        self.notifications.show_message("mark", "");
        let (key, notification) = self.shown().await;
        assert_eq!(notification.title, "mark");
        self.event(BackendEvent::Closed { key, by: ClosedBy::Daemon }).await;
        assert!(self.intents.try_recv().is_err(), "an intent was sent");
    }

    pub(super) async fn stop(&mut self) {
        self.stop.cancel();
        self.tasks.close();
        timeout(PATIENCE, self.tasks.wait()).await.expect("it stops");
    }

    pub(super) fn drop_handle(self) -> (UnboundedReceiver<Call>, TaskTracker) {
        (self.calls, self.tasks)
    }
}
