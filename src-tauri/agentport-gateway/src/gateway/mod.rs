//! Start and stop of the gateway: open storage, bind, serve, announce; stop gracefully, then by deadlines, then by force.

mod background;
mod bind;
mod external;
mod load;
mod options;
mod services;

use std::{path::PathBuf, sync::Arc, time::Duration};

use agentport_core::{
    ErrorChain,
    audit::{Actor, AuditAction},
};
use serde::Serialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::services::{GatewayServices, GatewayTasks, OpenStorage};
use crate::{
    control::{
        self, Control,
        exposure::TcpExposure,
        extension::{self, ControlExtension, ControlHandle},
        password,
    },
    data_dir::{DataDirLock, LockError, Runtime},
    http::{self, AgentRoutes},
    mcp::{McpEndpoint, sessions::Sessions},
    vault::VaultError,
};

pub use self::options::{ExternalAccess, Options, Port};

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

/// Where a started gateway is reached.
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
    services: GatewayServices,
    sessions: Arc<Sessions>,
    servers: TaskTracker,
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
        let started_at = crate::clock::now();
        let lock = options.home.lock()?;
        let mut storage =
            OpenStorage::open(&options.home, options.vault, options.owner_password).await?;
        // Bind before anything runs: a port that is taken must not end the sessions of agents.
        let wanted = match options.port {
            Port::Chosen(port) => port,
            Port::FromSettings => storage.settings.port,
        };
        let (listeners, port) = bind::bind(wanted).await?;
        let tasks = GatewayTasks::default();
        let mut warnings = std::mem::take(&mut storage.warnings);
        let password_set = storage.password_set;
        let services = GatewayServices::build(storage, &options.home, port, tasks).await?;
        if password_set {
            let at = json!({ "at": "first start" });
            let action = AuditAction::PasswordSet;
            services.base.audit.record(Actor::Owner, action, "owner", at).await;
        }
        warnings.extend(services.load().await.map_err(database)?);

        let has_password = password::has_password(&services.base.store).await.map_err(database)?;
        let endpoint = McpEndpoint::new(services.agent_api(), services.tasks.tracker.clone());
        let front = TcpExposure::new(options.control_access, has_password);
        let control = services.control(endpoint.sessions(), front, options.home.root(), started_at);
        let servers = TaskTracker::new();
        let connections = CancellationToken::new();
        let extensions = open_extensions(&control, options.extensions, options.home.root());
        let agents = AgentRoutes {
            api: services.agent_api(),
            endpoint: endpoint.clone(),
            oauth: services.oauth_server.clone(),
        };
        let router = http::router(&agents, &control, extensions.clone(), options.ui);
        serve(&servers, listeners, &router, &connections);
        services.spawn_external(agents, options.external, &servers, &connections);
        services.spawn_background(endpoint.sessions());
        let announcement = announce(&services, &control, &options.home, warnings)?;
        Ok(Self {
            services,
            sessions: endpoint.sessions(),
            servers,
            connections,
            announcement,
            owner: control::in_process(control, extensions),
            _lock: lock,
        })
    }

    pub fn announcement(&self) -> &Announcement {
        &self.announcement
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.services.address.port
    }

    /// What changes from now on. A slow receiver misses some, and has to read anew.
    pub fn events(&self) -> tokio::sync::broadcast::Receiver<agentport_api::Event> {
        self.services.base.events.listen()
    }

    /// The control API in process, without a sign-in: for the program that holds the gateway.
    pub fn owner(&self) -> axum::Router {
        self.owner.clone()
    }

    /// Takes no more calls, lets running ones finish for a while, ends upstreams, closes the database.
    pub async fn stop(self) {
        let Self { services, sessions, servers, connections, .. } = self;
        let tasks = &services.tasks;
        tasks.stop.soft.cancel();
        connections.cancel();
        tasks.running_calls.close();
        if tokio::time::timeout(CALLS_STOP_TIMEOUT, tasks.running_calls.wait()).await.is_err() {
            tracing::warn!("some calls were still running and were ended");
        }
        tasks.stop.hard.cancel();
        servers.close();
        if tokio::time::timeout(SERVERS_STOP_TIMEOUT, servers.wait()).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        tasks.background_stop.cancel();
        services.upstreams.stop(UPSTREAMS_STOP_TIMEOUT).await;
        if let Err(error) = sessions.flush().await {
            tracing::warn!(error = %ErrorChain(&error), "when sessions were last used could not be stored");
        }
        if let Err(error) = services.base.agents.flush().await {
            tracing::warn!(error = %ErrorChain(&error), "when agents were last seen could not be stored");
        }
        // The last to end: what is journalled while stopping has to reach the database.
        tasks.journal_stop.cancel();
        tasks.tracker.close();
        if tokio::time::timeout(TASKS_STOP_TIMEOUT, tasks.tracker.wait()).await.is_err() {
            tracing::warn!("some tasks did not end in time");
        }
        services.base.store.close().await;
    }
}

fn open_extensions(
    control: &Control,
    extensions: Vec<ControlExtension>,
    root: &std::path::Path,
) -> axum::Router {
    extension::open(extensions, &ControlHandle::new(control, root))
}

fn serve(
    servers: &TaskTracker,
    listeners: Vec<TcpListener>,
    router: &axum::Router,
    connections: &CancellationToken,
) {
    for listener in listeners {
        http::accept::serve(servers, listener, router.clone(), connections.clone());
    }
}

/// Writes the runtime file, by which other programs find this gateway.
fn announce(
    services: &GatewayServices,
    control: &Control,
    home: &crate::data_dir::DataDir,
    warnings: Vec<String>,
) -> Result<Announcement, StartError> {
    let origin = services.address.origin();
    let announcement = Announcement {
        mcp_url: format!("{origin}/mcp"),
        dashboard_url: control.dashboard_url(),
        home: home.root().to_owned(),
        pid: std::process::id(),
        warnings,
    };
    let runtime = Runtime {
        port: services.address.port,
        pid: announcement.pid,
        mcp_url: announcement.mcp_url.clone(),
        control_url: origin,
    };
    home.write_runtime(&runtime).map_err(StartError::Runtime)?;
    Ok(announcement)
}
