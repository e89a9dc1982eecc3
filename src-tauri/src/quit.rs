//! The end: asked for in the menu, by a page, or by a signal. The gateway takes no more calls, lets running ones finish
//! for up to 5 s, stops its children and closes the database; then the app is gone. Whoever sends a second signal does
//! not wait for that.

use anyhow::{Context as _, Result};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The owner's wish to end. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quit(CancellationToken);

impl Quit {
    pub(crate) fn begin(&self) {
        self.0.cancel();
    }

    pub(crate) async fn wanted(&self) {
        self.0.cancelled().await;
    }

    /// Turns signals into the wish.
    pub(crate) fn listen(&self, tasks: &TaskTracker) -> Result<()> {
        let mut signals = Signals::listen()?;
        let quit = self.clone();
        tasks.spawn(async move {
            signals.next().await;
            quit.begin();
            signals.next().await;
            tracing::warn!("stopped at once, without waiting for running calls");
            end_at_once();
        });
        Ok(())
    }
}

/// Nothing of the toolkits' own endings is waited for: called from another thread than theirs, they can hang.
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

/// Ctrl-C, and what a session, a service manager or a closing terminal sends.
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
