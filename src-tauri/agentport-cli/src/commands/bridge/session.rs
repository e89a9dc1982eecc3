//! The MCP session of a client of revisions before 2026-07-28. It is opened with the client's own `initialize`, and
//! opened again with the same message when the gateway has lost it, without the client noticing.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method};
use parking_lot::{Mutex, MutexGuard};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    headers,
    http::GatewayReply,
    message::{self, ClientRequest},
    offline_reply::{self, OfflineReason},
    relay::{MessageScope, Relay, RelayError},
    request, sse,
};

/// Resource subscriptions remembered for one client.
const MOST_SUBSCRIPTIONS: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct ClientSession {
    now: Mutex<SessionState>,
    /// Held while a session is being opened.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct SessionState {
    /// The client's `initialize`.
    initialize: Option<(Bytes, ClientRequest)>,
    /// Its `notifications/initialized`.
    initialized: Option<Bytes>,
    current: Option<Arc<OpenSession>>,
    /// Sessions opened so far.
    number: u64,
    /// What a restarted gateway has lost: the last `logging/setLevel`, and the subscriptions by URI.
    level: Option<Bytes>,
    subscriptions: Vec<(Box<str>, Bytes)>,
    /// The task that reads the session's stream runs.
    stream_started: bool,
}

/// A session that has been opened.
#[derive(Debug)]
pub(super) struct OpenSession {
    /// `None`: the server has no sessions.
    pub(super) id: Option<HeaderValue>,
    /// The negotiated revision.
    pub(super) version: HeaderValue,
    pub(super) number: u64,
}

#[derive(Deserialize)]
struct InitializeAnswer<'a> {
    #[serde(borrow)]
    result: InitializeResult<'a>,
}

#[derive(Deserialize)]
struct InitializeResult<'a> {
    #[serde(borrow, rename = "protocolVersion")]
    version: std::borrow::Cow<'a, str>,
}

impl ClientSession {
    fn lock(&self) -> MutexGuard<'_, SessionState> {
        self.now.lock()
    }

    pub(super) fn current(&self) -> Option<Arc<OpenSession>> {
        self.lock().current.clone()
    }

    /// Does the negotiated revision have batches?
    pub(super) fn has_batches(&self) -> bool {
        let now = self.lock();
        now.current.as_ref().is_some_and(|open| open.version.as_bytes() <= &b"2025-03-26"[..])
    }

    /// The revision the client asked for.
    pub(super) fn asked_version(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Asked {
            params: Params,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Params {
            protocol_version: String,
        }
        let initialize = self.lock().initialize.as_ref().map(|(text, _)| text.clone())?;
        serde_json::from_slice::<Asked>(&initialize).ok().map(|asked| asked.params.protocol_version)
    }

    /// Remembers a request whose effect a gateway keeps only in memory.
    pub(super) fn remember(&self, request: &ClientRequest, text: &Bytes) {
        if request.modern.is_some() {
            return;
        }
        match (&*request.method, &request.name) {
            ("logging/setLevel", _) => self.lock().level = Some(text.clone()),
            ("resources/subscribe" | "resources/unsubscribe", Some(uri)) => {
                let mut now = self.lock();
                now.subscriptions.retain(|(its, _)| its != uri);
                if &*request.method == "resources/subscribe"
                    && now.subscriptions.len() < MOST_SUBSCRIPTIONS
                {
                    now.subscriptions.push((uri.clone(), text.clone()));
                }
            }
            _ => {}
        }
    }

    /// The remembered requests, with ids of our own.
    fn remembered(&self) -> Vec<Bytes> {
        let now = self.lock();
        let all = now.level.iter().chain(now.subscriptions.iter().map(|(_, text)| text));
        all.filter_map(|text| with_own_id(text)).collect()
    }
}

