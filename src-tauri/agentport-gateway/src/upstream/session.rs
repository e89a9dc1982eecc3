//! A live connection: the caller's own task writes the request and waits for the answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use rmcp::{
    Peer, RoleClient,
    model::{Implementation, ProtocolVersion, RequestId},
};
use serde_json::{Value, json, value::RawValue};
use tokio::{sync::Notify, time::timeout};
use tokio_util::task::TaskTracker;

use super::{
    definitions::{ListState, LiveDefinitions},
    error::{AttemptError, UpstreamError},
    handler,
    in_flight::{InFlight, PendingCall},
    message::FIRST_ID,
    redaction::Redactor,
    request::{CallContext, ModernMeta, OutgoingRequest},
    sse::channel::SseChannel,
    stdio::transport::StdioPipe,
    streamable_http::client::HttpClient,
    target::RemoteTransport,
};
use crate::caller::Caller;

/// Time the cancellation of `subscriptions/listen` has to be written when a connection is closed.
const LISTEN_CANCEL_TIMEOUT: Duration = Duration::from_millis(100);

/// Servers with sessions over HTTP may send log messages on another connection than the answer, which then overtakes the
/// last of them. How long an answer waits for those that may be under way, if the agent was told of any.
const LOG_REORDER_DELAY: std::time::Duration = std::time::Duration::from_millis(50);

/// How calls reach the upstream.
pub(super) enum CallTransport {
    Stdio(Arc<StdioPipe>),
    Http(Arc<HttpClient>),
    Sse(Arc<SseChannel>),
}

/// A connection after its handshake.
pub(super) struct UpstreamSession {
    /// For what rmcp does: the handshake is over, subscriptions remain.
    pub(super) peer: Peer<RoleClient>,
    pub(super) in_flight: Arc<InFlight>,
    pub(super) definitions: LiveDefinitions,
    pub(super) lists: Arc<ListState>,
    transport: CallTransport,
    revision: ProtocolVersion,
    pub(super) redactor: Redactor,
    client: Implementation,
    next_id: AtomicI64,
    /// The open `subscriptions/listen` request, if there is one.
    listening: Mutex<Option<RequestId>>,
    loss: Mutex<Option<UpstreamError>>,
    lost: Notify,
    tasks: TaskTracker,
}

impl UpstreamSession {
    pub(super) fn new(
        peer: Peer<RoleClient>,
        in_flight: Arc<InFlight>,
        lists: Arc<ListState>,
        transport: CallTransport,
        revision: ProtocolVersion,
        redactor: Redactor,
        tasks: TaskTracker,
    ) -> Arc<Self> {
        Arc::new(Self {
            peer,
            in_flight,
            definitions: LiveDefinitions::default(),
            lists,
            transport,
            revision,
            redactor,
            client: handler::implementation(),
            next_id: AtomicI64::new(FIRST_ID),
            listening: Mutex::default(),
            loss: Mutex::default(),
            lost: Notify::new(),
            tasks,
        })
    }

    /// Speaks 2026-07-28 or later: is told everything with each request, and asks by `InputRequiredResult`.
    pub(super) fn modern(&self) -> bool {
        !self.revision.has_initialize()
    }

    pub(super) fn revision(&self) -> &str {
        self.revision.as_str()
    }

    pub(super) fn http(&self) -> Option<&HttpClient> {
        match &self.transport {
            CallTransport::Http(http) => Some(http),
            CallTransport::Stdio(_) | CallTransport::Sse(_) => None,
        }
    }

    /// The one event stream on which every answer comes, over HTTP+SSE.
    pub(super) fn event_stream(&self) -> Option<&SseChannel> {
        match &self.transport {
            CallTransport::Sse(channel) => Some(channel),
            CallTransport::Stdio(_) | CallTransport::Http(_) => None,
        }
    }

    /// How the server is reached, if it is a remote one.
    pub(super) fn remote_transport(&self) -> Option<RemoteTransport> {
        match &self.transport {
            CallTransport::Stdio(_) => None,
            CallTransport::Http(_) => Some(RemoteTransport::StreamableHttp),
            CallTransport::Sse(_) => Some(RemoteTransport::Sse),
        }
    }

    /// What goes with a request of `caller`'s; of ours, without one.
    pub(super) fn context<'a>(&'a self, caller: Option<&'a Caller>) -> CallContext<'a> {
        // A caller that can neither answer nor pass the question on has nothing to declare.
        let asked = caller.filter(|caller| caller.modern || caller.peer.is_some());
        CallContext {
            inbound: caller.map(|caller| &caller.meta),
            modern: self.modern().then(|| ModernMeta {
                revision: self.revision.as_str(),
                client: &self.client,
                capabilities: asked.map(|caller| &caller.capabilities),
                log_level: caller.and_then(|caller| caller.log_level),
            }),
            progress: caller.is_some_and(wants_progress),
            responses: None,
            state: None,
        }
    }

