//! HTTP client of one session: calls over Streamable HTTP (MCP 2026-07-28 and 2025-11-25, Transports).
//!
//! Each call is one POST of the caller's own task, and what comes back on it belongs to that call: its answer, its
//! progress, and the server's questions. That is faster than rmcp's worker and leaves nothing to guess. The
//! handshake, the standing stream and subscriptions are rmcp's (see `remote`).

use std::{sync::Arc, time::Duration};

use agentport_core::mcp::headers;
use arc_swap::ArcSwap;
use bytes::{Bytes, BytesMut};
use futures::FutureExt as _;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{ACCEPT, CONTENT_TYPE},
};
use reqwest::{Request, Response};
use rmcp::{
    model::{ClientJsonRpcMessage, ClientResult, JsonRpcMessage, RequestId, ServerRequest, Tool},
    transport::DynamicTransportError,
};
use serde_json::value::RawValue;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use url::Url;

use super::{
    connect,
    http_error::{
        cause, challenge, closed, credential_refused, error_in, is_event_stream, is_session_lost,
        is_session_lost_error, needs_auth, shown,
    },
    param_headers::{self, MarkedParams},
};
use crate::upstream::{
    error::{AttemptError, UpstreamError},
    event_stream::SseParser,
    handler::{self, UpstreamEvents},
    in_flight::{CallEvent, PendingCall, RawReply},
    message::{InboundMessage, inbound},
    redaction::Redactor,
    request::OutgoingRequest,
    token_source::{HttpCredentials, TokenSource, authorize, authorize_again, without_token},
};

const METHOD: HeaderName = HeaderName::from_static(headers::METHOD);
const NAME: HeaderName = HeaderName::from_static(headers::NAME);
const SESSION: HeaderName = HeaderName::from_static(headers::SESSION_ID);
const VERSION: HeaderName = HeaderName::from_static(headers::PROTOCOL_VERSION);
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// Largest JSON answer in bytes.
const MAX_ANSWER: usize = 32 * 1024 * 1024;
/// Time to read a stream to its end after the answer, so that the connection can be used again.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);
/// Time a notification or a response of the gateway has to be delivered.
const NOTIFY_TIMEOUT: Duration = Duration::from_secs(5);
/// Resumptions in a row of a stream that brings nothing new.
const MAX_RESUMES: u32 = 5;
const DEFAULT_RESUME_DELAY: Duration = Duration::from_secs(1);

/// What calls over one HTTP session need.
pub(in crate::upstream) struct HttpClient {
    client: reqwest::Client,
    url: Url,
    /// Goes with every request; the owner's secrets among them.
    headers: HeaderMap,
    modern: bool,
    /// A secret goes with every request.
    has_credential: bool,
    /// Gives the access token of each request.
    tokens: Option<Arc<dyn TokenSource>>,
    header_params: ArcSwap<MarkedParams>,
    /// The address, fit to show.
    shown: String,
    redactor: Redactor,
    events: Arc<UpstreamEvents>,
    tasks: TaskTracker,
}

/// What a session was agreed on.
pub(in crate::upstream) struct HttpSession {
    pub(in crate::upstream) revision: String,
    pub(in crate::upstream) modern: bool,
    pub(in crate::upstream) session: Option<Arc<str>>,
}

impl HttpClient {
    pub(in crate::upstream) fn new(
        client: reqwest::Client,
        url: Url,
        credentials: HttpCredentials<'_>,
        redactor: Redactor,
        agreed: &HttpSession,
        events: Arc<UpstreamEvents>,
        tasks: TaskTracker,
    ) -> Arc<Self> {
        let HttpCredentials { headers: secrets, tokens } = credentials;
        let has_credential = tokens.is_some()
            || !secrets.is_empty()
            || url.query().is_some()
            || !url.username().is_empty();
        // An address may name a user; reqwest makes a header of that, and an address without.
        let plain = client.post(url.clone()).build();
        let (shown, url, mut headers) = match plain {
            Ok(plain) => (shown(&url), plain.url().clone(), plain.headers().clone()),
            Err(_) => (shown(&url), url, HeaderMap::new()),
        };
        headers.extend(secrets.iter().map(|(name, value)| (name.clone(), value.clone())));
        let both = HeaderValue::from_static("application/json, text/event-stream");
        headers.insert(ACCEPT, both);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Ok(revision) = HeaderValue::from_str(&agreed.revision) {
            headers.insert(VERSION, revision);
        }
        let session = agreed.session.as_deref().and_then(|id| HeaderValue::from_str(id).ok());
        if let Some(session) = session {
            headers.insert(SESSION, session);
        }
        Arc::new(Self {
            client,
            shown,
            url,
            headers,
            modern: agreed.modern,
            has_credential,
            tokens: tokens.cloned(),
            header_params: ArcSwap::default(),
            redactor,
            events,
            tasks,
        })
    }