impl Relay {
    /// Opens the session for the client's `initialize`. Without a gateway the bridge answers it itself.
    pub(super) async fn initialize(self: &Arc<Self>, text: Bytes, request: &ClientRequest) {
        let before = {
            let mut now = self.session.lock();
            let (number, stream_started, session) =
                (now.number, now.stream_started, now.current.take());
            *now = SessionState {
                initialize: Some((text, request.clone())),
                number,
                stream_started,
                ..SessionState::default()
            };
            session
        };
        if let Some(before) = before {
            self.end_session(&before).await;
        }
        let opening = async {
            let _opening = self.session.opening.lock().await;
            loop {
                match self.open().await {
                    Ok(answer) => return answer,
                    Err(RelayError::Answer(answer)) => return answer,
                    Err(RelayError::Unauthorized(why)) => {
                        let reason = OfflineReason::NotLetIn(&why);
                        return offline_reply::reply_to(self, request, reason);
                    }
                    Err(_) if self.gateway.wait(&self.http).await => {}
                    Err(_) => {
                        let why = self.gateway.explanation();
                        let reason = OfflineReason::NoGateway(&why);
                        return offline_reply::reply_to(self, request, reason);
                    }
                }
            }
        };
        tokio::select! {
            answer = opening => self.write(answer).await,
            () = self.stop.cancelled() => {}
        }
    }

    /// Forwards `notifications/initialized`, and begins to read the session's stream.
    pub(super) async fn initialized(self: &Arc<Self>, text: Bytes) {
        let (session, stream_started) = {
            let mut now = self.session.lock();
            now.initialized = Some(text.clone());
            (now.current.clone(), std::mem::replace(&mut now.stream_started, true))
        };
        if let Some(session) = session {
            self.deliver(MessageScope::Session(session), text).await;
        }
        if !stream_started {
            let relay = self.clone();
            self.tasks.spawn(async move {
                tokio::select! {
                    () = relay.listen() => {}
                    () = relay.stop.cancelled() => {}
                }
            });
        }
    }

    /// The session to send a request in; `None` before the client's `initialize`.
    pub(super) async fn ensure_session(&self) -> Result<Option<Arc<OpenSession>>, RelayError> {
        if let Some(session) = self.session.current() {
            return Ok(Some(session));
        }
        if self.session.lock().initialize.is_none() {
            return Ok(None);
        }
        let _opening = self.session.opening.lock().await;
        if let Some(session) = self.session.current() {
            return Ok(Some(session));
        }
        self.reopen().await?;
        // The client's lists came from the bridge itself, while there was no gateway.
        self.announce_list_changes().await;
        Ok(self.session.current())
    }

    /// Replaces the session with this number, unless another task has done so.
    pub(super) async fn renew(&self, number: u64) -> Result<(), RelayError> {
        let _opening = self.session.opening.lock().await;
        if self.session.current().is_some_and(|session| session.number != number) {
            return Ok(());
        }
        tracing::info!("the session is gone; opening another");
        self.reopen().await
    }

    async fn reopen(&self) -> Result<(), RelayError> {
        self.open().await.map_err(|error| match error {
            // The client's `initialize` was answered before; a second answer must not reach it.
            RelayError::Answer(_) => {
                RelayError::Unauthorized("AgentPort does not take this client.".into())
            }
            other => other,
        })?;
        let (session, initialized) = {
            let now = self.session.lock();
            (now.current.clone(), now.initialized.clone())
        };
        if let (Some(session), Some(initialized)) = (session, initialized) {
            let reply = self.post(&MessageScope::Session(session.clone()), &initialized).await?;
            let _ = reply.read_all().await;
            self.restore_gateway_state(&session).await;
        }
        Ok(())
    }

