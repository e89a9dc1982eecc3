//! The outgoing side of an event stream: a queue bounded in events and bytes, and the response body that drains it.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::stream;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::mcp::keepalive::ResponseBody;

/// Events that may wait for the client to read them.
const MAX_UNREAD_EVENTS: usize = 1_024;
/// Bytes that may wait likewise. A single larger event is taken if nothing else waits.
const MAX_UNREAD_BYTES: usize = 16 * 1024 * 1024;
/// Time without an event after which a comment is sent, so that proxies and clients keep the connection.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Puts events into the queue. A client that reads too slowly for it loses the stream: to leave out a single event
/// would leave a request without its answer.
#[derive(Debug)]
pub(super) struct EventSender {
    queue: mpsc::Sender<Bytes>,
    unread_bytes: Arc<AtomicUsize>,
    closed: CancellationToken,
}

/// The queue, as the body of the response to `GET /sse`.
pub(super) struct EventReceiver {
    queue: mpsc::Receiver<Bytes>,
    unread_bytes: Arc<AtomicUsize>,
    closed: CancellationToken,
    /// Ends the session when the client disconnects, which drops the body.
    _closes: DropGuard,
}

/// `closed` ends both sides, and is cancelled by either.
pub(super) fn channel(closed: CancellationToken) -> (EventSender, EventReceiver) {
    let (sender, receiver) = mpsc::channel(MAX_UNREAD_EVENTS);
    let unread_bytes = Arc::new(AtomicUsize::new(0));
    let _closes = closed.clone().drop_guard();
    (
        EventSender { queue: sender, unread_bytes: unread_bytes.clone(), closed: closed.clone() },
        EventReceiver { queue: receiver, unread_bytes, closed, _closes },
    )
}

impl EventSender {
    /// Sends an event; `data` is one line.
    pub(super) fn send(&self, name: &str, data: &[u8]) {
        let mut event = Vec::with_capacity(name.len() + data.len() + 20);
        for part in [b"event: ", name.as_bytes(), b"\ndata: ", data, b"\n\n"] {
            event.extend_from_slice(part);
        }
        let waiting = self.unread_bytes.fetch_add(event.len(), Ordering::Relaxed);
        let fits = waiting == 0 || waiting + event.len() <= MAX_UNREAD_BYTES;
        if !fits || self.queue.try_send(Bytes::from(event)).is_err() {
            self.closed.cancel();
        }
    }
}

impl EventReceiver {
    pub(super) fn into_body(self) -> ResponseBody {
        let events = stream::unfold(self, |mut receiver| async move {
            let event = receiver.next().await?;
            Some((Ok::<_, Infallible>(Frame::data(event)), receiver))
        });
        StreamBody::new(events).boxed_unsync()
    }

    async fn next(&mut self) -> Option<Bytes> {
        tokio::select! {
            biased;
            () = self.closed.cancelled() => None,
            event = self.queue.recv() => {
                let event = event?;
                self.unread_bytes.fetch_sub(event.len(), Ordering::Relaxed);
                Some(event)
            }
            () = tokio::time::sleep(KEEP_ALIVE_INTERVAL) => Some(Bytes::from_static(b":\n\n")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(event: Option<Bytes>) -> String {
        String::from_utf8(event.expect("an event").to_vec()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn comments_fill_the_silence() {
        let (sender, mut receiver) = channel(CancellationToken::new());
        sender.send("endpoint", b"messages?sessionId=x");
        assert_eq!(text(receiver.next().await), "event: endpoint\ndata: messages?sessionId=x\n\n");
        assert_eq!(text(receiver.next().await), ":\n\n");
        sender.send("message", b"{}");
        assert_eq!(text(receiver.next().await), "event: message\ndata: {}\n\n");
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_loses_the_stream() {
        let closed = CancellationToken::new();
        let (sender, mut receiver) = channel(closed.clone());
        for _ in 0..MAX_UNREAD_EVENTS {
            sender.send("message", b"{}");
        }
        assert!(!closed.is_cancelled());
        sender.send("message", b"{}");
        assert!(closed.is_cancelled());
        assert_eq!(receiver.next().await, None);
    }

    #[tokio::test]
    async fn unread_bytes_are_bounded() {
        let closed = CancellationToken::new();
        let (sender, mut receiver) = channel(closed.clone());
        let large = vec![b'x'; MAX_UNREAD_BYTES];
        sender.send("message", &large);
        assert!(!closed.is_cancelled(), "it may be large if it is alone");
        receiver.next().await.unwrap();
        sender.send("message", &large);
        sender.send("message", b"{}");
        assert!(closed.is_cancelled());
    }

    #[test]
    fn a_client_that_disconnects_ends_the_session() {
        let closed = CancellationToken::new();
        let (_sender, receiver) = channel(closed.clone());
        drop(receiver.into_body());
        assert!(closed.is_cancelled());
    }
}
