//! A notification daemon in the test: reports the calls it receives, and answers when it is allowed to.

use std::{collections::HashMap, time::Duration};

use futures::StreamExt as _;
use tokio::{
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        watch,
    },
    time::timeout,
};
use tokio_util::task::TaskTracker;
use zbus::{Connection, Message, MessageStream, message::Type, zvariant::OwnedValue};

use super::super::wire::{NAME, PATH};

/// Longer than anything here takes, even on a machine that is busy elsewhere.
const PATIENCE: Duration = Duration::from_secs(20);

/// Everything it can do that we know input.
pub(super) const ALL: &[&str] = &["actions", "body", "body-markup"];

pub(super) struct Double {
    pub(super) connection: Connection,
    sent: UnboundedReceiver<Sent>,
    answers: watch::Sender<bool>,
    tasks: TaskTracker,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sent {
    Notify(Notified),
    Close(u32),
}

/// The arguments of `Notify`, with the number it was given.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Notified {
    pub(super) number: u32,
    pub(super) app: String,
    pub(super) replaces: u32,
    pub(super) icon: String,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) actions: Vec<String>,
    pub(super) urgency: u8,
    pub(super) hints: Vec<String>,
    pub(super) expires: i32,
}

impl Double {
    /// A daemon that owns the name.
    pub(super) async fn start(connection: Connection, capabilities: &[&str]) -> Self {
        let double = Self::nameless(connection, capabilities);
        double.connection.request_name(NAME).await.unwrap();
        double
    }

    /// A daemon without the name so far.
    pub(super) fn nameless(connection: Connection, capabilities: &[&str]) -> Self {
        let (calls, sent) = unbounded_channel();
        let (answers, answering) = watch::channel(true);
        let tasks = TaskTracker::new();
        let capabilities = capabilities.iter().map(|can| (*can).to_owned()).collect();
        tasks.spawn(serve(connection.clone(), capabilities, calls, answering));
        Self { connection, sent, answers, tasks }
    }

    /// Whether it answers. Calls meanwhile are answered later.
    pub(super) fn answers(&self, whether: bool) {
        self.answers.send_replace(whether);
    }

    pub(super) async fn sent(&mut self) -> Sent {
        let sent = timeout(PATIENCE, self.sent.recv()).await;
        sent.expect("it is called").expect("it is still there")
    }

    pub(super) async fn notified(&mut self) -> Notified {
        match self.sent().await {
            Sent::Notify(notified) => notified,
            other @ Sent::Close(_) => panic!("{other:?} instead of a notification"),
        }
    }

    pub(super) fn nothing_more(&mut self) {
        assert_eq!(self.sent.try_recv().ok(), None);
    }

    pub(super) async fn press(&self, number: u32, button: &str) {
        say(&self.connection, "ActionInvoked", &(number, button)).await;
    }

    pub(super) async fn close(&self, number: u32, reason: u32) {
        say(&self.connection, "NotificationClosed", &(number, reason)).await;
    }

    /// It ends, as the bus sees it.
    pub(super) async fn end(self) {
        self.connection.close().await.unwrap();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Broadcasts a signal that looks like the daemon's.
pub(super) async fn say<B>(connection: &Connection, signal: &str, body: &B)
where
    B: serde::Serialize + zbus::zvariant::DynamicType,
{
    connection.emit_signal(None::<&str>, PATH, NAME, signal, body).await.unwrap();
}

async fn serve(
    connection: Connection,
    capabilities: Vec<String>,
    calls: UnboundedSender<Sent>,
    mut answering: watch::Receiver<bool>,
) {
    let mut messages = MessageStream::from(&connection);
    let mut next = 0;
    while let Some(Ok(message)) = messages.next().await {
        let header = message.header();
        let ours = header.interface().is_some_and(|interface| interface == NAME);
        if message.message_type() != Type::MethodCall || !ours {
            continue;
        }
        let member = header.member().unwrap().to_string();
        let mut number = 0;
        match member.as_str() {
            "Notify" => {
                let notified = notified(&message, &mut next);
                number = notified.number;
                // The test may have seen enough; so below.
                let _ = calls.send(Sent::Notify(notified));
            }
            "CloseNotification" => {
                let _ = calls.send(Sent::Close(message.body().deserialize().unwrap()));
            }
            _ => {}
        }
        if answering.wait_for(|answers| *answers).await.is_err() {
            return;
        }
        let answered = match member.as_str() {
            "GetCapabilities" => connection.reply(&header, &capabilities).await,
            "GetServerInformation" => {
                connection.reply(&header, &("Double", "tests", "1", "1.2")).await
            }
            "Notify" => connection.reply(&header, &number).await,
            _ => connection.reply(&header, &()).await,
        };
        if answered.is_err() {
            return;
        }
    }
}

type Arguments =
    (String, u32, String, String, String, Vec<String>, HashMap<String, OwnedValue>, i32);

fn notified(message: &Message, next: &mut u32) -> Notified {
    let body = message.body();
    let (app, replaces, icon, title, body, actions, hints, expires): Arguments =
        body.deserialize().unwrap();
    if replaces == 0 {
        *next += 1;
    }
    let number = if replaces == 0 { *next } else { replaces };
    let urgency = u8::try_from(hints["urgency"].clone()).unwrap();
    let mut hints: Vec<String> = hints.into_keys().collect();
    hints.sort();
    Notified { number, app, replaces, icon, title, body, actions, urgency, hints, expires }
}
