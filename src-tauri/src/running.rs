//! The gateway's life inside the app: it starts, may fail to and be tried again, moves to another port, and stops.
//!
//! What holds: there is one at a time; the app lives on without one and says why; nobody waits for a start that hangs
//! (a keychain may be asking the owner) once the owner wants to quit.

use std::{path::PathBuf, sync::Arc};

use agentport_api::{Event, Settings};
use agentport_clients::client::Machine;
use agentport_gateway::{
    ControlAccess, ControlExtension, Gateway, Options, Port, StartError,
    data_dir::{DataDir, DataDirError, LockError},
    vault::VaultChoice,
};
use axum::Router;
use tokio::sync::{Mutex, broadcast, watch};
use tokio_util::sync::CancellationToken;

/// How it stands with the gateway.
#[derive(Clone)]
pub(crate) enum Condition {
    Starting,
    Up(Arc<Up>),
    Down(Trouble),
    /// For good: the app ends.
    Stopping,
}

/// What the app has of a gateway that runs.
pub(crate) struct Up {
    /// The owner's plane.
    pub owner: Router,
    pub port: u16,
    events: broadcast::Receiver<Event>,
}

impl Up {
    /// What changes from now on.
    pub(crate) fn events(&self) -> broadcast::Receiver<Event> {
        self.events.resubscribe()
    }
}

/// Why none runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// For the owner: what is wrong, and what to do.
    pub sentence: String,
    /// Where it would listen.
    pub port: u16,
}

/// The port is taken; the gateway is where it was.
#[derive(Debug, thiserror::Error)]
#[error("Port {0} is in use by another program; choose a different one")]
pub(crate) struct PortTaken(pub u16);

/// What every start begins with.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub home: Option<PathBuf>,
    pub vault: VaultChoice,
    pub port: Port,
}

/// The gateway, while there is one. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Running(Arc<Inner>);

struct Inner {
    wanted: Wanted,
    /// Held for as long as the gateway is being changed.
    gateway: Mutex<Held>,
    condition: watch::Sender<Condition>,
    quit: CancellationToken,
}

struct Held {
    gateway: Option<Gateway>,
    port: Port,
}

#[derive(Debug, thiserror::Error)]
enum NotStarted {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Gateway(#[from] StartError),
}

impl Running {
    pub(crate) fn new(wanted: Wanted) -> Self {
        let held = Mutex::new(Held { gateway: None, port: wanted.port });
        let condition = watch::Sender::new(Condition::Starting);
        Self(Arc::new(Inner { wanted, gateway: held, condition, quit: CancellationToken::new() }))
    }

    /// How it stands, and what becomes of it.
    pub(crate) fn watch(&self) -> watch::Receiver<Condition> {
        self.0.condition.subscribe()
    }

    pub(crate) fn condition(&self) -> Condition {
        self.0.condition.borrow().clone()
    }

    /// The owner's plane, if it can be reached now.
    pub(crate) fn up(&self) -> Option<Arc<Up>> {
        match self.condition() {
            Condition::Up(up) => Some(up),
            _ => None,
        }
    }

    /// Starts the gateway, unless it runs.
    pub(crate) async fn start(&self) {
        let mut held = self.0.gateway.lock().await;
        if held.gateway.is_none() {
            let port = held.port;
            // Why it failed stands in the condition.
            let _ = self.start_on(&mut held, port).await;
        }
    }

