//! Notifications by the Desktop Notifications Specification 1.2, over one connection to the session bus.
//!
//! Invariants:
//!
//! - only the present owner of `org.freedesktop.Notifications` is believed, by the unique name that the bus puts on each
//!   message; a match rule is no guard, since any connection can send us a signal directly;
//! - it is believed only about notifications that it showed: with another owner, all ids are forgotten;
//! - the match rules for its signals are added before the first notification is sent;
//! - each call has a timeout, and a notification shown after it is closed: its buttons would be dead.
//!
//! A gap of the bus itself: the owner of that name is the notification daemon, so another program of this user that takes
//! the name while it is free is believed.

use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use zbus::{Connection, fdo::DBusProxy, names::OwnedUniqueName};

use self::ids::NotificationIds;
use super::{
    Capabilities,
    notification::{Notification, NotificationKey},
    notifier::{BackendEvent, Notifier, NotifyError},
};

mod icon;
mod ids;
mod listen;
mod wire;

/// Notifications shown after their timeout that are closed at once. More stay up, with dead buttons.
const MAX_LATE_CLOSES: usize = 16;

pub(crate) struct DbusNotifier {
    bus: BusAddress,
    timeout: Duration,
    /// Its name, or empty.
    icon: &'static str,
    /// Written by [`Self::listen_to`] only.
    daemon: watch::Sender<Option<DaemonConnection>>,
    ids: Mutex<NotificationIds>,
    events: Mutex<Option<mpsc::Sender<BackendEvent>>>,
    late: mpsc::Sender<BoxFuture<'static, ()>>,
    late_closes: Mutex<Option<mpsc::Receiver<BoxFuture<'static, ()>>>>,
}

/// The bus to connect to.
pub(crate) enum BusAddress {
    Session,
    #[cfg(test)]
    At(String),
}

/// The connection, and the daemon on it.
#[derive(Clone)]
struct DaemonConnection {
    connection: Connection,
    /// Unique name of the daemon, if there is one.
    owner: Option<OwnedUniqueName>,
    traits: wire::DaemonTraits,
}

impl DbusNotifier {
    pub(crate) fn new(bus: BusAddress, timeout: Duration) -> Self {
        let (late, late_closes) = mpsc::channel(MAX_LATE_CLOSES);
        Self {
            bus,
            timeout,
            icon: icon::name(),
            daemon: watch::Sender::new(None),
            ids: Mutex::default(),
            events: Mutex::default(),
            late,
            late_closes: Mutex::new(Some(late_closes)),
        }
    }

    fn daemon_connection(&self) -> Result<DaemonConnection, NotifyError> {
        self.daemon.borrow().clone().ok_or(NotifyError::Unavailable(None))
    }

    /// The daemon's unique name; started, if the bus can.
    async fn owner(&self, daemon: &DaemonConnection) -> Result<OwnedUniqueName, NotifyError> {
        if let Some(owner) = &daemon.owner {
            return Ok(owner.clone());
        }
        let unavailable = |error: zbus::Error| NotifyError::Unavailable(Some(error.into()));
        let bus = DBusProxy::new(&daemon.connection).await.map_err(unavailable)?;
        let started = bus.start_service_by_name(wire::name(), 0).await;
        started.map_err(|error| unavailable(error.into()))?;
        // `listen_to` publishes the new owner.
        let mut daemons = self.daemon.subscribe();
        let owned =
            daemons.wait_for(|daemon| daemon.as_ref().is_none_or(|daemon| daemon.owner.is_some()));
        let daemon = owned.await.map_err(|_| NotifyError::Unavailable(None))?;
        daemon
            .as_ref()
            .and_then(|daemon| daemon.owner.clone())
            .ok_or(NotifyError::Unavailable(None))
    }

    async fn send_event(&self, event: BackendEvent) {
        let listener = self.events.lock().clone();
        if let Some(listener) = listener {
            // Fails only when the app ends.
            let _ = listener.send(event).await;
        }
    }

    /// Closes what `call` shows, once it has been answered after all.
    fn close_when_shown(
        &self,
        daemon: &DaemonConnection,
        owner: OwnedUniqueName,
        call: BoxFuture<'static, zbus::Result<u32>>,
    ) {
        let (connection, limit) = (daemon.connection.clone(), self.timeout);
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
impl Notifier for DbusNotifier {
    async fn listen(&self, events: mpsc::Sender<BackendEvent>) {
        self.listen_to(events).await;
    }

    async fn probe(&self) -> Result<Capabilities, NotifyError> {
        let probing = async {
            let daemon = self.daemon_connection()?;
            let owner = self.owner(&daemon).await?;
            let capabilities =
                wire::capabilities(&daemon.connection, &owner).await.map_err(refused)?;
            // The name is shown in the settings only.
            let server = wire::daemon_name(&daemon.connection, &owner).await.ok();
            self.daemon.send_modify(|daemon| {
                if let Some(daemon) =
                    daemon.as_mut().filter(|daemon| daemon.owner.as_ref() == Some(&owner))
                {
                    daemon.traits = wire::DaemonTraits {
                        interprets_markup: capabilities.markup,
                        hides_normal_urgency: server
                            .as_deref()
                            .is_some_and(wire::hides_normal_urgency),
                    };
                }
            });
            Ok(Capabilities {
                reachable: true,
                buttons: capabilities.actions && capabilities.body,
                server,
            })
        };
        timeout(self.timeout, probing).await.unwrap_or(Err(NotifyError::NoAnswer))
    }

    async fn show(
        &self,
        key: NotificationKey,
        notification: &Notification,
    ) -> Result<(), NotifyError> {
        let daemon = self.daemon_connection()?;
        let owner = daemon.owner.clone().ok_or(NotifyError::Unavailable(None))?;
        let replaces = self.ids.lock().begin_call(key);
        let notification = wire::NotifyCall::new(notification, replaces, daemon.traits, self.icon);
        let mut call: BoxFuture<'static, _> = {
            let (connection, owner) = (daemon.connection.clone(), owner.clone());
            Box::pin(async move { wire::notify(&connection, &owner, &notification).await })
        };
        let answer = timeout(self.timeout, &mut call).await;
        let shown = answer.as_ref().ok().and_then(|answer| answer.as_ref().ok().copied());
        let early = self.ids.lock().finish_call(&owner, key, shown);
        for event in early {
            self.send_event(event).await;
        }
        match answer {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(refused(error)),
            Err(_) => {
                self.close_when_shown(&daemon, owner, call);
                Err(NotifyError::NoAnswer)
            }
        }
    }

    async fn withdraw(&self, key: NotificationKey) -> Result<(), NotifyError> {
        let Some(id) = self.ids.lock().forget(key) else { return Ok(()) };
        let daemon = self.daemon_connection()?;
        let owner = daemon.owner.ok_or(NotifyError::Unavailable(None))?;
        match timeout(self.timeout, wire::close(&daemon.connection, &owner, id)).await {
            // §9, `CloseNotification`: an empty D-Bus error says that it is gone already.
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
