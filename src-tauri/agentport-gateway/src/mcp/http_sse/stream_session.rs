//! One session of the HTTP+SSE transport, from the event `endpoint` to the end of its stream.

use std::sync::Arc;

use http::request::Parts;
use rmcp::{
    model::{ClientJsonRpcMessage, GetExtensions as _, JsonRpcMessage},
    service::serve_server_with_ct,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    events::{self, EventReceiver, EventSender},
    transport::StreamTransport,
};
use crate::auth::Principal;
use crate::{
    agents::Login,
    mcp::{
        server::AgentServer,
        sessions::{RequestSession, StreamPlace},
    },
};

/// Requests of one session that may run at a time: each is answered on the stream, so no connection bounds them.
const MAX_RUNNING_REQUESTS: usize = 64;
/// Messages of one session that may wait for the protocol library, which takes them faster than they can be posted.
const MAX_WAITING_MESSAGES: usize = 64;

/// The gateway's side of an open event stream.
#[derive(Debug)]
pub(crate) struct StreamSession {
    /// The query of the URL the stream was opened with: the view of all its messages.
    query: Option<String>,
    incoming: mpsc::Sender<ClientJsonRpcMessage>,
    outgoing: EventSender,
    running: Arc<Semaphore>,
    closed: CancellationToken,
}

/// A session whose stream is about to open.
pub(super) struct NewStream {
    pub(super) session: Arc<StreamSession>,
    pub(super) incoming: mpsc::Receiver<ClientJsonRpcMessage>,
    pub(super) outgoing: EventReceiver,
}

/// Why a message of the client was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum PostError {
    #[error(
        "{MAX_RUNNING_REQUESTS} requests of this session are running; wait for an answer and send it again"
    )]
    Busy,
    #[error("this session has ended; open a new one with GET /sse")]
    Ended,
}

/// Held, as an extension of a request, for as long as its handler runs.
#[derive(Debug, Clone)]
struct RunningRequest {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl StreamSession {
    /// `closed` ends the session, and is cancelled when it has ended.
    pub(super) fn open(query: Option<String>, closed: CancellationToken) -> NewStream {
        let (incoming, received) = mpsc::channel(MAX_WAITING_MESSAGES);
        let (sender, outgoing) = events::channel(closed.clone());
        let session = Self {
            query,
            incoming,
            outgoing: sender,
            running: Arc::new(Semaphore::new(MAX_RUNNING_REQUESTS)),
            closed,
        };
        NewStream { session: Arc::new(session), incoming: received, outgoing }
    }

    /// Sends the first event: where the client posts its messages.
    pub(super) fn announce(&self, url: &str) {
        self.outgoing.send("endpoint", url.as_bytes());
    }

    pub(super) fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Sends a JSON-RPC message to the client.
    pub(super) fn send(&self, message: &[u8]) {
        self.outgoing.send("message", message);
    }

    /// Ends the session: the stream closes, and calls that still run are cancelled.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }

    /// Hands a message of the client to the protocol library, as one of this principal.
    pub(super) fn post(
        &self,
        mut message: ClientJsonRpcMessage,
        id: Arc<str>,
        principal: Principal,
    ) -> Result<(), PostError> {
        if self.closed.is_cancelled() {
            return Err(PostError::Ended);
        }
        let mut parts = request_parts();
        parts.extensions.insert(RequestSession(id));
        parts.extensions.insert(principal);
        match &mut message {
            JsonRpcMessage::Request(request) => {
                let permit = self.running.clone().try_acquire_owned();
                let permit = Arc::new(permit.map_err(|_| PostError::Busy)?);
                parts.extensions.insert(RunningRequest { _permit: permit });
                request.request.extensions_mut().insert(parts);
            }
            JsonRpcMessage::Notification(notification) => {
                notification.notification.extensions_mut().insert(parts);
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {}
        }
        self.incoming.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => PostError::Busy,
            mpsc::error::TrySendError::Closed(_) => PostError::Ended,
        })
    }
}

/// What the handlers of the protocol library find the principal in. The headers of the POST, its key among them, stay
/// behind.
fn request_parts() -> Parts {
    http::Request::new(()).into_parts().0
}

/// Serves a session until its client disconnects, the key or grant it came by ends, or the gateway stops.
pub(super) async fn run(
    session: Arc<StreamSession>,
    server: AgentServer,
    incoming: mpsc::Receiver<ClientJsonRpcMessage>,
    login: Arc<Login>,
    place: StreamPlace,
) {
    let transport = StreamTransport::new(session.clone(), incoming);
    // The calls of the session are cancelled with it.
    let stop = session.closed.child_token();
    let served = async {
        match serve_server_with_ct(server, transport, stop).await {
            Ok(running) => drop(running.waiting().await),
            Err(error) => tracing::debug!(%error, "an HTTP+SSE session was not initialized"),
        }
    };
    tokio::select! {
        () = served => {}
        () = session.closed.cancelled() => {}
        () = login.ended.cancelled() => {}
    }
    session.close();
    drop(place);
}

#[cfg(test)]
impl StreamSession {
    /// Without a client.
    pub(crate) fn alone() -> Arc<Self> {
        let (incoming, _) = mpsc::channel(1);
        let closed = CancellationToken::new();
        let (outgoing, _) = events::channel(closed.child_token());
        let running = Arc::new(Semaphore::new(1));
        Arc::new(Self { query: None, incoming, outgoing, running, closed })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }
}
