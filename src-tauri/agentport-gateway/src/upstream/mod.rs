//! The connections to the servers that do the work.
//!
//! Every integration has an actor of its own, which starts, watches, lists and stops it. A call does not pass through
//! the actor: it looks up the live session and speaks to the upstream from the caller's own task.
//!
//! What always holds: a call needs a [`Permit`]; a slow or dead upstream delays no other; every process started here
//! ends here, with its whole tree; secrets are in the child's environment or the request's headers and nowhere else.
//!
//! Deliberately absent: policy, approval, storage. What is learnt goes out through [`UpstreamSink`].

#![expect(
    deprecated,
    reason = "MCP 2026-07-28 deprecates logging, sampling and roots; older agents and servers use them"
)]

mod actor;
mod answer;
mod ask;
mod attribution;
mod backoff;
mod call;
mod connect;
mod environment;
mod error;
mod handler;
mod hidden;
mod http;
mod integration;
mod listing;
mod local;
mod message;
mod param_headers;
mod process;
mod refusal;
mod remote;
mod request;
mod session;
mod sse;
mod stderr;
mod stdio;
mod subscriptions;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use ::http::HeaderName;
use agentport_api::{Health, LastError, LogLine};
use agentport_core::{IntegrationId, Secret};
use arc_swap::ArcSwap;
use rmcp::model::ServerResult;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use self::{
    actor::Actor,
    connect::Connector,
    handler::Notices,
    hidden::Hidden,
    integration::{Integration, Message},
    refusal::shown,
    remote::Clients,
    stderr::Ring,
};
pub(crate) use self::{error::UpstreamError, listing::Listing};
use crate::call::{caller::Caller, permit::Permit};

/// Hears what the upstreams have to say. Called from the actors' tasks: must not block.
pub(crate) trait UpstreamSink: Send + Sync {
    /// The upstream's lists were read, or read anew.
    fn listing(&self, id: &IntegrationId, listing: Listing);
    /// Health, process id (of a local server that runs) or last error changed.
    fn health(
        &self,
        id: &IntegrationId,
        health: Health,
        pid: Option<u32>,
        last_error: Option<LastError>,
    );
    /// A resource that somebody subscribed to changed (`notifications/resources/updated`).
    fn updated(&self, id: &IntegrationId, uri: &str);
}

/// One upstream, as the owner described it.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) id: IntegrationId,
    pub(crate) target: Target,
    /// How long a local server may sit idle before it is stopped.
    pub(crate) idle_stop: Duration,
    /// It was never started here: a local server may have to be downloaded first, and gets the time for that.
    pub(crate) is_new: bool,
}

/// How an upstream is reached.
#[derive(Clone)]
pub(crate) enum Target {
    /// A child process that speaks MCP on its standard input and output.
    Local {
        command: String,
        args: Vec<String>,
        /// Added to the cleaned environment.
        env: BTreeMap<String, String>,
        /// The same, with values that must not be seen elsewhere.
        secret_env: Vec<(String, Secret)>,
        /// In place of the argument at each index.
        secret_args: BTreeMap<usize, Secret>,
        cwd: Option<PathBuf>,
        /// What environment and arguments were filled with.
        secrets: Vec<Secret>,
    },
    /// An MCP server over Streamable HTTP. Every header value counts as secret, and so do `secrets`: what the address
    /// and the headers were filled with, in every form a server may echo.
    Remote { url: Url, headers: Vec<(HeaderName, Secret)>, secrets: Vec<Secret> },
}

/// Shows neither arguments nor environments nor the secret parts of an address.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { command, .. } => {
                f.debug_struct("Local").field("command", command).finish_non_exhaustive()
            }
            Self::Remote { url, .. } => {
                f.debug_struct("Remote").field("url", &shown(url)).finish_non_exhaustive()
            }
        }
    }
}

/// All upstreams. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Upstreams(Arc<Shared>);

struct Shared {
    integrations: ArcSwap<HashMap<IntegrationId, Arc<Integration>>>,
    clients: Arc<Clients>,
    tasks: TaskTracker,
    sink: Arc<dyn UpstreamSink>,
    /// Ends everything in good order.
    stop: CancellationToken,
    /// Ends everything at once.
    hurry: CancellationToken,
}

impl Upstreams {
    /// Cancelling `stop` ends every connection in good order, as [`Upstreams::stop`] does. A process-wide rustls
    /// provider must be installed before the first remote upstream is reached.
    pub(crate) fn new(
        tasks: TaskTracker,
        stop: CancellationToken,
        sink: Arc<dyn UpstreamSink>,
    ) -> Self {
        Self(Arc::new(Shared {
            integrations: ArcSwap::default(),
            clients: Arc::default(),
            tasks,
            sink,
            stop: stop.child_token(),
            hurry: CancellationToken::new(),
        }))
    }

