//! Starting and stopping: parse, then bind, then announce; stop in reverse, softly, then by a deadline, then hard.

mod bind;
mod options;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use agentport_core::ErrorChain;
use serde::Serialize;
use tokio::sync::broadcast;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    agents::Agents,
    audit::Audit,
    catalogue::Catalogue,
    clock,
    control::{
        self, Control,
        exposure::TcpExposure,
        extension::{self, ControlHandle},
        login, password,
    },
    data_dir::{DataDirLock, LockError, Runtime},
    engine::{Address, Engine, Parts},
    events::Events,
    http,
    integrations::UpstreamEvents,
    journal::Journal,
    mcp::{McpEndpoint, list_changed, sessions::Sessions},
    server,
    store::Store,
    upstream::UpstreamRegistry,
    vault::{Vault, VaultError},
};

pub use self::options::{Options, Port};
pub use crate::gateway::options::ControlAccess;

// Together less than 8 s: a service manager or an owner who logs out does not wait longer.
/// Time running calls have to end after a stop was asked for.
const CALLS_STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// Time connections of agents have to end after that.
const SERVERS_STOP_TIMEOUT: Duration = Duration::from_secs(1);
/// Time upstreams have to end in good order. Killing what is left takes a moment more.
const UPSTREAMS_STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// Time the remaining tasks have to end.
const TASKS_STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// Why the gateway did not start. Nothing is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    DataDir(#[from] LockError),
    #[error("the database could not be opened")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the vault could not be opened")]
    Vault(#[from] VaultError),
    #[error("port {port} of 127.0.0.1 and [::1] could not be taken; is another program using it?")]
    Bind {
        port: u16,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Password(#[from] password::PasswordError),
    #[error("the file that tells others of this gateway could not be written")]
    Runtime(#[source] std::io::Error),
}

/// What a started gateway says of itself.
#[derive(Debug, Clone, Serialize)]
pub struct Announcement {
    pub mcp_url: String,
    /// Absent while there is nothing to be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dashboard_url: Option<String>,
    pub home: PathBuf,
    pub pid: u32,
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// A running gateway.
pub struct Gateway {
    engine: Arc<Engine>,
    sessions: Arc<Sessions>,
    servers: TaskTracker,
    background: CancellationToken,
    /// The last to end: what is journalled while stopping has to reach the database.
    journal_stop: CancellationToken,
    connections: CancellationToken,
    announcement: Announcement,
    owner: axum::Router,
    _lock: DataDirLock,
}

fn database<E: std::error::Error + Send + Sync + 'static>(error: E) -> StartError {
    StartError::Database(Box::new(error))
}

impl Gateway {
    /// Starts a gateway. When this returns it listens.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let started_at = clock::now();
        let lock = options.home.lock()?;
        let store = Store::open(&options.home.database()).await.map_err(database)?;
        let (vault, warning) = Vault::unlock(options.vault, &options.home).await?;
        let mut warnings: Vec<String> = warning.into_iter().collect();
        let mut password_set = false;
        if let Some(password) = &options.owner_password
            && !password::has_password(&store).await.map_err(database)?
        {
            password::set_password(&store, password).await?;
            password_set = true;
        }

        // Bind before anything runs: a port that is taken must not cost anybody their session.
        let settings = store.settings().await.map_err(database)?;
        let wanted = match options.port {
            Port::Chosen(port) => port,
            Port::FromSettings => settings.port,
        };
        let (listeners, port) = bind::bind(wanted).await?;
        let tasks = TaskTracker::new();
        let soft_stop = CancellationToken::new();
        let background = CancellationToken::new();
        let journal_stop = CancellationToken::new();
        let journal =
            Journal::open(&options.home.journal_dir(), store.clone(), &tasks, journal_stop.clone())
                .await
                .map_err(database)?;
        let events = Events::new();
        let catalogue = Arc::new(Catalogue::new());
        let resource_updates = broadcast::Sender::new(64);
        let sink = Arc::new(UpstreamEvents {
            catalogue: catalogue.clone(),
            events: events.clone(),
            tasks: tasks.clone(),
            updates: resource_updates.clone(),
            engine: OnceLock::new(),
        });
        let upstreams = UpstreamRegistry::new(
            tasks.clone(),
            background.clone(),
            sink.clone(),
            Some(options.home.children_dir()),
        );
        upstreams.set_inherited_environment(settings.inherited_environment.clone());
        let audit = Audit::open(store.clone(), vault.derive("audit"));
        let parts = Parts {
            agents: Agents::load(store.clone()).await.map_err(database)?,
            settings,
            address: Address { port },
            journal,
            audit,
            events,
            catalogue,
            upstreams,
            resource_updates,
            tasks: tasks.clone(),
            soft_stop: soft_stop.clone(),
            vault,
            store,
        };
        let engine = Arc::new(Engine::new(parts).await.map_err(database)?);
        // The sink keeps a weak reference; it cannot have been set before.
        let _ = sink.engine.set(Arc::downgrade(&engine));
        if password_set {
            engine
                .note("owner", "password.set", "owner", serde_json::json!({ "at": "first start" }))
                .await;
        }
        warnings.extend(engine.load().await.map_err(database)?);

        let endpoint = McpEndpoint::new(engine.clone());
        let logins = Arc::new(login::Logins::default());
        let has_password = password::has_password(&engine.store).await.map_err(database)?;
        let front = Arc::new(TcpExposure::new(options.control_access, has_password));
        let control = Control {
            engine: engine.clone(),
            sessions: endpoint.sessions(),
            logins,
            front,
            codes: Arc::default(),
            changing: Arc::default(),
            home: options.home.root().to_string_lossy().into(),
            started_at,
        };
        let connections = CancellationToken::new();
        let servers = TaskTracker::new();
        let hand = ControlHandle::new(&control, options.home.root());
        let extensions = extension::open(options.extensions, &hand);
        let router =
            http::router(&engine, endpoint.clone(), &control, extensions.clone(), options.ui);
        for listener in listeners {
            server::serve(&servers, listener, router.clone(), connections.clone());
        }
        engine.spawn_upkeep(endpoint.sessions(), &background);

        let origin = engine.address.origin();
        let announcement = Announcement {
            mcp_url: format!("{origin}/mcp"),
            dashboard_url: control.dashboard_url(),
            home: options.home.root().to_owned(),
            pid: std::process::id(),
            warnings,
        };
        let runtime = Runtime {
            port,
            pid: announcement.pid,
            mcp_url: announcement.mcp_url.clone(),
            control_url: origin,
        };
        options.home.write_runtime(&runtime).map_err(StartError::Runtime)?;
        let sessions = control.sessions.clone();
        let owner = control::in_process(control, extensions);
        Ok(Self {
            engine,
            sessions,
            servers,
            background,
            journal_stop,
            connections,
            announcement,
            owner,
            _lock: lock,
        })
    }

    pub fn announcement(&self) -> &Announcement {
        &self.announcement
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.engine.address.port
    }

    /// What changes from now on. Who falls behind misses some, and reads anew.
    pub fn events(&self) -> broadcast::Receiver<agentport_api::Event> {
        self.engine.events.listen()
    }

    /// The owner's plane, for who holds the gateway: a desktop app calls it in process.
    pub fn owner(&self) -> axum::Router {
        self.owner.clone()
    }

    /// Takes no more calls, lets running ones finish for a while, ends upstreams, closes the database.
    pub async fn stop(self) {
        let Self { engine, sessions, servers, background, journal_stop, connections, .. } = self;
        engine.soft_stop.cancel();
        connections.cancel();
        engine.running.close();
        if tokio::time::timeout(CALLS_STOP_TIMEOUT, engine.running.wait()).await.is_err() {
            tracing::warn!("some calls were still running and were ended");
        }
        engine.hard_stop.cancel();
        servers.close();
        if tokio::time::timeout(SERVERS_STOP_TIMEOUT, servers.wait()).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        background.cancel();
        engine.upstreams.stop(UPSTREAMS_STOP_TIMEOUT).await;
        if let Err(error) = sessions.flush().await {
            tracing::warn!(error = %ErrorChain(&error), "when sessions were last used could not be stored");
        }
        if let Err(error) = engine.agents.flush().await {
            tracing::warn!(error = %ErrorChain(&error), "when agents were last seen could not be stored");
        }
        journal_stop.cancel();
        engine.tasks.close();
        if tokio::time::timeout(TASKS_STOP_TIMEOUT, engine.tasks.wait()).await.is_err() {
            tracing::warn!("some tasks did not end in time");
        }
        engine.store.close().await;
    }
}

impl Engine {
    /// Brings what is stored into memory. Nothing is connected that need not be. Returns warnings for the owner.
    async fn load(self: &Arc<Self>) -> crate::store::Result<Vec<String>> {
        let mut warnings = Vec::new();
        // Sessions do not outlive the gateway, so neither do their grants.
        self.store.delete_session_rules().await?;
        let mut listings: std::collections::HashMap<_, _> = self
            .store
            .listings()
            .await?
            .into_iter()
            .filter_map(|row| Some((row.integration, serde_json::from_str(&row.json).ok()?)))
            .collect();
        for row in self.store.integrations().await? {
            let builtin = matches!(row.connection, agentport_api::Connection::Builtin { .. });
            let known = listings.remove(&row.id);
            let listing = if builtin { Some(crate::builtin::demo::listing()) } else { known };
            self.catalogue.put(row.clone(), listing);
            if let Some(error) = self.connect_or_say(&row).await {
                warnings.push(format!("the integration {} can't be used: {error}", row.id));
            }
        }
        self.offer_demo().await?;
        self.reload_rules().await?;
        self.recover_approvals().await?;
        Ok(warnings)
    }

    /// Starts everything that runs beside the calls.
    fn spawn_upkeep(self: &Arc<Self>, sessions: Arc<Sessions>, stop: &CancellationToken) {
        let tasks = &self.tasks;
        tasks.spawn(self.clone().expire_requests(stop.clone()));
        tasks.spawn(self.clone().review_requests(stop.clone()));
        tasks.spawn(self.clone().housekeeping(sessions.clone(), stop.clone()));
        tasks.spawn(list_changed::notify_sessions(self.clone(), sessions, stop.clone()));
        tasks.spawn(self.clone().announce_activity(stop.clone()));
    }

    /// Tells screens of new rows.
    async fn announce_activity(self: Arc<Self>, stop: CancellationToken) {
        let mut imported = self.journal.imported();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                changed = imported.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.events.send(agentport_api::Event::Activity);
                }
            }
        }
    }
}
