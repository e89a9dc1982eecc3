//! Notices by the Desktop Notifications Specification 1.2, over one connection to the session bus.
//!
//! What always holds:
//!
//! - only the present owner of `org.freedesktop.Notifications` is believed, by the unique name the bus itself puts on
//!   each message; a match rule is no guard, since anybody may send us a signal directly;
//! - it is believed only of the notices it showed itself: with another owner, all ids are forgotten;
//! - the rules by which signals reach us stand before the first notice is sent;
//! - each call has a limit, and what was shown after its limit is closed: its buttons would be dead.
//!
//! One gap is the bus's own: whoever owns that name is the one who shows notices, and a program of the owner's that
//! takes it while nobody has it is believed.

use std::{sync::Mutex, time::Duration};

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use zbus::{Connection, fdo::DBusProxy, names::OwnedUniqueName};

use super::{
    Capabilities, locked,
    notice::{Key, Notice},
    notifier::{Heard, Notifier, NotifyError},
};
use ids::Ids;

mod icon;
mod ids;
mod listen;
mod wire;

/// Notices that came too late at once. More than that stay up, with buttons that do nothing.
const LATE: usize = 16;

pub(crate) struct Linux {
    bus: Bus,
    limit: Duration,
    /// Its name, or nothing.
    icon: &'static str,
    /// Written by whoever listens, and by nobody else.
    place: watch::Sender<Option<Place>>,
    ids: Mutex<Ids>,
    heard: Mutex<Option<mpsc::Sender<Heard>>>,
    late: mpsc::Sender<BoxFuture<'static, ()>>,
    came_late: Mutex<Option<mpsc::Receiver<BoxFuture<'static, ()>>>>,
}

/// Which bus to speak on.
pub(crate) enum Bus {
    OfTheSession,
    #[cfg(test)]
    At(String),
}

/// Where notices go.
#[derive(Clone)]
struct Place {
    connection: Connection,
    /// Who shows them, if anybody does. `interprets_markup` is what it said of itself.
    owner: Option<OwnedUniqueName>,
    interprets_markup: bool,
}

impl Linux {
    pub(crate) fn new(bus: Bus, limit: Duration) -> Self {
        let (late, came_late) = mpsc::channel(LATE);
        Self {
            bus,
            limit,
            icon: icon::name(),
            place: watch::Sender::new(None),
            ids: Mutex::default(),
            heard: Mutex::default(),
            late,
            came_late: Mutex::new(Some(came_late)),
        }
    }

    fn place(&self) -> Result<Place, NotifyError> {
        self.place.borrow().clone().ok_or(NotifyError::Nobody(None))
    }

    /// Who shows notices; started, if the bus knows how.
    async fn owner(&self, place: &Place) -> Result<OwnedUniqueName, NotifyError> {
        if let Some(owner) = &place.owner {
            return Ok(owner.clone());
        }
        let nobody = |error: zbus::Error| NotifyError::Nobody(Some(error.into()));
        let bus = DBusProxy::new(&place.connection).await.map_err(nobody)?;
        let started = bus.start_service_by_name(wire::name(), 0).await;
        started.map_err(|error| nobody(error.into()))?;
        // Whoever listens hears of it.
        let mut places = self.place.subscribe();
        let owned =
            places.wait_for(|place| place.as_ref().is_none_or(|place| place.owner.is_some()));
        let place = owned.await.map_err(|_| NotifyError::Nobody(None))?;
        place.as_ref().and_then(|place| place.owner.clone()).ok_or(NotifyError::Nobody(None))
    }

    async fn tell(&self, heard: Heard) {
        let listener = locked(&self.heard).clone();
        if let Some(listener) = listener {
            // Nobody listens any more only when all ends.
            let _ = listener.send(heard).await;
        }
    }

    /// Closes what `call` shows after all, once it has been answered.
    fn close_when_shown(
        &self,
        place: &Place,
        owner: OwnedUniqueName,
        call: BoxFuture<'static, zbus::Result<u32>>,
    ) {
        let (connection, limit) = (place.connection.clone(), self.limit);
        let closing = Box::pin(async move {
            if let Ok(id) = call.await {
                let _ = timeout(limit, wire::close(&connection, &owner, id)).await;
            }
        });
        if self.late.try_send(closing).is_err() {
            tracing::debug!("too many notifications were shown too late");
        }
    }
}

#[async_trait]
impl Notifier for Linux {
    async fn listen(&self, heard: mpsc::Sender<Heard>) {
        self.listen_to(heard).await;
    }

    async fn look(&self) -> Result<Capabilities, NotifyError> {
        let looking = async {
            let place = self.place()?;
            let owner = self.owner(&place).await?;
            let told = wire::capabilities(&place.connection, &owner).await.map_err(refused)?;
            // A name is worth knowing, and nothing depends on it.
            let server = wire::server(&place.connection, &owner).await.ok();
            self.place.send_modify(|place| {
                if let Some(place) =
                    place.as_mut().filter(|place| place.owner.as_ref() == Some(&owner))
                {
                    place.interprets_markup = told.markup;
                }
            });
            Ok(Capabilities { reachable: true, buttons: told.actions && told.body, server })
        };
        timeout(self.limit, looking).await.unwrap_or(Err(NotifyError::NoAnswer))
    }

    async fn show(&self, key: Key, notice: &Notice) -> Result<(), NotifyError> {
        let place = self.place()?;
        let owner = place.owner.clone().ok_or(NotifyError::Nobody(None))?;
        let replaces = locked(&self.ids).calling(key);
        let notice = wire::Outgoing::new(notice, replaces, place.interprets_markup, self.icon);
        let mut call: BoxFuture<'static, _> = {
            let (connection, owner) = (place.connection.clone(), owner.clone());
            Box::pin(async move { wire::notify(&connection, &owner, &notice).await })
        };
        let answer = timeout(self.limit, &mut call).await;
        let shown = answer.as_ref().ok().and_then(|answer| answer.as_ref().ok().copied());
        let early = locked(&self.ids).answered(&owner, key, shown);
        for heard in early {
            self.tell(heard).await;
        }
        match answer {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(refused(error)),
            Err(_) => {
                self.close_when_shown(&place, owner, call);
                Err(NotifyError::NoAnswer)
            }
        }
    }

    async fn withdraw(&self, key: Key) -> Result<(), NotifyError> {
        let Some(id) = locked(&self.ids).forget(key) else { return Ok(()) };
        let place = self.place()?;
        let owner = place.owner.ok_or(NotifyError::Nobody(None))?;
        match timeout(self.limit, wire::close(&place.connection, &owner, id)).await {
            // "An empty D-Bus error" is how one says that it has gone already.
            Ok(Ok(()) | Err(zbus::Error::MethodError(..))) => Ok(()),
            Ok(Err(error)) => Err(refused(error)),
            Err(_) => Err(NotifyError::NoAnswer),
        }
    }
}

fn refused(error: zbus::Error) -> NotifyError {
    NotifyError::Refused(error.into())
}

#[cfg(test)]
mod tests;
