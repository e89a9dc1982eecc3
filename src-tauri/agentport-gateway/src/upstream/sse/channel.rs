//! The sending side of one connection: each message is a POST to the endpoint; answers come on the event stream.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use futures::FutureExt as _;
use http::{Method, StatusCode};
use parking_lot::Mutex;
use reqwest::Response;
use serde_json::value::RawValue;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use super::{
    headers::{RequestHeaders, SendError},
    stream::StreamEnd,
};
use crate::upstream::{
    error::{AttemptError, UpstreamError},
    in_flight::{InFlight, PendingCall},
    streamable_http::http_error::{
        cause, challenge, closed, credential_refused, error_in, is_session_lost, needs_auth,
    },
    token_source::without_token,
};

/// Largest body in bytes that is read of the response to a POST, which has nothing to say beyond its status.
const MAX_POST_ANSWER: usize = 64 * 1024;
/// Time a notification or a response of the gateway has to be delivered, and a response to be read to its end.
const POST_TIMEOUT: Duration = Duration::from_secs(5);

/// What requests over one connection need.
pub(in crate::upstream) struct SseChannel {
    client: reqwest::Client,
    endpoint: Url,
    headers: RequestHeaders,
    /// The address of the server, fit to show.
    shown: String,
    pub(super) in_flight: Arc<InFlight>,
    /// Why the stream ended.
    end: Mutex<Option<StreamEnd>>,
    ended: CancellationToken,
    tasks: TaskTracker,
}

impl SseChannel {
    pub(super) fn new(
        client: reqwest::Client,
        endpoint: Url,
        headers: RequestHeaders,
        shown: String,
        in_flight: Arc<InFlight>,
        tasks: TaskTracker,
    ) -> Arc<Self> {
        let (end, ended) = (Mutex::default(), CancellationToken::new());
        Arc::new(Self { client, endpoint, headers, shown, in_flight, end, ended, tasks })
    }

    /// Sends one request and waits for its answer on the stream.
    pub(in crate::upstream) async fn call(
        self: &Arc<Self>,
        id: i64,
        message: Vec<u8>,
        pending: &PendingCall,
    ) -> Result<Box<RawValue>, AttemptError> {
        let channel = self.clone();
        let mut posted = async move { channel.post(id, message).await }.boxed();
        tokio::select! {
            biased;
            reply = pending.reply() => {
                // The answer was faster than the response to the POST. To drop that would close its connection.
                self.tasks.spawn(async move {
                    let _ = timeout(POST_TIMEOUT, posted).await;
                });
                reply.map_err(AttemptError::Failed)
            }
            accepted = &mut posted => {
                accepted?;
                pending.reply().await.map_err(AttemptError::Failed)
            }
        }
    }

    /// Sends a notification, or an answer to the server. Nothing can be done if it does not arrive.
    pub(in crate::upstream) async fn notify(self: Arc<Self>, message: Vec<u8>) {
        let _ = timeout(POST_TIMEOUT, self.post(0, message)).await;
    }

    /// Posts one message. `id` is that of a request, to find its error in a refusal.
    pub(super) async fn post(
        self: &Arc<Self>,
        id: i64,
        message: Vec<u8>,
    ) -> Result<(), AttemptError> {
        let sent = self.headers.send(&self.client, &Method::POST, &self.endpoint, message.into());
        let response = sent.await.map_err(|error| match error {
            SendError::NoToken(error) => without_token(error),
            SendError::Http(error) => self.not_posted(&error),
        })?;
        if response.status().is_success() {
            self.drain(response);
            return Ok(());
        }
        Err(self.refusal(id, response).await)
    }

    /// Ends the connection: calls in flight end with why, new ones find it closed.
    pub(super) fn on_stream_end(&self, end: &StreamEnd) {
        self.end.lock().get_or_insert_with(|| end.clone());
        self.in_flight.fail_all(&end.call_error());
        self.ended.cancel();
    }

    /// Cancelled when the stream has ended.
    pub(in crate::upstream) fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Why the stream ended: for the owner, and for calls.
    pub(in crate::upstream) fn end_reason(&self) -> Option<(UpstreamError, UpstreamError)> {
        let end = self.end.lock();
        end.as_ref().map(|end| (end.owner_error(&self.shown), end.call_error()))
    }

    /// Reads the response to its end beside the call, so that its connection can be used again.
    fn drain(&self, response: Response) {
        let mut reading = async move {
            let _ = timeout(POST_TIMEOUT, body(response)).await;
        }
        .boxed();
        // Most often the end is there already.
        if (&mut reading).now_or_never().is_none() {
            self.tasks.spawn(reading);
        }
    }

    /// Why the server did not take a message, by status (and by what it says, if that is a JSON-RPC error).
    async fn refusal(&self, id: i64, response: Response) -> AttemptError {
        let status = response.status();
        if needs_auth(status, response.headers()) {
            let has_credential = self.headers.has_credential();
            let challenge = challenge(response.headers());
            let refused = credential_refused(&self.shown, status, has_credential, challenge);
            return AttemptError::Lost(refused);
        }
        let body = timeout(POST_TIMEOUT, body(response)).await.unwrap_or_default();
        let error = error_in(id, &body);
        let lost = names_session(status) && is_session_lost(status, error.as_ref());
        let error = error.unwrap_or_else(|| self.status_error(status));
        match lost {
            true => AttemptError::Stale(Some(error)),
            false => AttemptError::Failed(error),
        }
    }

    fn status_error(&self, status: StatusCode) -> UpstreamError {
        let problem = format!("answered HTTP {status}");
        UpstreamError::Unreachable { what: self.shown.clone(), problem }
    }

    /// Why a POST could not be made, or got no response.
    fn not_posted(&self, error: &reqwest::Error) -> AttemptError {
        if error.is_connect() {
            let problem = format!("cannot be reached ({})", cause(error));
            return AttemptError::Lost(UpstreamError::Unreachable {
                what: self.shown.clone(),
                problem,
            });
        }
        closed(&cause(error)).into()
    }
}

/// Whether servers refuse an unknown session with this status. A message that is too large, or comes too often, leaves the
/// stream as it is, with the other calls on it.
fn names_session(status: StatusCode) -> bool {
    let statuses = [
        StatusCode::BAD_REQUEST,
        StatusCode::NOT_FOUND,
        StatusCode::GONE,
        StatusCode::UNPROCESSABLE_ENTITY,
    ];
    statuses.contains(&status)
}

/// The start of a body, of which more is not read.
async fn body(mut response: Response) -> BytesMut {
    let mut body = BytesMut::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_POST_ANSWER {
            break;
        }
    }
    body
}
