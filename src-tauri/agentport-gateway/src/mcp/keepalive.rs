//! Keep-alive comments on the response of a slow 2026-07-28 request.
//!
//! The protocol library sends nothing, not even headers, until a handler has a result, and clients give up on a silent
//! fetch after about a minute. So after a few seconds without a result the response starts as an event stream of
//! comments (which the specification asks of servers on long streams), followed by the handler's own response.

use std::{convert::Infallible, future::Future, pin::Pin, time::Duration};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{HeaderValue, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, BodyStream, StreamBody, combinators::UnsyncBoxBody};

use super::revision::{EVENT_STREAM, is_event_stream};

/// Time without a result after which the event stream starts.
const KEEP_ALIVE_DELAY: Duration = Duration::from_secs(5);
/// Time between two comments.
const COMMENT_INTERVAL: Duration = Duration::from_secs(10);

/// The body of every MCP response.
pub(crate) type ResponseBody = UnsyncBoxBody<Bytes, Infallible>;
/// A response that is not complete yet.
pub(crate) type PendingResponse = Pin<Box<dyn Future<Output = Response<ResponseBody>> + Send>>;

/// The response of `inner`, or an event stream around it if `inner` is slow. Dropping the response drops `inner`, which
/// is how a 2026-07-28 client cancels.
pub(crate) async fn keep_alive(mut inner: PendingResponse) -> Response<ResponseBody> {
    tokio::select! {
        biased;
        response = &mut inner => response,
        () = tokio::time::sleep(KEEP_ALIVE_DELAY) => start_stream(inner),
    }
}

fn start_stream(inner: PendingResponse) -> Response<ResponseBody> {
    let stream = stream::unfold(Some(inner), |inner| async move {
        let mut inner = inner?;
        tokio::select! {
            response = &mut inner => Some((handler_frames(response), None)),
            () = tokio::time::sleep(COMMENT_INTERVAL) => Some((comment(), Some(inner))),
        }
    });
    let frames = stream::once(async { comment() }).chain(stream).flatten();
    event_stream(StreamBody::new(frames).boxed_unsync())
}

/// A response of server-sent events that proxies neither keep back nor change.
pub(super) fn event_stream(body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

type Frames = Pin<Box<dyn stream::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send>>;

fn comment() -> Frames {
    Box::pin(stream::once(async { Ok(Frame::data(Bytes::from_static(b":\n\n"))) }))
}

/// The handler's response as part of the stream: events as they are, a JSON body as one event.
fn handler_frames(response: Response<ResponseBody>) -> Frames {
    let is_stream = is_event_stream(&response);
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
    async fn comments_start_after_a_while() {
        let answer = |after: u64| -> PendingResponse {
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
