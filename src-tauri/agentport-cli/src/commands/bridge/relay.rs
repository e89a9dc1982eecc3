//! The bridge's shared state, and the order in which the client's messages are sent.
//!
//! Messages are sent in the order in which they were read. A notification or an answer is delivered before the next
//! message is sent. A request gets a head start of [`REQUEST_HEAD_START`], in which the gateway usually answers it; then
//! the next message is sent beside it, so that a slow call does not delay others. Without the head start two requests
//! would race each other on two connections, and of two calls an agent makes at once the second could run first.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use agentport_core::json_rpc::{INTERNAL_ERROR, INVALID_REQUEST, PARSE_ERROR};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    credential::Credential,
    gateway_watch::GatewayWatch,
    headers,
    http::{GatewayHttp, GatewayReply, HttpFailure, OutgoingRequest},
    in_flight::{Cancellation, InFlightRequests},
    key::KeySource,
    message::{self, ClientMessage, ClientNotification, ClientRequest, InvalidLine, MessageKind},
    offline_reply,
    params::ParamHeaders,
    session::{ClientSession, OpenSession},
    sign_in::SignIn,
    stdin::{InputLine, StdinLines},
    stdout::StdoutWriter,
};

/// Longest delay of the next message after a request was sent.
const REQUEST_HEAD_START: Duration = Duration::from_millis(2);
/// Requests under way at once. The gateway accepts 400 connections from all clients together.
const MAX_REQUESTS: usize = 256;
/// Credentials tried for one request after the first was refused.
const MAX_CREDENTIALS: u32 = 2;
/// Time to deliver a notification or an answer.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Relay {
    pub(super) http: Arc<GatewayHttp>,
    pub(super) stdout: StdoutWriter,
    pub(super) session: ClientSession,
    pub(super) gateway: GatewayWatch,
    pub(super) params: ParamHeaders,
    pub(super) in_flight: InFlightRequests,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
    /// The client was given a tool list with the status tool in it (see [`offline_reply`]).
    pub(super) status_tool_listed: AtomicBool,
    /// The gateway did not let the last request in.
    pub(super) locked_out: AtomicBool,
    pub(super) sign_in: Arc<SignIn>,
    key_source: KeySource,
    key: Mutex<Option<Credential>>,
}

/// Why the gateway's answer to a request cannot be passed on.
#[derive(Debug)]
pub(super) enum RelayError {
    /// No gateway was reached, and nothing was sent.
    Unreachable,
    /// The connection broke: the gateway may have carried the request out.
    ConnectionLost,
    /// The key is refused, or the bridge is not signed in. A sentence for the agent.
    Unauthorized(String),
    /// The gateway does not know the session with this number.
    SessionExpired(u64),
    /// The client is to get this JSON-RPC message instead.
    Answer(Bytes),
}

impl From<HttpFailure> for RelayError {
    fn from(failure: HttpFailure) -> Self {
        match failure {
            HttpFailure::Unreachable => Self::Unreachable,
            HttpFailure::ConnectionLost => Self::ConnectionLost,
        }
    }
}

/// What the headers of a message depend on.
#[derive(Debug, Clone)]
pub(super) enum MessageScope {
    /// `initialize`, and whatever a client sends before it.
    BeforeSession,
    /// Revisions before 2026-07-28.
    Session(Arc<OpenSession>),
    /// Revision 2026-07-28 and later: each request says everything itself.
    Stateless { version: Box<str>, method: Box<str>, name: Option<Box<str>> },
}

impl Relay {
    pub(super) fn new(
        http: Arc<GatewayHttp>,
        stdout: StdoutWriter,
        gateway: GatewayWatch,
        key_source: KeySource,
        sign_in: Arc<SignIn>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        Self {
            http,
            stdout,
            gateway,
            key_source,
            sign_in,
            tasks,
            stop,
            session: ClientSession::default(),
            params: ParamHeaders::default(),
            in_flight: InFlightRequests::default(),
            status_tool_listed: AtomicBool::new(false),
            locked_out: AtomicBool::new(false),
            key: Mutex::default(),
        }
    }

