//! A running local server: its process tree, its pipes, and why it ended.

use std::{process::ExitStatus, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::{
    environment,
    process_tree::{ProcessTree, ServerPipes},
    stderr::{self, LogRing},
    transport::{StdioPipe, StdioTransport},
};
use crate::upstream::{
    LocalTarget, error::UpstreamError, in_flight::InFlight, redaction::Redactor,
};

/// Time to wait for the rest of the standard error when a server has ended.
const STDERR_DRAIN_TIMEOUT: Duration = Duration::from_millis(250);

/// A running server.
pub(in crate::upstream) struct ChildServer {
    tree: ProcessTree,
    pipe: Arc<StdioPipe>,
    redactor: Redactor,
    last_line: Arc<Mutex<Option<String>>>,
    reader: JoinHandle<()>,
    /// Ends the reader even if a process that left the tree keeps the pipe open.
    _reading: DropGuard,
}

/// A server just started, and rmcp's end of its pipes.
pub(in crate::upstream) struct StartedServer {
    pub(in crate::upstream) local: ChildServer,
    pub(in crate::upstream) transport: StdioTransport,
}

impl ChildServer {
    pub(in crate::upstream) fn start(
        target: &LocalTarget,
        redactor: &Redactor,
        in_flight: &Arc<InFlight>,
        ring: &Arc<LogRing>,
        tasks: &TaskTracker,
    ) -> Result<StartedServer, UpstreamError> {
        let LocalTarget { command, args, env, secret_env, secret_args, cwd, .. } = target;
        let environment = environment::for_child(std::env::vars_os(), env, secret_env);
        let args = args.iter().enumerate().map(|(at, arg)| match secret_args.get(&at) {
            Some(filled) => filled.expose(),
            None => arg,
        });
        let (tree, ServerPipes { stdin, stdout, stderr }) =
            ProcessTree::start(command, args, environment, cwd.as_deref()).map_err(|source| {
                UpstreamError::NotStarted { command: command.clone(), source: Arc::new(source) }
            })?;
        let last_line = Arc::<Mutex<Option<String>>>::default();
        let reading = CancellationToken::new();
        let reader = tasks.spawn({
            let (ring, redactor, last_line) = (ring.clone(), redactor.clone(), last_line.clone());
            let reading = reading.clone();
            async move {
                tokio::select! {
                    () = stderr::read(stderr, &ring, &redactor, &last_line) => {}
                    () = reading.cancelled() => {}
                }
            }
        });
        let pipe = StdioPipe::new(stdin, in_flight.clone());
        let transport = StdioTransport::new(pipe.clone(), stdout);
        let reading = reading.drop_guard();
        Ok(StartedServer {
            local: Self {
                tree,
                pipe,
                redactor: redactor.clone(),
                last_line,
                reader,
                _reading: reading,
            },
            transport,
        })
    }

    pub(in crate::upstream) fn pid(&self) -> Option<u32> {
        self.tree.pid()
    }

    pub(in crate::upstream) fn pipe(&self) -> &Arc<StdioPipe> {
        &self.pipe
    }

    /// Waits until the server has ended, or closed its side. May be dropped and called again.
    pub(in crate::upstream) async fn ended(&mut self) {
        tokio::select! {
            _ = self.tree.ended() => {}
            () = self.pipe.ended().cancelled() => {}
        }
    }

    /// Kills what is left of the tree. Returns how the server ended and the last line of its standard error, as the
    /// end of a sentence about it. A line on standard output that was no JSON is quoted only if the handshake failed.
    pub(in crate::upstream) async fn end_at_once(&mut self, spoke: bool) -> String {
        // A server that closes its output is most often just ending; its exit status says more than our signal.
        let status = timeout(STDERR_DRAIN_TIMEOUT, self.tree.ended()).await.ok().flatten();
        self.tree.kill().await;
        self.read_out().await;
        let last = self.last_line.lock().clone();
        let garbage =
            self.pipe.garbage().filter(|_| !spoke).map(|line| self.redactor.quote(&line, 100));
        exit_reason(status, last.as_deref(), garbage.as_deref())
    }

    /// Ends the tree in good order.
    pub(in crate::upstream) async fn stop(mut self, force_stop: &CancellationToken) {
        self.pipe.close().await;
        self.tree.stop(force_stop).await;
        self.read_out().await;
    }

    /// Waits for the rest of the standard error.
    async fn read_out(&mut self) {
        if !self.reader.is_finished() {
            let _ = timeout(STDERR_DRAIN_TIMEOUT, &mut self.reader).await;
        }
    }
}

fn exit_reason(status: Option<ExitStatus>, last: Option<&str>, garbage: Option<&str>) -> String {
    let mut text = match (last, garbage) {
        (Some(last), _) => format!("its last words: {last:?}"),
        (None, Some(_)) => String::new(),
        (None, None) => "it left no words".to_owned(),
    };
    if let Some(garbage) = garbage {
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(&format!("on its output it wrote what is no JSON: {garbage:?}"));
    }
    if let Some(status) = status {
        text.push_str(&format!(" ({status})"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_reasons() {
        for (last, garbage, expected) in [
            (None, None, "it left no words"),
            (Some("no such key"), None, "its last words: \"no such key\""),
            (None, Some("Hi"), "on its output it wrote what is no JSON: \"Hi\""),
            (
                Some("a"),
                Some("b"),
                "its last words: \"a\"; on its output it wrote what is no JSON: \"b\"",
            ),
        ] {
            assert_eq!(exit_reason(None, last, garbage), expected);
        }
    }
}
