//! Supervises the in-process gateway: starts it, retries after a failed start, moves it to another port, stops it.
//!
//! Invariants: there is at most one gateway; without one the app stays, and shows why; quitting does not wait for a start
//! that hangs (a keychain may be asking the owner).

use std::{path::PathBuf, sync::Arc};

use agentport_api::{Event, Settings};
use agentport_clients::client::Machine;
use agentport_core::ErrorChain;
use agentport_gateway::{
    ControlAccess, ControlExtension, Gateway, Options, Port, StartError,
    data_dir::{DataDir, DataDirError, LockError},
    vault::VaultChoice,
};
use axum::Router;
use tokio::sync::{Mutex, broadcast, watch};
use tokio_util::sync::CancellationToken;

/// State of the supervised gateway.
#[derive(Clone)]
pub(crate) enum GatewayStatus {
    Starting,
    Running(Arc<RunningGateway>),
    Failed(StartFailure),
    /// Final: the app ends.
    Stopping,
}

/// The parts of a running gateway that the app uses.
pub(crate) struct RunningGateway {
    /// The control API, in process.
    pub control_api: Router,
    pub port: u16,
    events: broadcast::Receiver<Event>,
}

impl RunningGateway {
    /// Changes from now on.
    pub(crate) fn events(&self) -> broadcast::Receiver<Event> {
        self.events.resubscribe()
    }
}

/// Why no gateway runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StartFailure {
    /// What is wrong and what to do, for the owner.
    pub sentence: String,
    /// The port it would listen on.
    pub port: u16,
}

/// The port is taken; the gateway stays on its port.
#[derive(Debug, thiserror::Error)]
#[error("Port {0} is in use by another program; choose a different one")]
pub(crate) struct PortTaken(pub u16);

/// Options of every start.
#[derive(Debug, Clone)]
pub(crate) struct LaunchOptions {
    pub home: Option<PathBuf>,
    pub vault: VaultChoice,
    pub port: Port,
}

/// Handle of the supervised gateway. Cheap to clone.
#[derive(Clone)]
pub(crate) struct GatewaySupervisor(Arc<SupervisorState>);

struct SupervisorState {
    options: LaunchOptions,
    /// Locked while the gateway is being changed.
    slot: Mutex<GatewaySlot>,
    status: watch::Sender<GatewayStatus>,
    stopping: CancellationToken,
}

struct GatewaySlot {
    gateway: Option<Gateway>,
    port: Port,
}

#[derive(Debug, thiserror::Error)]
enum StartAttemptError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Gateway(#[from] StartError),
}

impl GatewaySupervisor {
    pub(crate) fn new(options: LaunchOptions) -> Self {
        let slot = Mutex::new(GatewaySlot { gateway: None, port: options.port });
        let status = watch::Sender::new(GatewayStatus::Starting);
        Self(Arc::new(SupervisorState {
            options,
            slot,
            status,
            stopping: CancellationToken::new(),
        }))
    }

    /// The status, and its changes.
    pub(crate) fn watch(&self) -> watch::Receiver<GatewayStatus> {
        self.0.status.subscribe()
    }

    pub(crate) fn status(&self) -> GatewayStatus {
        self.0.status.borrow().clone()
    }

    /// The gateway, if it runs now.
    pub(crate) fn running(&self) -> Option<Arc<RunningGateway>> {
        match self.status() {
            GatewayStatus::Running(up) => Some(up),
            _ => None,
        }
    }

    /// Starts the gateway, unless it runs.
    pub(crate) async fn start(&self) {
        let mut slot = self.0.slot.lock().await;
        if slot.gateway.is_none() {
            let port = slot.port;
            // The status says why it failed.
            let _ = self.start_on(&mut slot, port).await;
        }
    }

    /// Moves to another port. Where that is taken, everything stays as it was.
    pub(crate) async fn move_to(&self, port: u16) -> Result<(), PortTaken> {
        let mut slot = self.0.slot.lock().await;
        if self.running().is_some_and(|up| up.port == port) {
            return Ok(());
        }
        // Probed before the gateway is stopped: a port that is taken must not cost agents their connections.
        if !is_free(port) {
            return Err(PortTaken(port));
        }
        let before = self.running().map(|up| Port::Chosen(up.port));
        if let Some(gateway) = slot.gateway.take() {
            self.0.status.send_replace(GatewayStatus::Starting);
            gateway.stop().await;
        }
        match self.start_on(&mut slot, Port::Chosen(port)).await {
            Err(StartAttemptError::Gateway(StartError::Bind { .. })) => {
                if let Some(before) = before {
                    let _ = self.start_on(&mut slot, before).await;
                }
                Err(PortTaken(port))
            }
            // It runs there, or will once the failure that the status shows is mended.
            Ok(()) | Err(_) => {
                slot.port = Port::Chosen(port);
                Ok(())
            }
        }
    }

