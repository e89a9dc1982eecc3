//! A notifier that shows nothing: it says what it was asked for, and does as the test tells it.

use std::sync::Mutex;

use async_trait::async_trait;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;
use crate::notify::Notifications;

/// Longer than anything here takes, even on a machine that is busy elsewhere.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Call {
    Look,
    Show(Key, Notice),
    Withdraw(Key),
}

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Mood {
    Fine,
    WithoutButtons,
    Hangs,
    Refuses,
    RefusesOnce,
    Nobody,
}

pub(super) struct Fake {
    mood: watch::Sender<Mood>,
    calls: UnboundedSender<Call>,
    heard: Mutex<Option<mpsc::Receiver<Heard>>>,
}

impl Fake {
    /// Answers as it is told to. One that hangs answers once it no longer does.
    async fn answer(&self, call: Call) -> Result<Capabilities, NotifyError> {
        // The test may have seen enough.
        let _ = self.calls.send(call);
        let mut moods = self.mood.subscribe();
        let mood = moods.wait_for(|mood| *mood != Mood::Hangs);
        match mood.await.map(|mood| *mood) {
            Ok(mood @ (Mood::Fine | Mood::WithoutButtons)) => Ok(Capabilities {
                reachable: true,
                buttons: mood == Mood::Fine,
                server: Some("fake".to_owned()),
            }),
            Ok(Mood::RefusesOnce) => {
                self.mood.send_replace(Mood::Fine);
                Err(NotifyError::Refused("it did not like us".into()))
            }
            Ok(Mood::Refuses) => Err(NotifyError::Refused("it does not like us".into())),
            Ok(Mood::Nobody | Mood::Hangs) | Err(_) => Err(NotifyError::Nobody(None)),
        }
    }
}

#[async_trait]
impl Notifier for Fake {
    async fn listen(&self, heard: mpsc::Sender<Heard>) {
        let mut from = self.heard.lock().unwrap().take().expect("there is one listener");
        while let Some(word) = from.recv().await {
            heard.send(word).await.expect("the actor listens");
        }
    }

    async fn look(&self) -> Result<Capabilities, NotifyError> {
        self.answer(Call::Look).await
    }

    async fn show(&self, key: Key, notice: &Notice) -> Result<(), NotifyError> {
        self.answer(Call::Show(key, notice.clone())).await.map(drop)
    }

    async fn withdraw(&self, key: Key) -> Result<(), NotifyError> {
        self.answer(Call::Withdraw(key)).await.map(drop)
    }
}

/// An actor with its fake, as the shell has it and as the owner sees it.
pub(super) struct Bench {
    pub(super) notifications: Notifications,
    pub(super) intents: mpsc::Receiver<Intent>,
    calls: UnboundedReceiver<Call>,
    ear: mpsc::Sender<Heard>,
    mood: watch::Sender<Mood>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Bench {
    pub(super) fn new(limits: Limits) -> Self {
        let (calls, called) = unbounded_channel();
        let (ear, heard) = mpsc::channel(16);
        let mood = watch::Sender::new(Mood::Fine);
        let fake = Fake { mood: mood.clone(), calls, heard: Mutex::new(Some(heard)) };
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let (notifications, intents) =
            Notifications::start_with(&tasks, stop.clone(), Arc::new(fake), limits);
        Self { notifications, intents, calls: called, ear, mood, tasks, stop }
    }

    /// With somebody there who shows notices.
    pub(super) async fn ready() -> Self {
        let mut bench = Self::new(Limits::default());
        bench.hear(Heard::Here).await;
        assert_eq!(bench.call().await, Call::Look);
        bench
    }

    pub(super) async fn hear(&self, heard: Heard) {
        self.ear.send(heard).await.unwrap();
    }

    pub(super) async fn press(&self, key: Key, button: &str) {
        self.hear(Heard::Pressed { key, button: button.to_owned() }).await;
    }

    pub(super) fn mood(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    pub(super) async fn call(&mut self) -> Call {
        let call = timeout(PATIENCE, self.calls.recv()).await.expect("it is asked for something");
        call.unwrap()
    }

    /// The key of the notice shown next.
    pub(super) async fn shown(&mut self) -> (Key, Notice) {
        match self.call().await {
            Call::Show(key, notice) => (key, notice),
            other => panic!("{other:?} instead of a notice"),
        }
    }

    pub(super) async fn intent(&mut self) -> Intent {
        timeout(PATIENCE, self.intents.recv()).await.expect("something is meant").unwrap()
    }

    /// Nothing was done beyond what the test has seen: what is asked for now comes next.
    pub(super) async fn nothing_else(&mut self) {
        self.notifications.tell("mark".to_owned(), String::new());
        let (key, notice) = self.shown().await;
        assert_eq!(notice.title, "mark");
        self.hear(Heard::Closed { key, by: ClosedBy::Server }).await;
        assert!(self.intents.try_recv().is_err(), "something was meant");
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
