//! The registry of upstreams: adds, removes, restarts and stops them, and hands calls to their live sessions.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use agentport_api::{Health, LastError, LogLine};
use agentport_core::{AccountId, IntegrationId};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rmcp::model::ServerResult;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Listing, UpstreamError, UpstreamSink, UpstreamSpec,
    actor::UpstreamActor,
    call,
    connector::{LiveConnection, UpstreamConnector, protocol_version},
    handle::{ActorMessage, UpstreamHandle},
    handler::UpstreamEvents,
    start_watch::{StartProgress, StartWatch},
    stdio::{LocalServers, environment, leftovers, stderr::LogRing},
    streamable_http::connect::HttpClients,
};
use crate::{call::permit::Permit, caller::Caller};

/// All upstreams. Cheap to clone.
#[derive(Clone)]
pub(crate) struct UpstreamRegistry(Arc<RegistryState>);

struct RegistryState {
    integrations: ArcSwap<HashMap<IntegrationId, Arc<UpstreamHandle>>>,
    /// Connections by account, those of the default accounts among them.
    accounts: ArcSwap<HashMap<(IntegrationId, AccountId), Arc<UpstreamHandle>>>,
    /// Why an integration has no connection, where calls are to be told more than that.
    refusals: ArcSwap<HashMap<IntegrationId, UpstreamError>>,
    clients: Arc<HttpClients>,
    local: Arc<LocalServers>,
    tasks: TaskTracker,
    sink: Arc<dyn UpstreamSink>,
    /// Ends every upstream gracefully.
    stop: CancellationToken,
    /// Kills every upstream.
    force_stop: CancellationToken,
}

/// A connection whose lists were read, and that no integration uses yet.
pub(crate) struct OpenedUpstream {
    pub(crate) listing: Listing,
    connector: UpstreamConnector,
    link: LiveConnection,
    ring: Arc<LogRing>,
    force_stop: CancellationToken,
}

/// Of the connections with other accounts than the default: how the account is, and what concerns resources.
struct AccountSink {
    account: AccountId,
    sink: Arc<dyn UpstreamSink>,
}

impl UpstreamSink for AccountSink {
    fn listing(&self, _: &IntegrationId, _: Listing) {}

    fn health(&self, id: &IntegrationId, health: Health, _: Option<u32>, _: Option<LastError>) {
        self.sink.account_health(id, self.account, &health);
    }

    fn updated(&self, id: &IntegrationId, uri: &str) {
        self.sink.updated(id, uri);
    }
}

impl OpenedUpstream {
    /// Ends the connection, with its process tree.
    pub(crate) async fn close(self) {
        self.link.close(&UpstreamError::Cancelled, &self.force_stop).await;
    }
}

impl UpstreamRegistry {
    /// Cancelling `stop` ends every connection in good order, as [`UpstreamRegistry::stop`] does. A process-wide rustls
    /// provider must be installed before the first remote upstream is reached. Running process groups are recorded in
    /// the directory `records`; what an earlier gateway recorded there and left running is ended first.
    pub(crate) fn new(
        tasks: TaskTracker,
        stop: CancellationToken,
        sink: Arc<dyn UpstreamSink>,
        records: Option<PathBuf>,
    ) -> Self {
        if let Some(records) = &records {
            leftovers::end_leftovers(records);
        }
        Self(Arc::new(RegistryState {
            integrations: ArcSwap::default(),
            accounts: ArcSwap::default(),
            refusals: ArcSwap::default(),
            clients: Arc::default(),
            local: Arc::new(LocalServers { records, ..LocalServers::default() }),
            tasks,
            sink,
            stop: stop.child_token(),
            force_stop: CancellationToken::new(),
        }))
    }

    /// Adds an integration without starting it. One with the same id is ended and replaced.
    pub(crate) fn add(&self, spec: UpstreamSpec) {
        let ring = Arc::<LogRing>::default();
        let connector = self.connector(&spec, ring.clone(), Arc::default());
        self.insert(spec, connector, ring, None);
    }

    /// The same with a connection that is open already, which calls then use: some servers have one session for life.
    pub(crate) fn add_connected(&self, spec: UpstreamSpec, opened: OpenedUpstream) {
        let OpenedUpstream { listing, mut connector, link, ring, .. } = opened;
        connector.target = spec.target.clone();
        connector.events.set_id(spec.id.clone());
        self.insert(spec, connector, ring, Some((link, listing)));
    }

