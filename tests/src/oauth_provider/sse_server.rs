//! The same MCP server over HTTP+SSE (2024-11-05): answers come on the event stream, requests go to the address that its
//! first event names.

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use futures::{StreamExt as _, stream};
use http::{Method, StatusCode, header};
use tokio::sync::mpsc;

use super::{ProviderBehaviour, ProviderCore, RecordedRequest};

pub(super) const MESSAGES_PATH: &str = "/messages";

/// Longest answer that is sent as an event.
const MAX_ANSWER_BYTES: usize = 1 << 20;

impl ProviderCore {
    /// `GET` of the endpoint. Every other method is refused, after the token.
    pub(super) async fn open_stream(
        &self,
        behaviour: &ProviderBehaviour,
        request: &RecordedRequest,
    ) -> Response {
        let refusal = self.serve_mcp(behaviour, request).await;
        if matches!(refusal.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return refusal;
        }
        if request.method != Method::GET {
            return StatusCode::METHOD_NOT_ALLOWED.into_response();
        }
        let session = uuid::Uuid::new_v4().simple().to_string();
        let (events, queue) = mpsc::unbounded_channel();
        let first = format!("event: endpoint\ndata: {MESSAGES_PATH}?session={session}\n\n");
        events.send(first).expect("the queue is there");
        self.streams.lock().insert(session, events);
        let stop = self.stop.lock().clone();
        let stream = stream::unfold(queue, |mut queue| async move {
            let event = queue.recv().await?;
            Some((Ok::<_, std::io::Error>(event), queue))
        });
        let stream = stream.take_until(stop.cancelled_owned());
        ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(stream)).into_response()
    }

    /// `POST` of a message: 202, and the answer on the stream.
    pub(super) async fn receive_message(
        &self,
        behaviour: &ProviderBehaviour,
        request: &RecordedRequest,
    ) -> Response {
        let session = request.parameter("session").unwrap_or_default();
        let Some(events) = self.streams.lock().get(session).cloned() else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let answer = self.serve_mcp(behaviour, request).await;
        if answer.status() != StatusCode::OK {
            return answer;
        }
        let body = axum::body::to_bytes(answer.into_body(), MAX_ANSWER_BYTES).await;
        let json = String::from_utf8(body.expect("an answer").to_vec()).expect("JSON is text");
        // A client that has left the stream gets no answer.
        let _ = events.send(format!("event: message\ndata: {json}\n\n"));
        StatusCode::ACCEPTED.into_response()
    }
}