    /// Moves to another port. Where that is taken, everything stays as it was.
    pub(crate) async fn move_to(&self, port: u16) -> Result<(), PortTaken> {
        let mut held = self.0.gateway.lock().await;
        if self.up().is_some_and(|up| up.port == port) {
            return Ok(());
        }
        // Asked before the old one is stopped: a port that is taken must cost nobody a connection.
        if !is_free(port) {
            return Err(PortTaken(port));
        }
        let before = self.up().map(|up| Port::Chosen(up.port));
        if let Some(gateway) = held.gateway.take() {
            self.0.condition.send_replace(Condition::Starting);
            gateway.stop().await;
        }
        match self.start_on(&mut held, Port::Chosen(port)).await {
            Err(NotStarted::Gateway(StartError::Bind { .. })) => {
                if let Some(before) = before {
                    let _ = self.start_on(&mut held, before).await;
                }
                Err(PortTaken(port))
            }
            // It runs there, or is to once another trouble, which is shown, is mended.
            Ok(()) | Err(_) => {
                held.port = Port::Chosen(port);
                Ok(())
            }
        }
    }

    async fn start_on(&self, held: &mut Held, port: Port) -> Result<(), NotStarted> {
        let Inner { wanted, condition, quit, .. } = &*self.0;
        if quit.is_cancelled() {
            return Ok(());
        }
        condition.send_replace(Condition::Starting);
        let started = tokio::select! {
            started = start(wanted, port) => started,
            () = quit.cancelled() => return Ok(()),
        };
        match started {
            Ok(gateway) => {
                for warning in &gateway.announcement().warnings {
                    tracing::warn!("{warning}");
                }
                tracing::info!(mcp_url = gateway.announcement().mcp_url, "listening");
                let up =
                    Up { owner: gateway.owner(), port: gateway.port(), events: gateway.events() };
                held.gateway = Some(gateway);
                condition.send_replace(Condition::Up(Arc::new(up)));
                Ok(())
            }
            Err(error) => {
                tracing::error!(error = chain(&error), "the gateway did not start");
                condition.send_replace(Condition::Down(trouble(&error, port)));
                Err(error)
            }
        }
    }

    /// Stops the gateway for good: no more calls, running ones for up to 5 s, children, database.
    pub(crate) async fn stop(&self) {
        let Inner { gateway, condition, quit, .. } = &*self.0;
        quit.cancel();
        condition.send_replace(Condition::Stopping);
        if let Some(gateway) = gateway.lock().await.gateway.take() {
            gateway.stop().await;
        }
    }
}

async fn start(wanted: &Wanted, port: Port) -> Result<Gateway, NotStarted> {
    let options = Options {
        home: DataDir::open(wanted.home.clone())?,
        port,
        vault: wanted.vault.clone(),
        owner_password: None,
        ui: agentport_pages::assets(),
        control_access: ControlAccess::WindowOnly,
        extensions: clients_extension().into_iter().collect(),
    };
    Ok(Gateway::start(options).await?)
}

/// The files of this machine's clients; nowhere without a home directory.
fn clients_extension() -> Option<ControlExtension> {
    Some(agentport_setup::control_extension(agentport_setup::cli_path(), Machine::this()?))
}

/// Could it be listened on? Only the gateway's own attempt says for certain.
fn is_free(port: u16) -> bool {
    let taken = |address: &str| {
        std::net::TcpListener::bind((address, port))
            .is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
    };
    !taken("127.0.0.1") && !taken("::1")
}

fn trouble(error: &NotStarted, port: Port) -> Trouble {
    let wanted = match port {
        Port::Chosen(port) => port,
        Port::FromSettings => Settings::default().port,
    };
    let (sentence, port) = match error {
        NotStarted::Gateway(StartError::Bind { port, .. }) => (
            format!(
                "Port {port} is in use by another program. Stop that program, or choose another port."
            ),
            *port,
        ),
        NotStarted::Gateway(StartError::DataDir(LockError::AlreadyRunning(other))) => {
            let process = other.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
            let home = other.home.display();
            let sentence = format!(
                "Another AgentPort{process} already uses the data in {home}, perhaps `agentport serve` in a terminal. Stop it, then try again."
            );
            (sentence, wanted)
        }
        other => (sentence(&chain(other)), wanted),
    };
    Trouble { sentence, port }
}

/// Errors read as parts of a sentence; the owner gets a whole one.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(chars).chain(['.']).collect()
}

/// An error and everything behind it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