    /// Adds a connection to an integration with another account than its default, without starting it. What the
    /// integration offers, and how it is, goes by its default account.
    pub(crate) fn add_account(&self, spec: UpstreamSpec, account: AccountId) {
        let ring = Arc::<LogRing>::default();
        let connector = self.connector(&spec, ring.clone(), Arc::default());
        let sink = Arc::new(AccountSink { account, sink: self.0.sink.clone() });
        let handle = self.spawn(&spec, connector, ring, sink, None);
        self.insert_account(&spec.id, account, handle);
    }

    /// Says which account the connection of an integration uses.
    pub(crate) fn name_account(&self, id: &IntegrationId, account: AccountId) {
        if let Some(handle) = self.find(id) {
            self.insert_account(id, account, handle);
        }
    }

    fn insert_account(&self, id: &IntegrationId, account: AccountId, handle: Arc<UpstreamHandle>) {
        let before = self.0.accounts.rcu(|all| {
            let mut all = HashMap::clone(all);
            all.insert((id.clone(), account), handle.clone());
            all
        });
        if let Some(replaced) = before.get(&(id.clone(), account)) {
            replaced.stop.cancel();
        }
    }

    /// Ends every connection of an integration that was made for an account.
    pub(crate) fn end_accounts(&self, id: &IntegrationId) {
        let before = self.0.accounts.rcu(|all| {
            let mut all = HashMap::clone(all);
            all.retain(|(integration, _), _| integration != id);
            all
        });
        for ((integration, _), handle) in &*before {
            if integration == id {
                handle.stop.cancel();
            }
        }
    }

    /// Says why an integration that has no connection has none: its calls end so.
    pub(crate) fn refuse(&self, id: &IntegrationId, why: UpstreamError) {
        self.0.refusals.rcu(|all| {
            let mut all = HashMap::clone(all);
            all.insert(id.clone(), why.clone());
            all
        });
    }

    fn end_refusal(&self, id: &IntegrationId) {
        if self.0.refusals.load().contains_key(id) {
            self.0.refusals.rcu(|all| {
                let mut all = HashMap::clone(all);
                all.remove(id);
                all
            });
        }
    }

    fn insert(
        &self,
        spec: UpstreamSpec,
        connector: UpstreamConnector,
        ring: Arc<LogRing>,
        opened: Option<(LiveConnection, Listing)>,
    ) {
        let shared = &self.0;
        let integration = self.spawn(&spec, connector, ring, shared.sink.clone(), opened);
        let before = shared.integrations.rcu(|all| {
            let mut all = HashMap::clone(all);
            all.insert(spec.id.clone(), integration.clone());
            all
        });
        self.end_refusal(&spec.id);
        if let Some(replaced) = before.get(&spec.id) {
            replaced.stop.cancel();
        }
    }

    /// Starts the actor of one connection.
    fn spawn(
        &self,
        spec: &UpstreamSpec,
        connector: UpstreamConnector,
        ring: Arc<LogRing>,
        sink: Arc<dyn UpstreamSink>,
        opened: Option<(LiveConnection, Listing)>,
    ) -> Arc<UpstreamHandle> {
        let shared = &self.0;
        let (inbox, messages) = mpsc::unbounded_channel();
        let stop = shared.stop.child_token();
        let handle = UpstreamHandle::new(spec.id.clone(), spec.idle_stop, stop, inbox, ring);
        let force_stop = shared.force_stop.clone();
        let actor = UpstreamActor::new(handle.clone(), messages, connector, sink, force_stop);
        shared.tasks.spawn(actor.run(opened));
        handle
    }

