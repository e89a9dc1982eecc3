//! Waits for an upstream to start, with progress on stderr. Ctrl-C gives up.

use std::{
    future::Future,
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use agentport_api::{Connection, ControlError, LogLine, paths};
use agentport_core::IntegrationId;
use anyhow::{Result, bail};
use serde::Serialize;

use crate::{
    client::{OwnerClient, SuccessBody},
    context::Context,
    output,
};

/// Time for the gateway's answer. Longer than it gives an upstream, so that the gateway says what failed.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);
/// When it is said that the command still waits.
const SLOW_NOTE_DELAY: Duration = Duration::from_secs(10);
/// Interval between two updates of the progress line on a terminal.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);
/// Time for the server's log, which only adds to the progress line.
const LOG_TIMEOUT: Duration = Duration::from_secs(1);
/// Width of the server's last line in the progress line, in characters.
const MAX_LAST_LINE: usize = 60;

/// An integration whose upstream starts because it is added or changed.
pub(super) struct StartingIntegration<'a> {
    pub(super) owner: &'a OwnerClient,
    pub(super) id: &'a IntegrationId,
    pub(super) connection: &'a Connection,
    pub(super) context: &'a Context,
}

impl StartingIntegration<'_> {
    /// Sends the request that adds it, and waits for the answer. On Ctrl-C the gateway cancels it, and keeps nothing.
    pub(super) async fn add(&self, path: &str, body: &impl Serialize) -> Result<SuccessBody> {
        let owner = self.owner.with_timeout(ANSWER_TIMEOUT);
        let mut sent = std::pin::pin!(owner.post(path, body));
        if let Some(answer) = self.watch(sent.as_mut()).await? {
            return Ok(answer);
        }
        let pending = paths::fill(paths::INTEGRATION_ADDING, self.id);
        match owner.control().delete(&pending).await {
            Ok(()) => bail!("given up, and nothing was added"),
            // Too late: it was added already, or has failed by itself.
            Err(ControlError::Refused { .. }) => sent.await,
            Err(error) => Err(error.into()),
        }
    }

    /// Sends a change, and waits for the answer. The gateway continues with it even if the command gives up.
    pub(super) async fn change(&self, path: &str, body: &impl Serialize) -> Result<SuccessBody> {
        let owner = self.owner.with_timeout(ANSWER_TIMEOUT);
        match self.watch(owner.put(path, body)).await? {
            Some(answer) => Ok(answer),
            None => bail!("given up before it had answered; the gateway may still finish it"),
        }
    }

    /// Waits for an answer, and says on stderr what is waited for. `None`: Ctrl-C.
    async fn watch(
        &self,
        sent: impl Future<Output = Result<SuccessBody>>,
    ) -> Result<Option<SuccessBody>> {
        let mut progress = Progress::start(self);
        let mut sent = std::pin::pin!(sent);
        let mut given_up = std::pin::pin!(tokio::signal::ctrl_c());
        let first = tokio::time::Instant::now() + PROGRESS_INTERVAL;
        let mut ticks = tokio::time::interval_at(first, PROGRESS_INTERVAL);
        let answer = loop {
            tokio::select! {
                answer = &mut sent => break answer.map(Some),
                _ = &mut given_up => break Ok(None),
                _ = ticks.tick() => progress.update(self).await,
            }
        };
        progress.clear();
        answer
    }

    /// The last line that the server wrote to stderr, where there is one.
    async fn last_line(&self) -> Option<String> {
        let path = paths::fill(paths::INTEGRATION_LOG, self.id);
        let lines: Vec<LogLine> = self.owner.with_timeout(LOG_TIMEOUT).list(&path).await.ok()?;
        lines.last().map(|line| output::cut(&line.text, MAX_LAST_LINE))
    }
}

/// What was said so far.
struct Progress {
    begun: Instant,
    shown: ProgressStyle,
    slow_note: &'static str,
    said_slow: bool,
}

/// How progress is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ProgressStyle {
    /// One line of a terminal, written over.
    Line,
    /// A note now, and another one when it takes long.
    Notes,
    /// Not at all: stderr is a program's, and so is stdout.
    Nowhere,
}

impl Progress {
    fn start(starting: &StartingIntegration<'_>) -> Self {
        let shown = match (io::stderr().is_terminal(), starting.context.output.is_json()) {
            (true, _) => ProgressStyle::Line,
            (false, false) => ProgressStyle::Notes,
            (false, true) => ProgressStyle::Nowhere,
        };
        let (first_note, slow_note) = notes(starting.connection);
        if shown != ProgressStyle::Nowhere {
            output::note(first_note);
        }
        Self { begun: Instant::now(), shown, slow_note, said_slow: false }
    }

    async fn update(&mut self, starting: &StartingIntegration<'_>) {
        let elapsed = self.begun.elapsed();
        if elapsed >= SLOW_NOTE_DELAY && !self.said_slow && self.shown != ProgressStyle::Nowhere {
            self.said_slow = true;
            self.clear();
            output::note(self.slow_note);
        }
        if self.shown == ProgressStyle::Line {
            let line = progress_line(elapsed, starting.last_line().await.as_deref());
            overwrite(&line);
        }
    }

    fn clear(&self) {
        if self.shown == ProgressStyle::Line {
            overwrite("");
        }
    }
}

fn progress_line(elapsed: Duration, last_line: Option<&str>) -> String {
    let seconds = elapsed.as_secs();
    match last_line {
        Some(last) => format!("  {seconds} s: {last}"),
        None => format!("  {seconds} s"),
    }
}

/// Replaces the terminal's current line (`EL` of ECMA-48).
fn overwrite(line: &str) {
    let mut stderr = io::stderr().lock();
    // Progress is no result: with stderr closed there is nothing to do.
    let _ = write!(stderr, "\r\x1b[K{}", output::printable(line)).and_then(|()| stderr.flush());
}

/// What is said at once, and what after a while.
fn notes(connection: &Connection) -> (&'static str, &'static str) {
    match connection {
        Connection::LocalMcp { .. } => (
            "Starting it, and asking for its tools …",
            "Still waiting: npx and its like download a program first, which may take minutes. Ctrl-C gives up.",
        ),
        Connection::RemoteMcp { .. } => (
            "Connecting, and asking for its tools …",
            "Still waiting for an answer. Ctrl-C gives up.",
        ),
        Connection::Builtin { .. } => {
            ("Adding it …", "Still waiting for the gateway. Ctrl-C gives up.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_says_how_long_and_what_the_server_wrote_last() {
        let after = |seconds: u64| Duration::from_millis(seconds * 1_000 + 999);
        assert_eq!(progress_line(after(3), None), "  3 s");
        assert_eq!(progress_line(after(61), Some("added 3 packages")), "  61 s: added 3 packages");
    }
}
