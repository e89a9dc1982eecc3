//! The call to the notifier that is in flight.

use std::{future::pending, sync::Arc};

use futures::future::BoxFuture;

use crate::notify::{
    Capabilities,
    notification::{Notification, NotificationKey},
    notifier::{Notifier, NotifyError},
};

pub(super) struct BackendCall {
    call: BoxFuture<'static, Completion>,
    stale: bool,
}

/// How a call ended.
pub(super) enum Completion {
    Probed(Result<Capabilities, NotifyError>),
    Shown(NotificationKey, Result<(), NotifyError>),
    Withdrawn(Result<(), NotifyError>),
    /// It was sent to a daemon that has gone since, and says nothing about the present one.
    Stale,
}

impl BackendCall {
    pub(super) fn probe(notifier: &Arc<dyn Notifier>) -> Self {
        let notifier = notifier.clone();
        Self::new(async move { Completion::Probed(notifier.probe().await) })
    }

    pub(super) fn show(
        notifier: &Arc<dyn Notifier>,
        key: NotificationKey,
        notification: Notification,
    ) -> Self {
        let notifier = notifier.clone();
        Self::new(async move { Completion::Shown(key, notifier.show(key, &notification).await) })
    }

    pub(super) fn withdraw(notifier: &Arc<dyn Notifier>, key: NotificationKey) -> Self {
        let notifier = notifier.clone();
        Self::new(async move { Completion::Withdrawn(notifier.withdraw(key).await) })
    }

    fn new(call: impl Future<Output = Completion> + Send + 'static) -> Self {
        Self { call: Box::pin(call), stale: false }
    }

    pub(super) fn mark_stale(&mut self) {
        self.stale = true;
    }
}

/// Waits for the call in flight to complete; for ever if there is none.
pub(super) async fn completed(slot: &mut Option<BackendCall>) -> Completion {
    let Some(in_flight) = slot else { return pending().await };
    let completion = in_flight.call.as_mut().await;
    let stale = in_flight.stale;
    *slot = None;
    if stale { Completion::Stale } else { completion }
}