    /// Removes the integration. Returns when its connection and process tree have ended.
    pub(crate) async fn remove(&self, id: &IntegrationId) {
        self.end_accounts(id);
        self.end_refusal(id);
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

    /// Restarts the upstream regardless of state and backoff. Returns when the start has succeeded or failed.
    pub(crate) async fn restart(&self, id: &IntegrationId) {
        if let Some(integration) = self.find(id) {
            let (done, over) = oneshot::channel();
            integration.send(ActorMessage::Restart { done });
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

    /// Changes the names of the variables that local servers inherit, from their next start on.
    pub(crate) fn set_inherited_environment(&self, names: Vec<String>) {
        self.0.local.inherited.store(Arc::new(names));
    }

    /// Starts it if it is not running, and reads its lists, without waiting.
    pub(crate) fn wake(&self, id: &IntegrationId) {
        if let Some(integration) = self.find(id) {
            integration.send(ActorMessage::Wake);
        }
    }

    /// What a local server wrote to its standard error, oldest first, cleaned and capped. Kept over restarts.
    pub(crate) fn log(&self, id: &IntegrationId) -> Vec<LogLine> {
        self.find(id).map(|integration| integration.ring.lines()).unwrap_or_default()
    }

    /// Connects and reads the lists within the time the target has to start. No process is left when it fails or is
    /// dropped. How far it has come, and what a local server writes meanwhile, can be read from `watch`.
    pub(crate) async fn open(
        &self,
        spec: &UpstreamSpec,
        watch: &StartWatch,
    ) -> Result<OpenedUpstream, UpstreamError> {
        let StartWatch { ring, step } = watch.clone();
        let connector = self.connector(spec, ring.clone(), step);
        let (link, listing) = tokio::select! {
            connected = connector.connect() => connected?,
            () = self.0.stop.cancelled() => return Err(UpstreamError::Cancelled),
        };
        Ok(OpenedUpstream { listing, connector, link, ring, force_stop: self.0.force_stop.clone() })
    }

    /// Connects, reads the lists and disconnects.
    #[cfg(test)]
    pub(super) async fn probe(&self, spec: UpstreamSpec) -> Result<Listing, UpstreamError> {
        let opened = self.open(&spec, &StartWatch::default()).await?;
        let listing = opened.listing.clone();
        opened.close().await;
        Ok(listing)
    }

    /// Runs the permitted operation, and waits for the result in the caller's task.
    ///
    /// The upstream is started first if need be, which takes at most 30 s more than the permit's deadline. Dropping
    /// the future cancels the call at the upstream.
    pub(crate) async fn call(
        &self,
        permit: Permit,
        caller: Caller,
    ) -> Result<ServerResult, UpstreamError> {
        let integration = self.find_for(permit.integration(), permit.account())?;
        let (deadline, definition) = (permit.deadline(), permit.definition());
        call::run(&integration, permit.into_operation(), definition, deadline, &caller).await
    }

    /// Are the tools of this integration known as a live connection offers them? Otherwise a call may have to wait, and
    /// find its definition changed.
    pub(crate) fn has_current_tools(&self, id: &IntegrationId) -> bool {
        self.find(id).is_some_and(|integration| integration.has_current_tools())
    }

    /// Starts the upstream if need be, and waits until its tools are known as it offers them now.
    pub(crate) async fn refresh_tools(&self, id: &IntegrationId) -> Result<(), UpstreamError> {
        self.connection(id)?.session().await?.lists.current().await;
        Ok(())
    }

    /// Ends every upstream: gracefully until the deadline, by force after it. Returns when no child is left.
    pub(crate) async fn stop(&self, deadline: Duration) {
        let all = self.0.integrations.swap(Arc::default());
        let accounts = self.0.accounts.swap(Arc::default());
        self.0.stop.cancel();
        let gone = async {
            for handle in all.values().chain(accounts.values()) {
                handle.gone.cancelled().await;
            }
        };
        let mut gone = std::pin::pin!(gone);
        if timeout(deadline, &mut gone).await.is_err() {
            self.0.force_stop.cancel();
            gone.await;
        }
    }

    /// The connection of an account; of none, the integration's own.
    fn find_for(
        &self,
        id: &IntegrationId,
        account: Option<AccountId>,
    ) -> Result<Arc<UpstreamHandle>, UpstreamError> {
        let Some(account) = account else {
            return self.connection(id);
        };
        let of = self.0.accounts.load().get(&(id.clone(), account)).cloned();
        of.ok_or_else(|| UpstreamError::NeedsAuth {
            message: "the account the call was to use is no longer connected".to_owned(),
            scheme: None,
        })
    }

    /// The connection of an integration, or why it has none.
    fn connection(&self, id: &IntegrationId) -> Result<Arc<UpstreamHandle>, UpstreamError> {
        let refusal = || {
            let why = self.0.refusals.load().get(id).cloned();
            why.unwrap_or_else(|| UpstreamError::Unknown(id.clone()))
        };
        self.find(id).ok_or_else(refusal)
    }

    pub(super) fn find(&self, id: &IntegrationId) -> Option<Arc<UpstreamHandle>> {
        self.0.integrations.load().get(id).cloned()
    }

    fn connector(
        &self,
        spec: &UpstreamSpec,
        ring: Arc<LogRing>,
        step: Arc<StartProgress>,
    ) -> UpstreamConnector {
        UpstreamConnector {
            redactor: spec
                .target
                .redactor(environment::inherited_passwords(&self.0.local.inherited.load())),
            target: spec.target.clone(),
            events: UpstreamEvents::new(spec.id.clone(), self.0.sink.clone()),
            ring,
            step,
            clients: self.0.clients.clone(),
            local: self.0.local.clone(),
            tasks: self.0.tasks.clone(),
            last_revision: Mutex::new(spec.last_revision.as_deref().map(protocol_version)),
            last_transport: Mutex::new(spec.last_transport),
        }
    }
}
