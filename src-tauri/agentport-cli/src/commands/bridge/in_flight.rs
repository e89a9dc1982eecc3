//! The client's requests that are not answered yet, so that a cancellation finds them.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::message::ClientRequest;

/// Requests by their JSON-RPC id, as it was written.
#[derive(Debug, Default)]
pub(super) struct InFlightRequests {
    all: Mutex<HashMap<Box<str>, Arc<InFlightRequest>>>,
    fewer: Notify,
}

#[derive(Debug)]
pub(super) struct InFlightRequest {
    /// Of revision 2026-07-28 or later, in which closing the connection cancels.
    modern: bool,
    /// The client has cancelled it.
    cancelled: CancellationToken,
    /// It was sent to the gateway, so that the gateway has to get the cancellation.
    pub(super) sent: AtomicBool,
}

impl InFlightRequests {
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<InFlightRequest>>> {
        self.all.lock()
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn insert(&self, request: &ClientRequest) -> Arc<InFlightRequest> {
        let entry = Arc::new(InFlightRequest {
            modern: request.modern.is_some(),
            cancelled: CancellationToken::new(),
            sent: AtomicBool::new(false),
        });
        self.lock().insert(request.id.clone(), entry.clone());
        entry
    }

    pub(super) fn remove(&self, id: &str, entry: &Arc<InFlightRequest>) {
        let mut all = self.lock();
        // The client may have reused the id.
        if all.get(id).is_some_and(|its| Arc::ptr_eq(its, entry)) {
            all.remove(id);
            self.fewer.notify_waiters();
        }
    }

    /// Resolves when no request is in flight.
    pub(super) async fn wait_until_empty(&self) {
        loop {
            let mut fewer = std::pin::pin!(self.fewer.notified());
            fewer.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            fewer.await;
        }
    }

    /// The client cancels a request.
    pub(super) fn cancel(&self, id: &str) -> Cancellation {
        let Some(entry) = self.lock().get(id).cloned() else { return Cancellation::Forward };
        entry.cancelled.cancel();
        if entry.modern { Cancellation::Done } else { Cancellation::Forward }
    }

    /// The ids of the requests that belong to a session.
    pub(super) fn session_ids(&self) -> Vec<Box<str>> {
        let all = self.lock();
        all.iter().filter(|(_, entry)| !entry.modern).map(|(id, _)| id.clone()).collect()
    }
}

/// What is left to do after a request was cancelled here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Cancellation {
    /// Nothing: its connection is closed.
    Done,
    /// The notification goes to the gateway.
    Forward,
}

impl InFlightRequest {
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }

    /// Resolves when the request need not be waited for: it is cancelled, and the gateway had its time to end it.
    pub(super) async fn abandoned(&self) {
        self.cancelled.cancelled().await;
        if !self.modern && self.sent.load(Ordering::Relaxed) {
            // The gateway ends the answer's stream by itself, with or without an answer.
            tokio::time::sleep(CANCEL_GRACE).await;
        }
    }
}

/// Time a gateway has to end a cancelled request of a session.
const CANCEL_GRACE: std::time::Duration = std::time::Duration::from_secs(10);