    /// Makes an integration known. Nothing is started yet. One of the same id is ended and replaced.
    pub(crate) fn add(&self, spec: Spec) {
        let shared = &self.0;
        let (inbox, messages) = mpsc::unbounded_channel();
        let stop = shared.stop.child_token();
        let integration = Integration::new(spec.id.clone(), spec.idle_stop, stop, inbox);
        let connector = self.connector(&spec, integration.ring.clone());
        let actor = Actor::new(
            integration.clone(),
            messages,
            connector,
            shared.sink.clone(),
            shared.hurry.clone(),
        );
        shared.tasks.spawn(actor.run());
        let before = shared.integrations.rcu(|all| {
            let mut all = HashMap::clone(all);
            all.insert(spec.id.clone(), integration.clone());
            all
        });
        if let Some(replaced) = before.get(&spec.id) {
            replaced.stop.cancel();
        }
    }

    /// Ends the connection (and the process tree) and forgets the integration. Returns when nothing of it is left.
    pub(crate) async fn remove(&self, id: &IntegrationId) {
        let before = self.0.integrations.rcu(|all| {
            let mut all = HashMap::clone(all);
            all.remove(id);
            all
        });
        if let Some(removed) = before.get(id) {
            removed.stop.cancel();
            removed.gone.cancelled().await;
        }
    }

    /// Stops the upstream and starts it anew, whatever its state and however long it was to be left alone. Returns
    /// when the start has worked or failed.
    pub(crate) async fn restart(&self, id: &IntegrationId) {
        if let Some(integration) = self.find(id) {
            let (done, over) = oneshot::channel();
            integration.ask(Message::Restart { done });
            // Dropped, not sent.
            let _ = over.await;
        }
    }

    /// Changes how long idle local servers are kept, for all of them.
    pub(crate) fn set_idle_stop(&self, idle_stop: Duration) {
        for integration in self.0.integrations.load().values() {
            integration.set_idle_stop(idle_stop);
        }
    }

    /// Starts it if it is not running, and reads its lists, without waiting.
    pub(crate) fn wake(&self, id: &IntegrationId) {
        if let Some(integration) = self.find(id) {
            integration.ask(Message::Wake);
        }
    }

    /// What a local server wrote to its standard error, oldest first, cleaned and capped. Kept over restarts.
    pub(crate) fn log(&self, id: &IntegrationId) -> Vec<LogLine> {
        self.find(id).map(|integration| integration.ring.lines()).unwrap_or_default()
    }

    /// Connects once, reads the lists and disconnects. Nothing is kept, and no process is left when it returns or is
    /// dropped. A local server that is new may take five minutes, everything else 30 s.
    pub(crate) async fn probe(&self, spec: Spec) -> Result<Listing, UpstreamError> {
        let connector = self.connector(&spec, Arc::default());
        let (link, listing) = tokio::select! {
            connected = connector.connect() => connected?,
            () = self.0.stop.cancelled() => return Err(UpstreamError::Cancelled),
        };
        link.close(&UpstreamError::Cancelled, &self.0.hurry).await;
        Ok(listing)
    }

    /// Does what the permit allows, and waits for the result in the caller's task.
    ///
    /// The upstream is started first if need be, which takes at most 30 s more than the permit's deadline. Dropping
    /// the future cancels the call at the upstream.
    pub(crate) async fn call(
        &self,
        permit: Permit,
        caller: Caller,
    ) -> Result<ServerResult, UpstreamError> {
        let Some(integration) = self.find(permit.integration()) else {
            return Err(UpstreamError::Unknown(permit.integration().clone()));
        };
        let deadline = permit.deadline();
        call::run(&integration, permit.into_operation(), deadline, &caller).await
    }

    /// Ends everything, in good order until the deadline and at once after it. Returns when no child is left.
    pub(crate) async fn stop(&self, deadline: Duration) {
        let all = self.0.integrations.swap(Arc::default());
        self.0.stop.cancel();
        let gone = async {
            for integration in all.values() {
                integration.gone.cancelled().await;
            }
        };
        let mut gone = std::pin::pin!(gone);
        if timeout(deadline, &mut gone).await.is_err() {
            self.0.hurry.cancel();
            gone.await;
        }
    }

    fn find(&self, id: &IntegrationId) -> Option<Arc<Integration>> {
        self.0.integrations.load().get(id).cloned()
    }

    fn connector(&self, spec: &Spec, ring: Arc<Ring>) -> Connector {
        Connector {
            hidden: match &spec.target {
                Target::Local { secret_env, secrets, .. } => {
                    Hidden::new(secret_env.iter().map(|(_, s)| s).chain(secrets))
                }
                Target::Remote { headers, secrets, .. } => {
                    Hidden::new(headers.iter().map(|(_, s)| s).chain(secrets))
                }
            },
            target: spec.target.clone(),
            notices: Notices::new(spec.id.clone(), self.0.sink.clone()),
            ring,
            clients: self.0.clients.clone(),
            tasks: self.0.tasks.clone(),
            is_new: AtomicBool::new(spec.is_new),
            older: AtomicBool::new(false),
        }
    }
}