    /// Sends the client's `initialize`, and stores the session. Returns the answer.
    async fn open(&self) -> Result<Bytes, RelayError> {
        let Some((text, request)) = self.session.lock().initialize.clone() else {
            return Err(RelayError::ConnectionLost);
        };
        let reply = self.post(&MessageScope::BeforeSession, &text).await?;
        if !reply.status.is_success() {
            let (status, instance) = (reply.status, reply.instance);
            let body = reply.read_all().await?;
            if status.is_server_error() && self.http.running() != Some(instance) {
                return Err(RelayError::ConnectionLost);
            }
            return Err(RelayError::Answer(request::error_answer(status, body, &request)));
        }
        let id = reply.headers.get(headers::SESSION_ID).cloned();
        let answer = answer_of(reply, &request).await?;
        let version = serde_json::from_slice::<InitializeAnswer<'_>>(&answer)
            .ok()
            .and_then(|initialize| HeaderValue::from_str(&initialize.result.version).ok());
        let Some(version) = version else { return Err(RelayError::Answer(answer)) };
        let mut now = self.session.lock();
        now.number += 1;
        now.current = Some(Arc::new(OpenSession { id, version, number: now.number }));
        Ok(answer)
    }

    /// Sends the remembered requests to a gateway that has lost them.
    pub(super) async fn restore_gateway_state(&self, session: &Arc<OpenSession>) {
        for text in self.session.remembered() {
            match self.post(&MessageScope::Session(session.clone()), &text).await {
                // No client waits for this answer.
                Ok(reply) => drop(reply.read_all().await),
                Err(error) => tracing::debug!(?error, "the gateway was not reminded"),
            }
        }
    }

    /// Tells the client that its lists may be outdated.
    pub(super) async fn announce_list_changes(&self) {
        if self.session.lock().initialized.is_none() {
            return;
        }
        for list in ["tools", "prompts", "resources"] {
            let notification =
                format!(r#"{{"jsonrpc":"2.0","method":"notifications/{list}/list_changed"}}"#);
            self.write(notification.into()).await;
        }
    }

    /// Cancels what is in flight, and ends the session.
    pub(super) async fn close(&self) {
        let Some(session) = self.session.current() else { return };
        for id in self.in_flight.session_ids() {
            let notification = format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id},"reason":"the client has gone"}}}}"#
            );
            self.deliver(MessageScope::Session(session.clone()), notification.into()).await;
        }
        self.end_session(&session).await;
    }

    /// Ends a session (DELETE).
    pub(super) async fn end_session(&self, session: &OpenSession) {
        if session.id.is_none() {
            return;
        }
        let left = self
            .send(|credential| {
                let mut headers = headers::for_stream(credential);
                headers::insert_session(&mut headers, session);
                (Method::DELETE, headers, Bytes::new())
            })
            .await;
        match left {
            Ok(reply) => tracing::debug!(status = %reply.status, "the session was ended"),
            Err(error) => tracing::debug!(?error, "the session could not be ended"),
        }
    }
}

/// The answer to the request, from a JSON body or an event stream.
async fn answer_of(mut reply: GatewayReply, request: &ClientRequest) -> Result<Bytes, RelayError> {
    if !reply.is_events() {
        return Ok(message::on_one_line(reply.read_all().await?));
    }
    let mut parser = sse::EventParser::default();
    let mut answer = None;
    while let Some(piece) = reply.next_chunk().await? {
        let events = parser.feed(&piece).map_err(|_| RelayError::ConnectionLost)?;
        let data = events.into_iter().map(|event| message::on_one_line(event.data));
        answer = answer.or(data.into_iter().find(|data| message::answers(data, &request.id)));
        if answer.is_some() {
            break;
        }
    }
    answer.ok_or(RelayError::ConnectionLost)
}

/// The same request with an id that the client does not use.
fn with_own_id(text: &[u8]) -> Option<Bytes> {
    #[derive(Deserialize)]
    struct Asked<'a> {
        method: String,
        #[serde(borrow)]
        params: &'a RawValue,
    }
    let Asked { method, params } = serde_json::from_slice(text).ok()?;
    Some(
        format!(
            r#"{{"jsonrpc":"2.0","id":"agentport-bridge","method":"{method}","params":{params}}}"#
        )
        .into(),
    )
}