    /// Leaves out the tools that must be, each with its reason, and remembers which arguments of the others travel as
    /// headers.
    pub(in crate::upstream) fn remove_invalid_tools(
        &self,
        tools: &mut Vec<Tool>,
    ) -> Vec<(String, &'static str)> {
        if !self.modern {
            return Vec::new();
        }
        let (marked, left_out) = param_headers::remove_invalid_tools(tools);
        self.header_params.store(Arc::new(marked));
        left_out
    }

    /// Sends one request and reads what comes back until its answer.
    pub(in crate::upstream) async fn call(
        self: &Arc<Self>,
        id: i64,
        outgoing: &OutgoingRequest<'_>,
        pending: &PendingCall,
    ) -> Result<Box<RawValue>, AttemptError> {
        let mut headers = self.headers.clone();
        if self.modern {
            headers.insert(METHOD, HeaderValue::from_static(outgoing.method()));
            if let Some(name) = outgoing.name().and_then(param_headers::header_value) {
                headers.insert(NAME, name);
            }
            if let Some((tool, arguments)) = outgoing.tool()
                && let Some(header_params) = self.header_params.load().get(tool)
            {
                param_headers::add_headers(&mut headers, header_params, arguments);
            }
        }
        let response = self.post(headers, outgoing.line(id)).await?;
        let streamed = is_event_stream(response.headers().get(CONTENT_TYPE));
        if !response.status().is_success() {
            return Err(self.refusal(id, response).await);
        }
        if streamed {
            return self.in_session(self.stream(id, response, pending).await);
        }
        let body = self.body(response).await?;
        match inbound(&body) {
            InboundMessage::Reply(answered, reply) if answered == id => {
                self.in_session(reply.map_err(AttemptError::Failed))
            }
            InboundMessage::Garbage
                if body.starts_with(b"data:") || body.starts_with(b"event:") =>
            {
                self.in_session(self.events_in(id, &body, pending))
            }
            _ => Err(self.protocol(&format!("it answered a call with {:?}", self.quote(&body)))),
        }
    }

    /// Sends a notification, or an answer to the server. Nothing can be done if it does not arrive.
    pub(in crate::upstream) async fn notify(self: Arc<Self>, message: String) {
        let _ =
            timeout(NOTIFY_TIMEOUT, self.post(self.headers.clone(), message.into_bytes())).await;
    }

    async fn post(&self, mut headers: HeaderMap, body: Vec<u8>) -> Result<Response, AttemptError> {
        let Some(tokens) = self.tokens.as_deref() else {
            return self.send(Method::POST, headers, body.into()).await;
        };
        let body = Bytes::from(body);
        authorize(Some(tokens), &mut headers).await.map_err(without_token)?;
        let response = self.send(Method::POST, headers.clone(), body.clone()).await?;
        let again = authorize_again(Some(tokens), &mut headers, &response).await;
        match again.map_err(without_token)? {
            true => self.send(Method::POST, headers, body).await,
            false => Ok(response),
        }
    }

    async fn send(
        &self,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response, AttemptError> {
        let mut request = Request::new(method, self.url.clone());
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body.into());
        self.client.execute(request).await.map_err(|error| self.broken(&error))
    }

