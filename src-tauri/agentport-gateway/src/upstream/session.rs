//! One live connection, as calls use it. No actor stands between: the caller's own task writes the request and takes
//! the answer.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use rmcp::{
    Peer, RoleClient,
    model::{Implementation, ProtocolVersion, RequestId},
};
use serde_json::{Value, json, value::RawValue};
use tokio::{sync::Notify, time::timeout};
use tokio_util::task::TaskTracker;

use super::{
    attribution::{Running, Slot},
    error::{Failure, UpstreamError},
    handler,
    hidden::Hidden,
    http::Http,
    message::FIRST_ID,
    request::{Context, Modern, Outgoing},
    stdio::Pipe,
};
use crate::call::caller::Caller;

/// How long a last word may take.
const LEAVE: Duration = Duration::from_millis(100);

/// Servers with sessions over HTTP may send log messages on another connection than the answer, which then overtakes the
/// last of them. How long an answer waits for those that may be under way, if the agent was told of any.
const STRAGGLERS: std::time::Duration = std::time::Duration::from_millis(50);

/// How calls reach the upstream.
pub(super) enum Wire {
    Stdio(Arc<Pipe>),
    Http(Arc<Http>),
}

/// A connection after its handshake.
pub(super) struct Session {
    /// For what rmcp does: the handshake is over, subscriptions remain.
    pub(super) peer: Peer<RoleClient>,
    pub(super) running: Arc<Running>,
    wire: Wire,
    revision: ProtocolVersion,
    pub(super) hidden: Hidden,
    client: Implementation,
    next_id: AtomicI64,
    /// The standing request for news, if there is one.
    listening: Mutex<Option<RequestId>>,
    loss: Mutex<Option<UpstreamError>>,
    lost: Notify,
    tasks: TaskTracker,
}

impl Session {
    pub(super) fn new(
        peer: Peer<RoleClient>,
        running: Arc<Running>,
        wire: Wire,
        revision: ProtocolVersion,
        hidden: Hidden,
        tasks: TaskTracker,
    ) -> Arc<Self> {
        Arc::new(Self {
            peer,
            running,
            wire,
            revision,
            hidden,
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

    pub(super) fn http(&self) -> Option<&Http> {
        match &self.wire {
            Wire::Http(http) => Some(http),
            Wire::Stdio(_) => None,
        }
    }

    /// What goes with a request of `caller`'s; of ours, without one.
    pub(super) fn context<'a>(&'a self, caller: Option<&'a Caller>) -> Context<'a> {
        // A caller that can neither answer nor pass the question on has nothing to declare.
        let asked = caller.filter(|caller| caller.modern || caller.peer.is_some());
        Context {
            inbound: caller.map(|caller| &caller.meta),
            modern: self.modern().then(|| Modern {
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
        outgoing: &Outgoing<'_>,
        slot: &Arc<Slot>,
    ) -> Result<Box<RawValue>, Failure> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.running.begin(id, slot)?;
        let mut sent = Sent { session: self, id, answered: false };
        let answer = match &self.wire {
            Wire::Stdio(pipe) => {
                // If writing fails the server is gone; whoever finds that out says so through the slot, with its
                // last words.
                let _ = pipe.send(&outgoing.line(id)).await;
                slot.reply().await.map_err(Failure::Failed)
            }
            Wire::Http(http) => tokio::select! {
                answer = http.call(id, outgoing, slot) => {
                    if slot.has_logged() && !self.modern() {
                        tokio::time::sleep(STRAGGLERS).await;
                    }
                    answer
                }
                // Only the end of the connection is told this way.
                ended = slot.reply() => ended.map_err(Failure::Failed),
            },
        };
        sent.answered = true;
        drop(sent);
        match answer {
            Err(Failure::Failed(UpstreamError::Refused(error))) => {
                Err(UpstreamError::Refused(self.hidden.blot_error(error)).into())
            }
            Err(Failure::Lost(error)) => {
                self.lose(error.clone());
                Err(Failure::Lost(error))
            }
            other => other,
        }
    }

    /// Says that the connection is of no more use.
    pub(super) fn lose(&self, error: UpstreamError) {
        lock(&self.loss).get_or_insert(error);
        self.lost.notify_one();
    }

    /// Waits until a call finds the connection to be of no more use.
    pub(super) async fn lost(&self) -> UpstreamError {
        loop {
            if let Some(error) = lock(&self.loss).clone() {
                return error;
            }
            self.lost.notified().await;
        }
    }

    /// Notes which request listens for news.
    pub(super) fn set_listening(&self, id: Option<RequestId>) {
        *lock(&self.listening) = id;
    }

    /// Takes leave of the upstream: a local server that still owes an answer would not end by itself.
    pub(super) async fn take_leave(&self) {
        let listening = lock(&self.listening).take();
        if let (Some(id), Wire::Stdio(pipe)) = (listening, &self.wire) {
            let line = format!("{}\n", cancelled(&id));
            // One that does not read is not waited for.
            let _ = timeout(LEAVE, pipe.send(line.as_bytes())).await;
        }
    }

    fn cancel(&self, id: i64) {
        // MCP 2026-07-28, Cancellation: over HTTP the end of the request is its cancellation; before that revision,
        // and over stdio, a notification is.
        let notification = cancelled(&RequestId::Number(id));
        match &self.wire {
            Wire::Stdio(pipe) => {
                let pipe = pipe.clone();
                let line = format!("{notification}\n");
                self.tasks.spawn(async move {
                    let _ = pipe.send(line.as_bytes()).await;
                });
            }
            Wire::Http(http) if !self.modern() => {
                let http = http.clone();
                self.tasks.spawn(async move { http.notify(notification.to_string()).await });
            }
            Wire::Http(_) => {}
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

/// Does this caller hear of progress?
pub(super) fn wants_progress(caller: &Caller) -> bool {
    caller.peer.is_some() && caller.progress_token.is_some()
}

/// A request on its way. Dropped before the answer, it is cancelled.
struct Sent<'a> {
    session: &'a Session,
    id: i64,
    answered: bool,
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        self.session.running.end(self.id);
        if !self.answered {
            self.session.cancel(self.id);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
