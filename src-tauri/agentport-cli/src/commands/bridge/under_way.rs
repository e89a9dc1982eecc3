//! Requests under way, so that a cancellation finds them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::message::Request;

/// By id, as it was written.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    all: Mutex<HashMap<Box<str>, Arc<Entry>>>,
    fewer: Notify,
}

#[derive(Debug)]
pub(super) struct Entry {
    /// Of the newest revision, in which closing the stream is what cancels.
    modern: bool,
    /// The client does not wait for an answer any more.
    cancelled: CancellationToken,
    /// It has been sent, so that its cancellation is the gateway's matter.
    pub(super) sent: AtomicBool,
}

impl UnderWay {
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Entry>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn enter(&self, request: &Request) -> Arc<Entry> {
        let entry = Arc::new(Entry {
            modern: request.modern.is_some(),
            cancelled: CancellationToken::new(),
            sent: AtomicBool::new(false),
        });
        self.lock().insert(request.id.clone(), entry.clone());
        entry
    }

    pub(super) fn leave(&self, id: &str, entry: &Arc<Entry>) {
        let mut all = self.lock();
        // Another may have come with the same id.
        if all.get(id).is_some_and(|its| Arc::ptr_eq(its, entry)) {
            all.remove(id);
            self.fewer.notify_waiters();
        }
    }

    /// Resolves when there is none.
    pub(super) async fn none(&self) {
        loop {
            let mut fewer = std::pin::pin!(self.fewer.notified());
            fewer.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            fewer.await;
        }
    }

    /// The client cancels a request. `true`: that is all there is to do; otherwise the gateway has to be told.
    pub(super) fn cancel(&self, id: &str) -> bool {
        let Some(entry) = self.lock().get(id).cloned() else { return false };
        entry.cancelled.cancel();
        entry.modern
    }

    /// The ids of requests that belong to a session.
    pub(super) fn of_session(&self) -> Vec<Box<str>> {
        let all = self.lock();
        all.iter().filter(|(_, entry)| !entry.modern).map(|(id, _)| id.clone()).collect()
    }
}

impl Entry {
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }

    /// Resolves when nothing is worth waiting for: the request is cancelled, and no gateway has it that would have to
    /// hear of it in another way.
    pub(super) async fn dropped(&self) {
        self.cancelled.cancelled().await;
        if !self.modern && self.sent.load(Ordering::Relaxed) {
            // The gateway ends the stream, with or without an answer.
            tokio::time::sleep(PATIENCE).await;
        }
    }
}

/// How long a cancelled request may go on.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