    async fn start_on(&self, slot: &mut GatewaySlot, port: Port) -> Result<(), StartAttemptError> {
        let SupervisorState { options, status, stopping, .. } = &*self.0;
        if stopping.is_cancelled() {
            return Ok(());
        }
        status.send_replace(GatewayStatus::Starting);
        let started = tokio::select! {
            started = start(options, port) => started,
            () = stopping.cancelled() => return Ok(()),
        };
        match started {
            Ok(gateway) => {
                for warning in &gateway.announcement().warnings {
                    tracing::warn!("{warning}");
                }
                tracing::info!(mcp_url = gateway.announcement().mcp_url, "listening");
                let up = RunningGateway {
                    control_api: gateway.owner(),
                    port: gateway.port(),
                    events: gateway.events(),
                };
                slot.gateway = Some(gateway);
                status.send_replace(GatewayStatus::Running(Arc::new(up)));
                Ok(())
            }
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "the gateway did not start");
                status.send_replace(GatewayStatus::Failed(start_failure(&error, port)));
                Err(error)
            }
        }
    }

    /// Stops the gateway, finally: refuses calls, lets running ones finish for up to 5 s, stops children, closes the database.
    pub(crate) async fn stop(&self) {
        let SupervisorState { slot, status, stopping, .. } = &*self.0;
        stopping.cancel();
        status.send_replace(GatewayStatus::Stopping);
        if let Some(gateway) = slot.lock().await.gateway.take() {
            gateway.stop().await;
        }
    }
}

async fn start(options: &LaunchOptions, port: Port) -> Result<Gateway, StartAttemptError> {
    let options = Options {
        home: DataDir::open(options.home.clone())?,
        port,
        vault: options.vault.clone(),
        owner_password: None,
        ui: agentport_pages::assets(),
        control_access: ControlAccess::WindowOnly,
        external: None,
        extensions: clients_extension().into_iter().collect(),
    };
    Ok(Gateway::start(options).await?)
}

/// Serves the config files of this machine's MCP clients; none without a home directory.
fn clients_extension() -> Option<ControlExtension> {
    Some(agentport_setup::control_extension(agentport_setup::cli_path(), Machine::this()?))
}

/// A probe; only the gateway's own attempt to listen is certain.
fn is_free(port: u16) -> bool {
    let taken = |address: &str| {
        std::net::TcpListener::bind((address, port))
            .is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
    };
    !taken("127.0.0.1") && !taken("::1")
}

fn start_failure(error: &StartAttemptError, port: Port) -> StartFailure {
    let port_number = match port {
        Port::Chosen(port) => port,
        Port::FromSettings => Settings::default().port,
    };
    let (sentence, port) = match error {
        StartAttemptError::Gateway(StartError::Bind { port, .. }) => (
            format!(
                "Port {port} is in use by another program. Stop that program, or choose another port."
            ),
            *port,
        ),
        StartAttemptError::Gateway(StartError::DataDir(LockError::AlreadyRunning(other))) => {
            let process = other.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
            let home = other.home.display();
            let sentence = format!(
                "Another AgentPort{process} already uses the data in {home}, perhaps `agentport serve` in a terminal. Stop it, then try again."
            );
            (sentence, port_number)
        }
        other => (plain_sentence(&ErrorChain(other).to_string()), port_number),
    };
    StartFailure { sentence, port }
}

/// What the Secret Service reports when the owner closes the prompt of a locked keyring.
const PROMPT_DISMISSED: &str = "prompt dismissed";

/// The text of an error, for the owner.
fn plain_sentence(text: &str) -> String {
    if text.contains(PROMPT_DISMISSED) {
        return "Your keyring is locked, and AgentPort keeps its key there. Try again, and unlock the keyring when you are asked.".to_owned();
    }
    sentence(text)
}

/// Makes a whole sentence of an error's text.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(chars).chain(['.']).collect()
}

#[cfg(test)]
mod tests;