    /// Reads a stream of events until the answer to `id`; takes a broken one up again where the server allows it.
    async fn stream(
        self: &Arc<Self>,
        id: i64,
        mut response: Response,
        pending: &PendingCall,
    ) -> Result<Box<RawValue>, AttemptError> {
        let mut events = SseParser::default();
        let mut resumes = 0;
        let mut resumed_from: Option<String> = None;
        loop {
            let broken = match response.chunk().await {
                Ok(Some(chunk)) => {
                    if events.push(&chunk).is_err() {
                        return Err(self.protocol("a message longer than 32 MiB"));
                    }
                    while let Some(event) = events.next() {
                        resumes = 0;
                        if let Some(reply) = self.on_message(id, &event, pending) {
                            self.drain(response);
                            return reply.map_err(AttemptError::Failed);
                        }
                    }
                    continue;
                }
                Ok(None) => "its answer ended early".to_owned(),
                Err(error) => cause(&error),
            };
            // Before 2026-07-28 a server may close a stream and have it taken up again (SEP-1699).
            let Some(last) = events.last_id().filter(|_| !self.modern) else {
                return Err(closed(&broken).into());
            };
            if resumes >= MAX_RESUMES && resumed_from.as_deref() == Some(last) {
                return Err(closed(&broken).into());
            }
            // A server may end each stream after a new event id and have its answer fetched that way: that is progress.
            if resumed_from.as_deref() != Some(last) {
                resumes = 0;
                resumed_from = Some(last.to_owned());
            }
            resumes += 1;
            let last = HeaderValue::from_str(last).map_err(|_| closed(&broken))?;
            sleep(events.retry().unwrap_or(DEFAULT_RESUME_DELAY)).await;
            events.discard_partial();
            response = self.resume(last).await?;
        }
    }