    /// Sends one request and waits for its answer, unread. Dropping the future cancels the request at the upstream.
    pub(super) async fn request(
        &self,
        outgoing: &OutgoingRequest<'_>,
        pending: &Arc<PendingCall>,
    ) -> Result<Box<RawValue>, AttemptError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.in_flight.begin(id, pending)?;
        let mut sent = SentRequest { session: self, id, answered: false };
        let answer = match &self.transport {
            CallTransport::Stdio(pipe) => {
                // If writing fails the server is gone; the actor fails the pending call with its
                // last words.
                let _ = pipe.send(&outgoing.line(id)).await;
                pending.reply().await.map_err(AttemptError::Failed)
            }
            CallTransport::Http(http) => tokio::select! {
                answer = http.call(id, outgoing, pending) => {
                    if pending.has_logged() && !self.modern() {
                        tokio::time::sleep(LOG_REORDER_DELAY).await;
                    }
                    answer
                }
                // Only the end of the connection is told this way.
                ended = pending.reply() => ended.map_err(AttemptError::Failed),
            },
            CallTransport::Sse(channel) => channel.call(id, outgoing.line(id), pending).await,
        };
        sent.answered = true;
        drop(sent);
        match answer {
            Err(AttemptError::Failed(UpstreamError::Refused(error))) => {
                Err(UpstreamError::Refused(self.redactor.redact_error(error)).into())
            }
            Err(AttemptError::Lost(error)) => {
                self.lose(error.clone());
                Err(AttemptError::Lost(error))
            }
            other => other,
        }
    }

    /// Marks the connection as unusable.
    pub(super) fn lose(&self, error: UpstreamError) {
        self.loss.lock().get_or_insert(error);
        self.lost.notify_one();
    }

    /// Waits until a call marks the connection as unusable.
    pub(super) async fn lost(&self) -> UpstreamError {
        loop {
            if let Some(error) = self.loss() {
                return error;
            }
            self.lost.notified().await;
        }
    }

    /// Why calls say that the connection is unusable, if they do.
    pub(super) fn loss(&self) -> Option<UpstreamError> {
        self.loss.lock().clone()
    }

    /// Sets the id of the `subscriptions/listen` request.
    pub(super) fn set_listening(&self, id: Option<RequestId>) {
        *self.listening.lock() = id;
    }

    /// Cancels the `subscriptions/listen` request, since some local servers do not exit while a request is open.
    pub(super) async fn stop_listening(&self) {
        let listening = self.listening.lock().take();
        if let (Some(id), CallTransport::Stdio(pipe)) = (listening, &self.transport) {
            let line = format!("{}\n", cancelled(&id));
            // Do not wait for a server that does not read.
            let _ = timeout(LISTEN_CANCEL_TIMEOUT, pipe.send(line.as_bytes())).await;
        }
    }

    fn cancel(&self, id: i64) {
        // MCP 2026-07-28, Cancellation: over HTTP the end of the request is its cancellation; before that revision,
        // and over stdio, a notification is.
        let notification = cancelled(&RequestId::Number(id));
        match &self.transport {
            CallTransport::Stdio(pipe) => {
                let pipe = pipe.clone();
                let line = format!("{notification}\n");
                self.tasks.spawn(async move {
                    let _ = pipe.send(line.as_bytes()).await;
                });
            }
            CallTransport::Http(http) if !self.modern() => {
                let http = http.clone();
                self.tasks.spawn(async move { http.notify(notification.to_string()).await });
            }
            CallTransport::Http(_) => {}
            CallTransport::Sse(channel) => {
                let channel = channel.clone();
                let message = notification.to_string().into_bytes();
                self.tasks.spawn(async move { channel.notify(message).await });
            }
        }
    }
}

fn cancelled(id: &RequestId) -> Value {
    json!({
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": { "requestId": id, "reason": "nobody waits for the result any more" },
    })
}

/// Does this caller want progress notifications?
pub(super) fn wants_progress(caller: &Caller) -> bool {
    caller.peer.is_some() && caller.progress_token.is_some()
}

/// A request on its way. Dropped before the answer, it is cancelled.
struct SentRequest<'a> {
    session: &'a UpstreamSession,
    id: i64,
    answered: bool,
}

impl Drop for SentRequest<'_> {
    fn drop(&mut self) {
        self.session.in_flight.end(self.id);
        if !self.answered {
            self.session.cancel(self.id);
        }
    }
}
