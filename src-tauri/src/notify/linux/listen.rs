//! Listens on the bus: which daemon there is, and its signals about our notifications.

use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use zbus::{
    Connection, MatchRule, Message, MessageStream, connection,
    fdo::{self, DBusProxy},
    message::Type,
    names::OwnedUniqueName,
};

use super::{
    BusAddress, DaemonConnection, DbusNotifier, MAX_LATE_CLOSES,
    ids::DaemonSignal,
    wire::{DaemonTraits, NAME, PATH, name},
};
use crate::notify::notifier::{BackendEvent, ClosedBy};

/// Delay before a missing bus is tried again, the first time.
const FIRST_RETRY_DELAY: Duration = Duration::from_secs(1);
/// Longest such delay.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(60);

/// Name of the bus itself, which no other program can use as sender.
const BUS_NAME: &str = "org.freedesktop.DBus";

/// Why the bus could not be listened to.
#[derive(Debug, thiserror::Error)]
enum ListenError {
    #[error("the session bus does not answer")]
    NoAnswer,
    #[error("the session bus cannot be used")]
    Bus(#[from] zbus::Error),
    #[error("the session bus refused")]
    Refused(#[from] fdo::Error),
}

impl DbusNotifier {
    /// Listens for ever; reconnects when the bus goes away.
    pub(super) async fn listen_to(&self, events: mpsc::Sender<BackendEvent>) {
        *self.events.lock() = Some(events);
        let Some(mut late) = self.late_closes.lock().take() else {
            // Two listeners would each miss the other's events.
            return;
        };
        let mut wait = FIRST_RETRY_DELAY;
        loop {
            match timeout(self.timeout, self.connect()).await {
                Ok(Ok(connection)) => {
                    wait = FIRST_RETRY_DELAY;
                    if let Err(error) = self.handle_messages(&connection, &mut late).await {
                        tracing::debug!("notifications: {error}");
                    }
                }
                Ok(Err(error)) => tracing::debug!("notifications: no session bus: {error}"),
                Err(_) => tracing::debug!("notifications: the session bus does not answer"),
            }
            self.clear_daemon().await;
            sleep(wait).await;
            wait = (wait * 2).min(MAX_RETRY_DELAY);
        }
    }

    async fn connect(&self) -> zbus::Result<Connection> {
        let builder = match &self.bus {
            BusAddress::Session => connection::Builder::session()?,
            #[cfg(test)]
            BusAddress::At(address) => connection::Builder::address(address.as_str())?,
        };
        builder.build().await
    }

    /// Handles the messages of one bus until it goes away.
    async fn handle_messages(
        &self,
        connection: &Connection,
        late: &mut mpsc::Receiver<BoxFuture<'static, ()>>,
    ) -> Result<(), ListenError> {
        // One stream of all messages, in the order of the bus: a daemon's signals are seen before it loses the name.
        let mut messages = MessageStream::from(connection);
        let (bus, owner) = timeout(self.timeout, subscribe(connection))
            .await
            .unwrap_or(Err(ListenError::NoAnswer))?;
        self.set_daemon(connection, &bus, owner).await;
        let mut closing = FuturesUnordered::new();
        loop {
            tokio::select! {
                message = messages.next() => match message {
                    Some(message) => self.on_message(connection, &bus, &message?).await,
                    None => return Ok(()),
                },
                Some(call) = late.recv(), if closing.len() < MAX_LATE_CLOSES => closing.push(call),
                Some(()) = closing.next() => {}
            }
        }
    }

    async fn on_message(&self, connection: &Connection, bus: &DBusProxy<'_>, message: &Message) {
        if message.message_type() != Type::Signal {
            return;
        }
        if let Some(owner) = new_owner(message) {
            if self.ids.lock().owner() != owner.as_ref() {
                self.set_daemon(connection, bus, owner).await;
            }
            return;
        }
        let from_owner = {
            let header = message.header();
            self.ids.lock().owner().is_some_and(|owner| header.sender() == Some(&**owner))
        };
        // A message of another sender is not even parsed.
        let Some((number, signal)) = from_owner.then(|| signal(message)).flatten() else { return };
        let event = self.ids.lock().on_signal(number, signal);
        if let Some(event) = event {
            self.send_event(event).await;
        }
    }

    /// `owner` is the daemon from now on. The event is sent first, so that it precedes every call to the new daemon.
    async fn set_daemon(
        &self,
        connection: &Connection,
        bus: &DBusProxy<'_>,
        owner: Option<OwnedUniqueName>,
    ) {
        self.send_event(match &owner {
            Some(_) => BackendEvent::Available,
            None => BackendEvent::Unavailable { activatable: self.is_activatable(bus).await },
        })
        .await;
        self.ids.lock().reset(owner.clone());
        let traits = DaemonTraits { interprets_markup: true, hides_normal_urgency: false };
        let daemon = DaemonConnection { connection: connection.clone(), owner, traits };
        self.daemon.send_replace(Some(daemon));
    }

    async fn clear_daemon(&self) {
        self.send_event(BackendEvent::Unavailable { activatable: false }).await;
        self.ids.lock().reset(None);
        self.daemon.send_replace(None);
    }

    /// The bus can start a daemon on demand.
    async fn is_activatable(&self, bus: &DBusProxy<'_>) -> bool {
        let known = bus
            .list_activatable_names()
            .map(|names| names.is_ok_and(|names| names.iter().any(|name| name.as_str() == NAME)));
        timeout(self.timeout, known).await.unwrap_or(false)
    }
}

/// Adds the match rules, then reads the owner of the name.
async fn subscribe(
    connection: &Connection,
) -> Result<(DBusProxy<'static>, Option<OwnedUniqueName>), ListenError> {
    let bus = DBusProxy::builder(connection)
        .cache_properties(zbus::proxy::CacheProperties::No)
        .build()
        .await?;
    let owners = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(BUS_NAME)?
        .interface(BUS_NAME)?
        .member("NameOwnerChanged")?
        .arg(0, NAME)?
        .build();
    bus.add_match_rule(owners).await?;
    let signals = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(NAME)?
        .interface(NAME)?
        .path(PATH)?
        .build();
    bus.add_match_rule(signals).await?;
    match bus.get_name_owner(name().into()).await {
        Ok(owner) => Ok((bus, Some(owner))),
        Err(fdo::Error::NameHasNoOwner(_)) => Ok((bus, None)),
        Err(error) => Err(error.into()),
    }
}

/// The new owner of the name, if the message is the bus's `NameOwnerChanged`. `Some(None)`: no owner.
#[expect(
    clippy::option_option,
    reason = "another message, and a message that says there is no owner"
)]
fn new_owner(message: &Message) -> Option<Option<OwnedUniqueName>> {
    let header = message.header();
    let by_the_bus = header.sender().is_some_and(|sender| sender == BUS_NAME);
    let is_owner_change = header.interface().is_some_and(|interface| interface == BUS_NAME)
        && header.member().is_some_and(|member| member == "NameOwnerChanged");
    if !by_the_bus || !is_owner_change {
        return None;
    }
    let body = message.body();
    let (name, _, new): (&str, &str, &str) = body.deserialize().ok()?;
    (name == NAME).then(|| OwnedUniqueName::try_from(new).ok())
}

/// A daemon's signal about a notification. `ActivationToken` is ignored.
fn signal(message: &Message) -> Option<(u32, DaemonSignal)> {
    let header = message.header();
    if header.interface().is_none_or(|interface| interface != NAME) {
        return None;
    }
    let body = message.body();
    match header.member()?.as_str() {
        "ActionInvoked" => {
            let (number, button): (u32, String) = body.deserialize().ok()?;
            Some((number, DaemonSignal::Pressed(button)))
        }
        "NotificationClosed" => {
            let (number, reason): (u32, u32) = body.deserialize().ok()?;
            // §9, reasons: 1 expired, 2 dismissed by the user, 3 closed by a call (not ours), 4 undefined.
            let by = if reason == 2 { ClosedBy::Owner } else { ClosedBy::Daemon };
            Some((number, DaemonSignal::Closed(by)))
        }
        _ => None,
    }
}
