//! Shutdown, requested from the menu, by a page, or by a signal. The gateway refuses calls, lets running ones finish for
//! up to 5 s, stops its child processes and closes the database; then the app exits. A second signal ends it at once.

use anyhow::{Context as _, Result};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Says that the app is to end. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct ShutdownSignal(CancellationToken);

impl ShutdownSignal {
    pub(crate) fn begin(&self) {
        self.0.cancel();
    }

    pub(crate) async fn requested(&self) {
        self.0.cancelled().await;
    }

    /// Begins the shutdown when a signal comes.
    pub(crate) fn listen(&self, tasks: &TaskTracker) -> Result<()> {
        let mut signals = Signals::listen()?;
        let shutdown = self.clone();
        tasks.spawn(async move {
            signals.next().await;
            shutdown.begin();
            signals.next().await;
            tracing::warn!("stopped at once, without waiting for running calls");
            end_at_once();
        });
        Ok(())
    }
}

/// Skips the toolkits' exit handlers, which can hang when called from another thread than theirs.
#[cfg(unix)]
fn end_at_once() {
    use nix::sys::signal::{Signal, raise};
    // A process may always end itself.
    let _ = raise(Signal::SIGKILL);
}

#[cfg(windows)]
fn end_at_once() {
    std::process::exit(1);
}

/// Ctrl-C, and the signals of a session, a service manager or a closing terminal.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self).context("cannot listen for Ctrl-C")
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
