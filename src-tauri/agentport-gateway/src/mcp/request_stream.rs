//! Log messages of a running call on the event stream of that call's response, ahead of the result.
//!
//! The protocol library sends log messages of a session on the session's own GET stream. That is another connection
//! than the one that carries the result, so the result can overtake them, and a client that stops listening then
//! misses the last ones.

use std::{collections::VecDeque, task::Poll};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt as _, BodyStream, StreamBody};
use tokio::sync::mpsc;

use super::keepalive::ResponseBody;
use crate::caller::LogSender;

/// Receives the log messages of one call, to be written to its response.
pub(super) struct LogReceiver(mpsc::Receiver<Bytes>);

pub(super) fn channel() -> (LogSender, LogReceiver) {
    let (sender, receiver) = LogSender::channel();
    (sender, LogReceiver(receiver))
}

/// Interleaves `logs` with the response: a message sent before a part of the response is written before that part.
pub(super) fn with_logs(
    response: Response<ResponseBody>,
    mut logs: LogReceiver,
) -> Response<ResponseBody> {
    response.map(|body| {
        let mut response_frames = BodyStream::new(body);
        let mut held = VecDeque::new();
        let frames = stream::poll_fn(move |context| {
            if let Poll::Ready(Some(event)) = logs.0.poll_recv(context) {
                return Poll::Ready(Some(Ok(Frame::data(event))));
            }
            if held.is_empty() {
                match response_frames.poll_next_unpin(context) {
                    Poll::Ready(Some(frame)) => held.push_back(frame),
                    Poll::Ready(None) => return Poll::Ready(None),
                    Poll::Pending => return Poll::Pending,
                }
            }
            // A message may have been sent by another thread while the response was polled.
            match logs.0.try_recv() {
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
    async fn logs_come_before_the_result() {
        let (sender, logs) = channel();
        let answer = Response::new(Full::new(Bytes::from_static(b"answer")).boxed_unsync());
        let response = with_logs(answer, logs);
        sender.send_event(Bytes::from_static(b"one "));
        sender.send_event(Bytes::from_static(b"two "));
        let Ok(body) = response.into_body().collect().await;
        assert_eq!(body.to_bytes(), "one two answer");
    }
}