    /// Relays lines until the input ends.
    pub(super) async fn run(self: &Arc<Self>, lines: &mut StdinLines) {
        let relay = self.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = relay.announce_sign_ins() => {}
                () = relay.stop.cancelled() => {}
            }
        });
        while let Some(line) = lines.next().await {
            match line {
                InputLine::Text(text) => self.on_line(text).await,
                InputLine::TooLong(found) => {
                    let reason = "The message is larger than 4 MiB; send less at once.";
                    match found.id {
                        Some(id) if found.is_request => {
                            self.write(message::error(Some(&id), INVALID_REQUEST, reason)).await;
                        }
                        Some(_) => tracing::warn!("an answer larger than 4 MiB was dropped"),
                        None => self.write(message::error(None, INVALID_REQUEST, reason)).await,
                    }
                }
            }
        }
    }

    /// Writes a message to the client.
    pub(super) async fn write(&self, message: Bytes) {
        self.stdout.send(message).await;
    }

    async fn on_line(self: &Arc<Self>, text: Bytes) {
        match ClientMessage::read(text) {
            Ok(message) => self.dispatch(message).await,
            Err(InvalidLine::Batch(messages))
                if self.session.has_batches() && !messages.is_empty() =>
            {
                for text in messages {
                    match ClientMessage::read(text) {
                        Ok(message) => self.dispatch(message).await,
                        Err(malformed) => self.reject(malformed).await,
                    }
                }
            }
            Err(malformed) => self.reject(malformed).await,
        }
    }

    async fn reject(&self, malformed: InvalidLine) {
        let answer = match malformed {
            InvalidLine::NotJson => {
                message::error(None, PARSE_ERROR, "Parse error: the line is not a JSON-RPC message")
            }
            InvalidLine::Batch(_) => message::error(
                None,
                INVALID_REQUEST,
                "Invalid request: batches are not part of this revision; send one message per line",
            ),
            InvalidLine::NotAMessage { id, why } => {
                message::error(id.as_deref(), INVALID_REQUEST, &format!("Invalid request: {why}"))
            }
        };
        self.write(answer).await;
    }

    async fn dispatch(self: &Arc<Self>, message: ClientMessage) {
        if let MessageKind::Request(request) = &message.kind {
            self.sign_in.on_request(&request.method, &message.text);
        }
        match message.kind.clone() {
            MessageKind::Request(request)
                if &*request.method == "initialize" && request.modern.is_none() =>
            {
                self.initialize(message.text, &request).await;
            }
            MessageKind::Request(request) => self.start_request(message.text, request).await,
            MessageKind::Notification(notification) => {
                self.forward_notification(message.text, &notification).await;
            }
            MessageKind::Response => self.deliver(self.current_scope(), message.text).await,
        }
    }

    /// Starts a task for the request, and returns when the next message may be sent.
    async fn start_request(self: &Arc<Self>, text: Bytes, request: ClientRequest) {
        if self.in_flight.count() >= MAX_REQUESTS {
            let reason = "Too many requests at once; wait for some of their answers.";
            self.write(message::error(Some(&request.id), INTERNAL_ERROR, reason)).await;
            return;
        }
        if let Some(answer) = offline_reply::status_tool_reply(self, &request) {
            self.write(answer).await;
            return;
        }
        let (begun, start) = oneshot::channel();
        let entry = self.in_flight.insert(&request);
        let relay = self.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = relay.forward_request(&text, &request, &entry, begun) => {}
                () = relay.stop.cancelled() => {}
                () = entry.abandoned() => {}
            }
            relay.in_flight.remove(&request.id, &entry);
        });
        // Answered or not: the next message may be sent now.
        let _ = tokio::time::timeout(REQUEST_HEAD_START, start).await;
    }

    async fn forward_notification(
        self: &Arc<Self>,
        text: Bytes,
        notification: &ClientNotification,
    ) {
        let method = &*notification.method;
        if method == "notifications/initialized" && notification.modern.is_none() {
            return self.initialized(text).await;
        }
        if let Some(id) = &notification.cancels
            && self.in_flight.cancel(id) == Cancellation::Done
        {
            return;
        }
        let scope = match &notification.modern {
            Some(version) => MessageScope::Stateless {
                version: version.clone(),
                method: method.into(),
                name: None,
            },
            None => self.current_scope(),
        };
        self.deliver(scope, text).await;
    }

    fn current_scope(&self) -> MessageScope {
        self.session.current().map_or(MessageScope::BeforeSession, MessageScope::Session)
    }

    /// Delivers a notification or an answer. One that cannot be delivered is dropped: nothing waits for it.
    pub(super) async fn deliver(&self, mut scope: MessageScope, text: Bytes) {
        let deliver = async {
            loop {
                match self.post(&scope, &text).await {
                    Ok(reply) if reply.status == StatusCode::NOT_FOUND => {
                        let MessageScope::Session(session) = &scope else { return };
                        if self.renew(session.number).await.is_err() {
                            return;
                        }
                        scope = match self.session.current() {
                            Some(now) if now.number != session.number => MessageScope::Session(now),
                            _ => return,
                        };
                    }
                    Ok(reply) => {
                        if !reply.status.is_success() {
                            tracing::debug!(status = %reply.status, "the gateway refused a message");
                        }
                        // Reading to the end makes the connection reusable.
                        let _ = reply.read_all().await;
                        return;
                    }
                    Err(error) => {
                        tracing::debug!(?error, "a message could not be delivered");
                        return;
                    }
                }
            }
        };
        tokio::select! {
            _ = tokio::time::timeout(DELIVERY_TIMEOUT, deliver) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Sends a message with the headers of its scope.
    pub(super) async fn post(
        &self,
        scope: &MessageScope,
        text: &Bytes,
    ) -> Result<GatewayReply, RelayError> {
        self.send(|credential| {
            let mut headers = headers::for_message(credential);
            match scope {
                MessageScope::BeforeSession => {}
                MessageScope::Session(session) => headers::insert_session(&mut headers, session),
                MessageScope::Stateless { version, method, name } => {
                    headers::insert_stateless(&mut headers, version, method, name.as_deref());
                    if &**method == "tools/call"
                        && let Some(tool) = name
                    {
                        self.params.insert_into(&mut headers, tool, text);
                    }
                }
            }
            (Method::POST, headers, text.clone())
        })
        .await
    }

    /// Sends a request. When its credential is refused, another is looked for, and tried once.
    pub(super) async fn send(
        &self,
        draft: impl Fn(&Credential) -> (Method, HeaderMap, Bytes),
    ) -> Result<GatewayReply, RelayError> {
        let sent = self.send_with_any(draft).await;
        match &sent {
            Ok(_) => self.locked_out.store(false, Ordering::Relaxed),
            Err(RelayError::Unauthorized(_)) => self.locked_out.store(true, Ordering::Relaxed),
            Err(_) => {}
        }
        sent
    }

    async fn send_with_any(
        &self,
        draft: impl Fn(&Credential) -> (Method, HeaderMap, Bytes),
    ) -> Result<GatewayReply, RelayError> {
        let mut credential = self.credential().await?;
        let mut tries = 0;
        loop {
            let (method, headers, body) = draft(&credential);
            let reply = self.http.send(&OutgoingRequest::mcp(method, headers, body)).await?;
            self.gateway.on_answer();
            if reply.status != StatusCode::UNAUTHORIZED {
                if matches!(credential, Credential::AccessToken(_)) {
                    self.sign_in.on_let_in();
                }
                return Ok(reply);
            }
            let fresh = match (&credential, self.read_key()?) {
                (_, Some(key)) => key,
                (Credential::AccessToken(_), None) => self.sign_in.renewed(&credential).await?,
                (Credential::Key(_), None) => self.sign_in.credential().await?,
            };
            tries += 1;
            if fresh == credential || tries > MAX_CREDENTIALS {
                return Err(RelayError::Unauthorized(super::key::REFUSED.into()));
            }
            credential = fresh;
        }
    }

    /// The key, or without one what the sign-in gave.
    async fn credential(&self) -> Result<Credential, RelayError> {
        let key = self.key.lock().clone();
        if let Some(known) = key.or_else(|| self.sign_in.cached()) {
            return Ok(known);
        }
        match self.read_key()? {
            Some(key) => Ok(key),
            None => self.sign_in.credential().await,
        }
    }

    fn read_key(&self) -> Result<Option<Credential>, RelayError> {
        let secret = self.key_source.read().map_err(RelayError::Unauthorized)?;
        let key = match secret {
            Some(secret) => Some(
                Credential::key(&secret)
                    .ok_or_else(|| RelayError::Unauthorized(super::key::REFUSED.into()))?,
            ),
            None => None,
        };
        self.key.lock().clone_from(&key);
        Ok(key)
    }

    /// Lets the client look again at its lists after each sign-in.
    pub(super) async fn announce_sign_ins(self: &Arc<Self>) {
        let mut sign_ins = self.sign_in.subscribe();
        while sign_ins.changed().await.is_ok() {
            let was_open = self.session.current().is_some();
            match self.ensure_session().await {
                // A session that is opened now announces the lists itself.
                Ok(_) if was_open => self.announce_list_changes().await,
                Ok(_) => {}
                Err(error) => tracing::debug!(?error, "the session was not opened"),
            }
        }
    }

    /// The client knows the status tool from now on.
    pub(super) fn set_status_tool_listed(&self) {
        self.status_tool_listed.store(true, Ordering::Relaxed);
    }
}
