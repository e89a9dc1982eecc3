//! Keeping a silent request of the newest revision alive.
//!
//! The protocol library sends nothing, not even headers, until a handler has something to say, and clients give up on
//! a silent fetch after about a minute. So after a few seconds of silence the answer begins here: as an event stream
//! with comments (which the specification asks of servers on long streams), followed by whatever the handler says.

use std::{convert::Infallible, future::Future, pin::Pin, time::Duration};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{HeaderValue, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, BodyStream, StreamBody, combinators::UnsyncBoxBody};

/// Silence after which the answer begins.
const PATIENCE: Duration = Duration::from_secs(5);
/// Time between comments.
const BEAT: Duration = Duration::from_secs(10);

pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;
pub(crate) type Pending = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// Answers with what `inner` answers, or begins an event stream if that takes long. Dropping the response drops
/// `inner`, which is how the newest revision cancels.
pub(crate) async fn keep_alive(mut inner: Pending) -> Response<Body> {
    tokio::select! {
        biased;
        response = &mut inner => response,
        () = tokio::time::sleep(PATIENCE) => begun(inner),
    }
}

fn begun(inner: Pending) -> Response<Body> {
    let stream = stream::unfold(Some(inner), |inner| async move {
        let mut inner = inner?;
        tokio::select! {
            response = &mut inner => Some((rest(response), None)),
            () = tokio::time::sleep(BEAT) => Some((comment(), Some(inner))),
        }
    });
    let frames = stream::once(async { comment() }).chain(stream).flatten();
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

type Frames = Pin<Box<dyn stream::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send>>;

fn comment() -> Frames {
    Box::pin(stream::once(async { Ok(Frame::data(Bytes::from_static(b":\n\n"))) }))
}

/// The handler's answer as part of the stream: events as they are, a JSON answer as one event.
fn rest(response: Response<Body>) -> Frames {
    let is_stream = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let body = response.into_body();
    if is_stream {
        return Box::pin(BodyStream::new(body));
    }
    Box::pin(stream::once(async move {
        let Ok(collected) = body.collect().await;
        let mut event = b"event: message\ndata: ".to_vec();
        event.extend_from_slice(&collected.to_bytes());
        event.extend_from_slice(b"\n\n");
        Ok(Frame::data(Bytes::from(event)))
    }))
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn begins_after_a_while() {
        let answer = |after: u64| -> Pending {
            Box::pin(async move {
                tokio::time::sleep(Duration::from_secs(after)).await;
                Response::new(Full::new(Bytes::from_static(b"{}")).boxed_unsync())
            })
        };
        let text = async |after| {
            let body = keep_alive(answer(after)).await.into_body().collect().await;
            let Ok(body) = body;
            String::from_utf8(body.to_bytes().to_vec()).unwrap()
        };
        assert_eq!(text(1).await, "{}");
        assert_eq!(text(12).await, ":\n\nevent: message\ndata: {}\n\n");
        assert_eq!(text(21).await, ":\n\n:\n\nevent: message\ndata: {}\n\n");
    }
}
