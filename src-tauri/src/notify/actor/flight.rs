//! The one call to the notifier that is under way.

use std::{future::pending, sync::Arc};

use futures::future::BoxFuture;

use crate::notify::{
    Capabilities,
    notice::{Key, Notice},
    notifier::{Notifier, NotifyError},
};

pub(super) struct Flight {
    call: BoxFuture<'static, Landed>,
    stale: bool,
}

/// How it ended.
pub(super) enum Landed {
    Looked(Result<Capabilities, NotifyError>),
    Shown(Key, Result<(), NotifyError>),
    Withdrawn(Result<(), NotifyError>),
    /// It was meant for somebody who has gone since, and says nothing of who is there now.
    Stale,
}

impl Flight {
    pub(super) fn look(notifier: &Arc<dyn Notifier>) -> Self {
        let notifier = notifier.clone();
        Self::new(async move { Landed::Looked(notifier.look().await) })
    }

    pub(super) fn show(notifier: &Arc<dyn Notifier>, key: Key, notice: Notice) -> Self {
        let notifier = notifier.clone();
        Self::new(async move { Landed::Shown(key, notifier.show(key, &notice).await) })
    }

    pub(super) fn withdraw(notifier: &Arc<dyn Notifier>, key: Key) -> Self {
        let notifier = notifier.clone();
        Self::new(async move { Landed::Withdrawn(notifier.withdraw(key).await) })
    }

    fn new(call: impl Future<Output = Landed> + Send + 'static) -> Self {
        Self { call: Box::pin(call), stale: false }
    }

    pub(super) fn is_stale(&mut self) {
        self.stale = true;
    }
}

/// Waits for the call under way to end; for ever if there is none.
pub(super) async fn landing(flight: &mut Option<Flight>) -> Landed {
    let Some(under_way) = flight else { return pending().await };
    let landed = under_way.call.as_mut().await;
    let stale = under_way.stale;
    *flight = None;
    if stale { Landed::Stale } else { landed }
}
