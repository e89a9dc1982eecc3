//! rmcp's HTTP client: handshake, notifications, the GET stream and `subscriptions/listen`.
//!
//! The handshake and answers to notifications are read as leniently as those of calls. GET streams that bring nothing
//! are opened ever more rarely; a server that answers a GET with something else than a stream is not asked again.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use agentport_core::mcp::headers::SESSION_ID;
use arc_swap::ArcSwapOption;
use bytes::BytesMut;
use futures::{Stream, StreamExt as _};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, WWW_AUTHENTICATE},
};
use parking_lot::Mutex;
use rmcp::{
    model::{
        ClientJsonRpcMessage, ClientRequest, ErrorCode, ErrorData, JsonRpcMessage, RequestId,
        ServerJsonRpcMessage,
    },
    transport::{
        common::client_side_sse::{BoxedSseResponse, SseRetryPolicy},
        streamable_http_client::{
            AuthRequiredError, HttpStatusError, StreamableHttpClient, StreamableHttpError,
            StreamableHttpPostResponse,
        },
    },
};
use sse_stream::{Error as SseError, Sse};
use tokio::time::{sleep, timeout};

use super::http_error::{challenge, is_event_stream, tidy};
use crate::upstream::{
    error::UpstreamError,
    event_stream::SseParser,
    message::{InboundMessage, inbound},
    negotiation::HandshakeRefusal,
    repair::repaired,
    token_source::{TokenSource, authorize, authorize_again},
};

/// Largest answer to a handshake in bytes.
const MAX_ANSWER: usize = 32 * 1024 * 1024;
/// Characters of a refusal that are kept to find versions in.
const MAX_REFUSAL: usize = 2_000;
/// Gap after a GET stream that brought nothing; doubles with each further one.
const FIRST_STREAM_GAP: Duration = Duration::from_secs(1);
const MAX_STREAM_GAP: Duration = Duration::from_secs(300);

pub(super) type HandshakeError = StreamableHttpError<reqwest::Error>;

/// The client. Clones share their state.
#[derive(Clone)]
pub(in crate::upstream) struct HandshakeClient {
    client: reqwest::Client,
    /// Time `server/discover` may go unanswered; `None`: however long it takes.
    discover_timeout: Option<Duration>,
    tokens: Option<Arc<dyn TokenSource>>,
    state: Arc<HandshakeState>,
}

#[derive(Default)]
struct HandshakeState {
    session: ArcSwapOption<String>,
    refusal: Mutex<HandshakeRefusal>,
    pacing: Arc<StreamPacing>,
}

/// How often GET streams may be opened.
#[derive(Debug, Default)]
pub(in crate::upstream) struct StreamPacing {
    /// Streams in a row that brought nothing.
    barren: AtomicU32,
    /// The server answers a GET with something else than a stream.
    unsupported: AtomicBool,
}

impl StreamPacing {
    /// Time to wait before the next stream is opened.
    fn gap(&self) -> Duration {
        match self.barren.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            barren => {
                FIRST_STREAM_GAP.saturating_mul(1 << (barren - 1).min(16)).min(MAX_STREAM_GAP)
            }
        }
    }
}

impl SseRetryPolicy for StreamPacing {
    fn retry(&self, _: usize) -> Option<Duration> {
        // The gap is kept before the GET itself, also where the server asks for a shorter one.
        (!self.unsupported.load(Ordering::Relaxed)).then_some(Duration::ZERO)
    }
}

impl HandshakeClient {
    pub(in crate::upstream) fn new(
        client: reqwest::Client,
        discover_timeout: Option<Duration>,
        tokens: Option<Arc<dyn TokenSource>>,
    ) -> Self {
        Self { client, discover_timeout, tokens, state: Arc::default() }
    }

    /// The session the server gave (revisions before 2026-07-28), once rmcp has used it.
    pub(in crate::upstream) fn session(&self) -> Option<Arc<str>> {
        self.state.session.load().as_deref().map(|session| session.as_str().into())
    }

    /// How the server refused a handshake.
    pub(in crate::upstream) fn refusal(&self) -> HandshakeRefusal {
        self.state.refusal.lock().clone()
    }

    pub(in crate::upstream) fn pacing(&self) -> Arc<StreamPacing> {
        self.state.pacing.clone()
    }

