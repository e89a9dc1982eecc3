//! Waits for an upstream to start, with progress on stderr. Ctrl-C cancels an addition, and nothing of it is kept.

use std::{
    future::Future,
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use agentport_api::{AddProgress, Connection, ControlError, LogLine, paths};
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
    /// Its id, or the name of the attempt to add it.
    pub(super) name: &'a str,
    pub(super) connection: &'a Connection,
    pub(super) context: &'a Context,
}

impl StartingIntegration<'_> {
    /// Sends the request that adds it, and waits for the answer. On Ctrl-C the gateway cancels it, and keeps nothing.
    pub(super) async fn add(&self, path: &str, body: &impl Serialize) -> Result<SuccessBody> {
        let owner = self.owner.with_timeout(ANSWER_TIMEOUT);
        let mut sent = std::pin::pin!(owner.post(path, body));
        if let Some(answer) = self.watch(sent.as_mut(), Wait::Addition).await? {
            return Ok(answer);
        }
        let pending = paths::fill(paths::INTEGRATION_ADDING, self.name);
        match owner.control().delete(&pending).await {
            Ok(()) => bail!("cancelled; nothing was kept"),
            // Too late: it was added already, or has failed by itself.
            Err(ControlError::Refused { .. }) => sent.await,
            Err(error) => Err(error.into()),
        }
    }

    /// Sends a change, and waits for the answer. The gateway continues with it even if the command gives up.
    pub(super) async fn change(&self, path: &str, body: &impl Serialize) -> Result<SuccessBody> {
        let owner = self.owner.with_timeout(ANSWER_TIMEOUT);
        match self.watch(owner.put(path, body), Wait::Change).await? {
            Some(answer) => Ok(answer),
            None => bail!("given up before it had answered; the gateway may still finish it"),
        }
    }

    /// The same for a change that is a `POST`.
    pub(super) async fn change_by_post(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<SuccessBody> {
        let owner = self.owner.with_timeout(ANSWER_TIMEOUT);
        match self.watch(owner.post(path, body), Wait::Change).await? {
            Some(answer) => Ok(answer),
            None => bail!("given up before it had answered; the gateway may still finish it"),
        }
    }

    /// Waits for an answer, and says on stderr what is waited for. `None`: Ctrl-C.
    async fn watch(
        &self,
        sent: impl Future<Output = Result<SuccessBody>>,
        wait: Wait,
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
                _ = ticks.tick() => progress.update(self, wait).await,
            }
        };
        progress.clear();
        answer
    }

    /// The last line that the server wrote to stderr, where there is one.
    async fn last_line(&self) -> Option<String> {
        let path = paths::fill(paths::INTEGRATION_LOG, self.name);
        let lines: Vec<LogLine> = self.owner.with_timeout(LOG_TIMEOUT).list(&path).await.ok()?;
        lines.last().map(|line| output::cut(&line.text, MAX_LAST_LINE))
    }

    /// What the gateway says of the addition, where it waits for something.
    async fn add_progress(&self) -> Option<AddProgress> {
        let path = paths::fill(paths::INTEGRATION_ADDING, self.name);
        self.owner.with_timeout(LOG_TIMEOUT).read(&path).await.ok()
    }

    /// The progress line of this moment.
    async fn line(&self, wait: Wait, elapsed: Duration) -> String {
        match wait {
            Wait::Change => progress_line(elapsed, self.last_line().await.as_deref()),
            Wait::Addition => match self.add_progress().await {
                Some(progress) => add_line(&progress),
                None => progress_line(elapsed, None),
            },
        }
    }
}

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    Addition,
    Change,
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

    async fn update(&mut self, starting: &StartingIntegration<'_>, wait: Wait) {
        let elapsed = self.begun.elapsed();
        if elapsed >= SLOW_NOTE_DELAY && !self.said_slow && self.shown != ProgressStyle::Nowhere {
            self.said_slow = true;
            self.clear();
            output::note(self.slow_note);
            if self.shown == ProgressStyle::Notes && wait == Wait::Addition {
                output::note(&starting.line(wait, elapsed).await);
            }
        }
        if self.shown == ProgressStyle::Line {
            overwrite(&starting.line(wait, elapsed).await);
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

fn add_line(progress: &AddProgress) -> String {
    let AddProgress { waiting_for, elapsed_seconds, limit_seconds, last_line, .. } = progress;
    let line = format!("  {elapsed_seconds} of {limit_seconds} s, waiting for {waiting_for}");
    match last_line {
        Some(last) => format!("{line}: {}", output::cut(last, MAX_LAST_LINE)),
        None => line,
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
    if connection.program().is_some() {
        return (
            "Starting it, and asking for its tools …",
            "Still waiting: npx and its like download a program first, which may take minutes. Ctrl-C cancels.",
        );
    }
    match connection.is_builtin() {
        true => ("Adding it …", "Still waiting for the gateway. Ctrl-C cancels."),
        false => (
            "Connecting, and asking for its tools …",
            "Still waiting for an answer. Ctrl-C cancels.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use agentport_api::StartStep;

    use super::*;

    #[test]
    fn an_addition_says_what_it_waits_for() {
        let mut progress = AddProgress {
            step: StartStep::Connecting,
            waiting_for: "https://h.test/mcp to answer".to_owned(),
            elapsed_seconds: 4,
            limit_seconds: 30,
            last_line: None,
        };
        assert_eq!(add_line(&progress), "  4 of 30 s, waiting for https://h.test/mcp to answer");
        progress.last_line = Some("added 3\npackages".to_owned());
        assert!(add_line(&progress).ends_with("to answer: added 3 packages"), "{progress:?}");
    }

    #[test]
    fn progress_says_how_long_and_what_the_server_wrote_last() {
        let after = |seconds: u64| Duration::from_millis(seconds * 1_000 + 999);
        assert_eq!(progress_line(after(3), None), "  3 s");
        assert_eq!(progress_line(after(61), Some("added 3 packages")), "  61 s: added 3 packages");
    }
}
