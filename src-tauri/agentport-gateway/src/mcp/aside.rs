//! Log messages of a running call, told on the stream of its answer and before it.
//!
//! The protocol library sends log messages of a session on the session's own stream, another connection than the one
//! that carries the answer, so that the answer can overtake them. A client that stops listening then misses the last.

use std::{collections::VecDeque, task::Poll};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt as _, BodyStream, StreamBody};
use tokio::sync::mpsc;

use super::keepalive::Body;

/// Messages that may wait to be written; a client that reads so slowly misses the rest.
const WAITING: usize = 256;

/// Where a call's log messages go.
#[derive(Debug, Clone)]
pub(crate) struct Aside(mpsc::Sender<Bytes>);

/// The other end.
pub(super) struct Told(mpsc::Receiver<Bytes>);

pub(super) fn channel() -> (Aside, Told) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Aside(sender), Told(receiver))
}

impl Aside {
    /// `params` of a `notifications/message`.
    pub(crate) fn log(&self, params: impl serde::Serialize) {
        let message = serde_json::json!({
            "jsonrpc": "2.0",
            "method": "notifications/message",
            "params": params,
        });
        // Full: the client does not read. Closed: it has gone.
        let _ = self.0.try_send(format!("event: message\ndata: {message}\n\n").into());
    }
}

/// The answer with what is told beside it: whatever was told before a part of the answer is sent before it.
pub(super) fn with_told(response: Response<Body>, mut told: Told) -> Response<Body> {
    response.map(|body| {
        let mut answer = BodyStream::new(body);
        let mut held = VecDeque::new();
        let frames = stream::poll_fn(move |context| {
            if let Poll::Ready(Some(event)) = told.0.poll_recv(context) {
                return Poll::Ready(Some(Ok(Frame::data(event))));
            }
            if held.is_empty() {
                match answer.poll_next_unpin(context) {
                    Poll::Ready(Some(frame)) => held.push_back(frame),
                    Poll::Ready(None) => return Poll::Ready(None),
                    Poll::Pending => return Poll::Pending,
                }
            }
            // Told on another thread while the answer was looked at.
            match told.0.try_recv() {
                Ok(event) => Poll::Ready(Some(Ok(Frame::data(event)))),
                Err(_) => Poll::Ready(held.pop_front()),
            }
        });
        StreamBody::new(frames).boxed_unsync()
    })
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    #[tokio::test]
    async fn what_is_told_comes_first() {
        let (aside, told) = channel();
        let answer = Response::new(Full::new(Bytes::from_static(b"answer")).boxed_unsync());
        let response = with_told(answer, told);
        aside.0.try_send(Bytes::from_static(b"one ")).unwrap();
        aside.0.try_send(Bytes::from_static(b"two ")).unwrap();
        let Ok(body) = response.into_body().collect().await;
        assert_eq!(body.to_bytes(), "one two answer");
    }
}