    async fn post(
        &self,
        uri: &str,
        message: &ClientJsonRpcMessage,
        session: Option<&str>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<reqwest::Response, HandshakeError> {
        let mut headers = headers.into_iter().collect::<HeaderMap>();
        let tokens = self.tokens.as_deref();
        authorize(tokens, &mut headers).await.map_err(no_token)?;
        let mut response = self.send(uri, message, session, headers.clone()).await?;
        if authorize_again(tokens, &mut headers, &response).await.map_err(no_token)? {
            response = self.send(uri, message, session, headers).await?;
        }
        let status = response.status();
        let challenged = response.headers().contains_key(WWW_AUTHENTICATE);
        if status == StatusCode::UNAUTHORIZED || (status == StatusCode::FORBIDDEN && challenged) {
            // rmcp logs it whole.
            let scheme = challenge(response.headers()).split(' ').next().unwrap_or_default();
            return Err(HandshakeError::AuthRequired(AuthRequiredError::new(scheme.to_owned())));
        }
        Ok(response)
    }

    async fn send(
        &self,
        uri: &str,
        message: &ClientJsonRpcMessage,
        session: Option<&str>,
        headers: HeaderMap,
    ) -> Result<reqwest::Response, HandshakeError> {
        let mut request = self
            .client
            .post(uri)
            .header(ACCEPT, "application/json, text/event-stream")
            .headers(headers);
        if let Some(session) = session {
            request = request.header(SESSION_ID, session);
        }
        let sent = request.json(message).send().await;
        sent.map_err(|error| HandshakeError::Client(error.without_url()))
    }

    /// `initialize` or `server/discover`, to its answer.
    async fn shake_hands(
        &self,
        uri: &str,
        message: &ClientJsonRpcMessage,
        id: &RequestId,
        is_discover: bool,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, HandshakeError> {
        let response = self.post(uri, message, None, headers).await?;
        let status = response.status();
        let header = response.headers().get(SESSION_ID).and_then(|id| id.to_str().ok());
        let session = header.map(str::to_owned);
        // Only a refusal of `initialize` says which versions it takes there.
        let answer = self.read_answer(response).await?;
        {
            let mut refusal = self.state.refusal.lock();
            if is_discover {
                *refusal = HandshakeRefusal::default();
            } else {
                refusal.status = (!status.is_success()).then_some(status);
            }
        }
        if let Some(message) = answer {
            return Ok(StreamableHttpPostResponse::Json(with_id(message, id), session));
        }
        if is_discover && status.is_client_error() && status != StatusCode::FORBIDDEN {
            return Ok(StreamableHttpPostResponse::Json(unknown_method(id), None));
        }
        Err(match status {
            _ if status.is_success() => {
                HandshakeError::UnexpectedServerResponse("not JSON-RPC".into())
            }
            StatusCode::TOO_MANY_REQUESTS => HttpStatusError::new(status.as_u16(), None).into(),
            _ if status.is_server_error() => HttpStatusError::new(status.as_u16(), None).into(),
            _ => HandshakeError::UnexpectedServerResponse(format!("HTTP {status}").into()),
        })
    }

    /// Reads the response to a request, as a stream or as one body, whatever its media type says.
    async fn read_answer(
        &self,
        mut response: reqwest::Response,
    ) -> Result<Option<ServerJsonRpcMessage>, HandshakeError> {
        let streamed = is_event_stream(response.headers().get(CONTENT_TYPE));
        let mut body = BytesMut::new();
        let mut events = SseParser::default();
        loop {
            let chunk = response.chunk().await;
            let Some(chunk) = chunk.map_err(|error| HandshakeError::Client(error.without_url()))?
            else {
                break;
            };
            if streamed {
                if events.push(&chunk).is_err() {
                    return Ok(None);
                }
                while let Some(event) = events.next() {
                    if let Some(answer) = answer_in(&event) {
                        return Ok(Some(answer));
                    }
                }
            }
            if body.len() + chunk.len() > MAX_ANSWER {
                return Ok(None);
            }
            body.extend_from_slice(&chunk);
        }
        if let Some(answer) = answer_in(&body) {
            if let JsonRpcMessage::Error(error) = &answer {
                let data = error.error.data.as_ref().map(ToString::to_string).unwrap_or_default();
                self.keep_refusal(&format!(
                    "{} {} {data}",
                    error.error.code.0, error.error.message
                ));
            }
            return Ok(Some(answer));
        }
        self.keep_refusal(&String::from_utf8_lossy(&body));
        Ok(None)
    }

    /// The headers of a request whose refusal is not answered with another token.
    async fn authorized(
        &self,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<HashMap<HeaderName, HeaderValue>, HandshakeError> {
        if self.tokens.is_none() {
            return Ok(headers);
        }
        let mut headers = headers.into_iter().collect::<HeaderMap>();
        authorize(self.tokens.as_deref(), &mut headers).await.map_err(no_token)?;
        Ok(headers.into_iter().filter_map(|(name, value)| Some((name?, value))).collect())
    }

    fn keep_refusal(&self, said: &str) {
        self.state.refusal.lock().said = said.chars().take(MAX_REFUSAL).collect();
    }
}

/// Carries why there is no token through rmcp, whose errors have no place for it.
fn no_token(error: UpstreamError) -> HandshakeError {
    HandshakeError::Io(std::io::Error::other(error))
}

/// The response in one message, if it is one.
fn answer_in(message: &[u8]) -> Option<ServerJsonRpcMessage> {
    match inbound(message) {
        InboundMessage::Other(message) => match *message {
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => Some(*message),
            _ => None,
        },
        _ => None,
    }
}

/// Each request of a handshake has a POST of its own: its answer belongs to it whatever id it names.
fn with_id(message: ServerJsonRpcMessage, id: &RequestId) -> ServerJsonRpcMessage {
    match message {
        JsonRpcMessage::Response(mut response) => {
            response.id = id.clone();
            JsonRpcMessage::Response(response)
        }
        JsonRpcMessage::Error(mut error) => {
            error.id = Some(id.clone());
            JsonRpcMessage::Error(error)
        }
        other => other,
    }
}

/// The events of a GET stream, until it ends or breaks.
fn events_of(
    response: reqwest::Response,
    pacing: Arc<StreamPacing>,
) -> impl Stream<Item = Result<Sse, SseError>> + Send + 'static {
    let begin = (response, SseParser::default(), pacing);
    futures::stream::unfold(begin, |(mut response, mut events, pacing)| async move {
        loop {
            if let Some(data) = events.next() {
                pacing.barren.store(0, Ordering::Relaxed);
                let event = Sse {
                    event: None,
                    data: Some(repaired(&data)),
                    id: events.last_id().map(str::to_owned),
                    retry: None,
                };
                return Some((Ok(event), (response, events, pacing)));
            }
            // A stream that breaks is opened again by rmcp, as one that ends.
            let chunk = response.chunk().await.ok().flatten()?;
            events.push(&chunk).ok()?;
        }
    })
}

fn unknown_method(id: &RequestId) -> ServerJsonRpcMessage {
    let error = ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "server/discover is not known", None);
    JsonRpcMessage::error(error, Some(id.clone()))
}

impl StreamableHttpClient for HandshakeClient {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        auth: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, HandshakeError> {
        if let Some(session) = &session {
            self.state.session.store(Some(Arc::new(session.to_string())));
        }
        let JsonRpcMessage::Request(request) = &message else {
            let response = self.post(&uri, &message, session.as_deref(), headers).await?;
            // Nothing waits for an answer to this; what a server says to it instead does not matter.
            return match response.status() == StatusCode::NOT_FOUND && session.is_some() {
                true => Err(HandshakeError::SessionExpired),
                false => Ok(StreamableHttpPostResponse::Accepted),
            };
        };
        let id = request.id.clone();
        match (&request.request, self.discover_timeout) {
            (ClientRequest::InitializeRequest(_), _) => {
                self.shake_hands(&uri, &message, &id, false, headers).await
            }
            (ClientRequest::DiscoverRequest(_), None) => {
                self.shake_hands(&uri, &message, &id, true, headers).await
            }
            (ClientRequest::DiscoverRequest(_), Some(limit)) => {
                let asked = self.shake_hands(&uri, &message, &id, true, headers);
                let silent = || StreamableHttpPostResponse::Json(unknown_method(&id), None);
                timeout(limit, asked).await.unwrap_or_else(|_| Ok(silent()))
            }
            _ => {
                let headers = self.authorized(headers).await?;
                self.client.post_message(uri, message, session, auth, headers).await.map_err(tidy)
            }
        }
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        auth: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), HandshakeError> {
        let headers = self.authorized(headers).await?;
        self.client.delete_session(uri, session, auth, headers).await.map_err(tidy)
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        _auth: Option<String>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxedSseResponse, HandshakeError> {
        let pacing = self.pacing();
        if pacing.unsupported.load(Ordering::Relaxed) {
            return Err(HandshakeError::ServerDoesNotSupportSse);
        }
        sleep(pacing.gap()).await;
        pacing.barren.fetch_add(1, Ordering::Relaxed);
        let mut request = self
            .client
            .get(&*uri)
            .header(ACCEPT, "text/event-stream, application/json")
            .headers(self.authorized(headers).await?.into_iter().collect::<HeaderMap>());
        if let Some(session) = &session {
            request = request.header(SESSION_ID, &**session);
        }
        if let Some(last_event) = last_event {
            request = request.header("last-event-id", last_event);
        }
        let sent = request.send().await;
        let response = sent.map_err(|error| HandshakeError::Client(error.without_url()))?;
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED {
            return Err(HandshakeError::AuthRequired(AuthRequiredError::new(String::new())));
        }
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(HttpStatusError::new(status.as_u16(), None).into());
        }
        if !status.is_success() || !is_event_stream(response.headers().get(CONTENT_TYPE)) {
            pacing.unsupported.store(true, Ordering::Relaxed);
            return Err(HandshakeError::ServerDoesNotSupportSse);
        }
        Ok(events_of(response, pacing).boxed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_bring_nothing_are_opened_ever_more_rarely() {
        let pacing = StreamPacing::default();
        let gaps: Vec<u64> = [0, 1, 2, 5, 9, 10, 40]
            .into_iter()
            .map(|barren| {
                pacing.barren.store(barren, Ordering::Relaxed);
                pacing.gap().as_secs()
            })
            .collect();
        assert_eq!(gaps, [0, 1, 2, 16, 256, 300, 300]);
        assert!(pacing.retry(3).is_some());
        pacing.unsupported.store(true, Ordering::Relaxed);
        assert!(pacing.retry(0).is_none());
    }
}