    async fn resume(&self, last: HeaderValue) -> Result<Response, AttemptError> {
        let mut request = Request::new(Method::GET, self.url.clone());
        let headers = request.headers_mut();
        *headers = self.headers.clone();
        headers.remove(CONTENT_TYPE);
        headers.insert(LAST_EVENT, last);
        authorize(self.tokens.as_deref(), headers).await.map_err(without_token)?;
        let response = self.client.execute(request).await.map_err(|error| self.broken(&error))?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(closed(&format!("its answer could not be taken up ({})", response.status())).into())
        }
    }

    /// Takes one message off a call's stream; gives the answer if it is that.
    fn on_message(
        self: &Arc<Self>,
        id: i64,
        message: &[u8],
        pending: &PendingCall,
    ) -> Option<RawReply> {
        match inbound(message) {
            InboundMessage::Reply(answered, reply) => return (answered == id).then_some(reply),
            InboundMessage::Progress(params) => {
                pending.push_event(CallEvent::Progress(params));
            }
            InboundMessage::Log(params) => {
                pending.push_event(CallEvent::Log(params));
            }
            InboundMessage::Other(message) => match *message {
                JsonRpcMessage::Request(request) => {
                    self.answer_question(request.id, request.request, pending)
                }
                JsonRpcMessage::Notification(notification) => {
                    self.events.on_notification(&notification.notification);
                }
                JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {}
            },
            InboundMessage::Garbage => {}
        }
        None
    }

    /// Puts a question of the server to the call, and posts the answer when there is one.
    fn answer_question(
        self: &Arc<Self>,
        id: RequestId,
        request: ServerRequest,
        pending: &PendingCall,
    ) {
        let ping = matches!(request, ServerRequest::PingRequest(_));
        let answered = (!ping).then(|| handler::enqueue_question(pending, request));
        let http = self.clone();
        self.tasks.spawn(async move {
            let answer = match answered {
                None => Ok(ClientResult::empty(())),
                Some(answered) => {
                    answered.await.unwrap_or_else(|_| Err(handler::cannot_be_asked()))
                }
            };
            let message: ClientJsonRpcMessage = match answer {
                Ok(result) => JsonRpcMessage::response(result, id),
                Err(error) => JsonRpcMessage::error(error, Some(id)),
            };
            if let Ok(message) = serde_json::to_string(&message) {
                http.notify(message).await;
            }
        });
    }

    /// Reads a stream to its end after the answer. Most often the end is there already.
    fn drain(&self, mut response: Response) {
        if matches!(response.chunk().now_or_never(), Some(Ok(None) | Err(_))) {
            return;
        }
        self.tasks.spawn(async move {
            let _ =
                timeout(DRAIN_TIMEOUT, async { while let Ok(Some(_)) = response.chunk().await {} })
                    .await;
        });
    }

    async fn body(&self, mut response: Response) -> Result<Bytes, AttemptError> {
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > MAX_ANSWER => {
                    return Err(self.protocol("a message longer than 32 MiB"));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(body.freeze()),
                Err(error) => return Err(closed(&cause(&error)).into()),
            }
        }
    }

    /// Why the server did not take a call, by status (and by what it says, if that is a JSON-RPC error).
    async fn refusal(&self, id: i64, response: Response) -> AttemptError {
        let status = response.status();
        let in_session = self.headers.contains_key(SESSION);
        // Older servers answer 401 to a session they no longer know. Without a credential it cannot be about one.
        let refused = needs_auth(status, response.headers()).then(|| {
            let challenge = challenge(response.headers());
            credential_refused(&self.shown, status, self.has_credential, challenge)
        });
        if let Some(refused) = &refused
            && (self.has_credential || !in_session)
        {
            return AttemptError::Lost(refused.clone());
        }
        let body = self.body(response).await.unwrap_or_default();
        let error = error_in(id, &body);
        if in_session && is_session_lost(status, error.as_ref()) {
            let error = error.or(refused);
            return AttemptError::Stale(Some(error.unwrap_or_else(|| self.status_error(status))));
        }
        match error {
            Some(error) => AttemptError::Failed(error),
            None => AttemptError::Failed(self.status_error(status)),
        }
    }

    /// An answer that says the session is lost is worth another session.
    fn in_session(
        &self,
        answer: Result<Box<RawValue>, AttemptError>,
    ) -> Result<Box<RawValue>, AttemptError> {
        match answer {
            Err(AttemptError::Failed(error))
                if self.headers.contains_key(SESSION) && is_session_lost_error(&error) =>
            {
                Err(AttemptError::Stale(Some(error)))
            }
            other => other,
        }
    }

    /// Reads a body that holds events although its media type says otherwise.
    fn events_in(
        self: &Arc<Self>,
        id: i64,
        body: &[u8],
        pending: &PendingCall,
    ) -> Result<Box<RawValue>, AttemptError> {
        let mut events = SseParser::default();
        let pushed = events.push(body).and_then(|()| events.push(b"\n\n"));
        while let Some(event) = pushed.is_ok().then(|| events.next()).flatten() {
            if let Some(reply) = self.on_message(id, &event, pending) {
                return reply.map_err(AttemptError::Failed);
            }
        }
        Err(self.protocol("its answer holds no answer to the call"))
    }

    fn status_error(&self, status: StatusCode) -> UpstreamError {
        UpstreamError::Unreachable {
            what: self.shown.clone(),
            problem: format!("answered HTTP {status}"),
        }
    }

    /// Why a request could not be made, or got no answer.
    fn broken(&self, error: &reqwest::Error) -> AttemptError {
        if error.is_connect() {
            return AttemptError::Lost(UpstreamError::Unreachable {
                what: self.shown.clone(),
                problem: format!("cannot be reached ({})", cause(error)),
            });
        }
        closed(&cause(error)).into()
    }

    /// Was it the credential that kept rmcp from sending?
    pub(in crate::upstream) fn refused(
        &self,
        error: &DynamicTransportError,
    ) -> Option<UpstreamError> {
        let (error, _) = connect::problem(&self.shown, self.has_credential, error.error.as_ref());
        matches!(error, UpstreamError::NeedsAuth { .. }).then_some(error)
    }

    fn protocol(&self, problem: &str) -> AttemptError {
        AttemptError::Failed(UpstreamError::Protocol { problem: problem.to_owned() })
    }

    fn quote(&self, body: &[u8]) -> String {
        let start = String::from_utf8_lossy(&body[..body.len().min(400)]);
        self.redactor.quote(&start, 100)
    }
}
