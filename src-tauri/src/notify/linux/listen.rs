//! Listens on the bus: who shows notices, and what they say of ours.

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
    Bus, LATE, Linux, Place,
    ids::Signal,
    wire::{NAME, PATH, name},
};
use crate::notify::{
    locked,
    notifier::{ClosedBy, Heard},
};

/// Until a bus that is not there, or has gone, is tried again: at first, and at most.
const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// The bus itself, which no program can speak as.
const THE_BUS: &str = "org.freedesktop.DBus";

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

impl Linux {
    /// Listens for ever, on one bus after another if need be.
    pub(super) async fn listen_to(&self, heard: mpsc::Sender<Heard>) {
        *locked(&self.heard) = Some(heard);
        let Some(mut late) = locked(&self.came_late).take() else {
            // Two listeners would each miss what the other hears.
            return;
        };
        let mut wait = RETRY;
        loop {
            match timeout(self.limit, self.connect()).await {
                Ok(Ok(connection)) => {
                    wait = RETRY;
                    if let Err(error) = self.follow(&connection, &mut late).await {
                        tracing::debug!("notifications: {error}");
                    }
                }
                Ok(Err(error)) => tracing::debug!("notifications: no session bus: {error}"),
                Err(_) => tracing::debug!("notifications: the session bus does not answer"),
            }
            self.leave_place().await;
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_RETRY);
        }
    }

    async fn connect(&self) -> zbus::Result<Connection> {
        let builder = match &self.bus {
            Bus::OfTheSession => connection::Builder::session()?,
            #[cfg(test)]
            Bus::At(address) => connection::Builder::address(address.as_str())?,
        };
        builder.build().await
    }

    /// Follows what is said on one bus until it goes away.
    async fn follow(
        &self,
        connection: &Connection,
        late: &mut mpsc::Receiver<BoxFuture<'static, ()>>,
    ) -> Result<(), ListenError> {
        // One stream of all messages, in the order of the bus: what is said of a notice is seen before its owner goes.
        let mut messages = MessageStream::from(connection);
        let (bus, owner) = timeout(self.limit, subscribe(connection))
            .await
            .unwrap_or(Err(ListenError::NoAnswer))?;
        self.take_place(connection, &bus, owner).await;
        let mut closing = FuturesUnordered::new();
        loop {
            tokio::select! {
                message = messages.next() => match message {
                    Some(message) => self.take_in(connection, &bus, &message?).await,
                    None => return Ok(()),
                },
                Some(call) = late.recv(), if closing.len() < LATE => closing.push(call),
                Some(()) = closing.next() => {}
            }
        }
    }

    async fn take_in(&self, connection: &Connection, bus: &DBusProxy<'_>, message: &Message) {
        if message.message_type() != Type::Signal {
            return;
        }
        if let Some(owner) = new_owner(message) {
            if locked(&self.ids).owner() != owner.as_ref() {
                self.take_place(connection, bus, owner).await;
            }
            return;
        }
        let from_owner = {
            let header = message.header();
            locked(&self.ids).owner().is_some_and(|owner| header.sender() == Some(&**owner))
        };
        // Of anybody else not even the text is read.
        let Some((number, signal)) = from_owner.then(|| said(message)).flatten() else { return };
        let heard = locked(&self.ids).hear(number, signal);
        if let Some(heard) = heard {
            self.tell(heard).await;
        }
    }

    /// `owner` shows notices from now on. It is said before it is so: whoever finds the new place has heard of it.
    async fn take_place(
        &self,
        connection: &Connection,
        bus: &DBusProxy<'_>,
        owner: Option<OwnedUniqueName>,
    ) {
        self.tell(match &owner {
            Some(_) => Heard::Here,
            None => Heard::Gone { wakes: self.wakes(bus).await },
        })
        .await;
        locked(&self.ids).belong_to(owner.clone());
        let place = Place { connection: connection.clone(), owner, interprets_markup: true };
        self.place.send_replace(Some(place));
    }

    async fn leave_place(&self) {
        self.tell(Heard::Gone { wakes: false }).await;
        locked(&self.ids).belong_to(None);
        self.place.send_replace(None);
    }

    /// The bus knows how to start somebody who shows notices.
    async fn wakes(&self, bus: &DBusProxy<'_>) -> bool {
        let known = bus
            .list_activatable_names()
            .map(|names| names.is_ok_and(|names| names.iter().any(|name| name.as_str() == NAME)));
        timeout(self.limit, known).await.unwrap_or(false)
    }
}

/// Asks for the signals, and then for who sends them.
async fn subscribe(
    connection: &Connection,
) -> Result<(DBusProxy<'static>, Option<OwnedUniqueName>), ListenError> {
    let bus = DBusProxy::builder(connection)
        .cache_properties(zbus::proxy::CacheProperties::No)
        .build()
        .await?;
    let owners = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(THE_BUS)?
        .interface(THE_BUS)?
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

/// Who shows notices from now on, if the bus says so. `Some(None)`: nobody.
#[expect(
    clippy::option_option,
    reason = "a message that says nothing of it, and one that says nobody"
)]
fn new_owner(message: &Message) -> Option<Option<OwnedUniqueName>> {
    let header = message.header();
    let by_the_bus = header.sender().is_some_and(|sender| sender == THE_BUS);
    let of_an_owner = header.interface().is_some_and(|interface| interface == THE_BUS)
        && header.member().is_some_and(|member| member == "NameOwnerChanged");
    if !by_the_bus || !of_an_owner {
        return None;
    }
    let body = message.body();
    let (name, _, new): (&str, &str, &str) = body.deserialize().ok()?;
    (name == NAME).then(|| OwnedUniqueName::try_from(new).ok())
}

/// What a message of whoever shows notices says of one. The tokens of `ActivationToken` are no use to us.
fn said(message: &Message) -> Option<(u32, Signal)> {
    let header = message.header();
    if header.interface().is_none_or(|interface| interface != NAME) {
        return None;
    }
    let body = message.body();
    match header.member()?.as_str() {
        "ActionInvoked" => {
            let (number, button): (u32, String) = body.deserialize().ok()?;
            Some((number, Signal::Pressed(button)))
        }
        "NotificationClosed" => {
            let (number, reason): (u32, u32) = body.deserialize().ok()?;
            // §9: 2 is the user; 1 time; 3 a call, which was not ours; 4 and all others anything.
            let by = if reason == 2 { ClosedBy::Owner } else { ClosedBy::Server };
            Some((number, Signal::Closed(by)))
        }
        _ => None,
    }
}
