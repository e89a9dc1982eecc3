//! A local server while it runs: its processes, its pipes, and its last words.

use std::{
    process::ExitStatus,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{task::JoinHandle, time::timeout};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::{
    Target,
    attribution::Running,
    environment,
    error::UpstreamError,
    hidden::Hidden,
    process::{Pipes, Tree},
    stderr::{self, Ring},
    stdio::{Pipe, StdioTransport},
};

/// How long the rest of its standard error is waited for when a server has ended.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// A running server.
pub(super) struct Local {
    tree: Tree,
    pipe: Arc<Pipe>,
    hidden: Hidden,
    last_line: Arc<Mutex<Option<String>>>,
    reader: JoinHandle<()>,
    /// Ends the reader even if a process that left the tree keeps the pipe open.
    _reading: DropGuard,
}

/// A server just started, and rmcp's end of its pipes.
pub(super) struct Started {
    pub(super) local: Local,
    pub(super) transport: StdioTransport,
}

impl Local {
    pub(super) fn start(
        target: &Target,
        hidden: &Hidden,
        running: &Arc<Running>,
        ring: &Arc<Ring>,
        tasks: &TaskTracker,
    ) -> Result<Started, UpstreamError> {
        let Target::Local { command, args, env, secret_env, secret_args, cwd, .. } = target else {
            return Err(UpstreamError::Cancelled);
        };
        let environment = environment::for_child(std::env::vars_os(), env, secret_env);
        let args = args.iter().enumerate().map(|(at, arg)| match secret_args.get(&at) {
            Some(filled) => filled.expose(),
            None => arg,
        });
        let (tree, Pipes { stdin, stdout, stderr }) =
            Tree::start(command, args, environment, cwd.as_deref()).map_err(|source| {
                UpstreamError::NotStarted { command: command.clone(), source: Arc::new(source) }
            })?;
        let last_line = Arc::<Mutex<Option<String>>>::default();
        let reading = CancellationToken::new();
        let reader = tasks.spawn({
            let (ring, hidden, last_line) = (ring.clone(), hidden.clone(), last_line.clone());
            let reading = reading.clone();
            async move {
                tokio::select! {
                    () = stderr::read(stderr, &ring, &hidden, &last_line) => {}
                    () = reading.cancelled() => {}
                }
            }
        });
        let pipe = Pipe::new(stdin, running.clone());
        let transport = StdioTransport::new(pipe.clone(), stdout);
        let reading = reading.drop_guard();
        Ok(Started {
            local: Self {
                tree,
                pipe,
                hidden: hidden.clone(),
                last_line,
                reader,
                _reading: reading,
            },
            transport,
        })
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.tree.pid()
    }

    pub(super) fn pipe(&self) -> &Arc<Pipe> {
        &self.pipe
    }

    /// Waits until the server has ended, or closed its side. May be dropped and called again.
    pub(super) async fn ended(&mut self) {
        tokio::select! {
            _ = self.tree.ended() => {}
            () = self.pipe.ended().cancelled() => {}
        }
    }

    /// Ends what is left of the tree at once. Tells how the server ended and what it said last, as the end of a
    /// sentence about it. What it wrote to its output that was no JSON matters only if it never spoke properly.
    pub(super) async fn end_at_once(&mut self, spoke: bool) -> String {
        // A server that closes its output is most often just ending; its exit status says more than our signal.
        let status = timeout(LAST_WORDS, self.tree.ended()).await.ok().flatten();
        self.tree.kill().await;
        self.read_out().await;
        let last = self.last_line.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let garbage =
            self.pipe.garbage().filter(|_| !spoke).map(|line| self.hidden.quote(&line, 100));
        epitaph(status, last.as_deref(), garbage.as_deref())
    }

    /// Ends the tree in good order.
    pub(super) async fn stop(mut self, hurry: &CancellationToken) {
        self.pipe.close().await;
        self.tree.stop(hurry).await;
        self.read_out().await;
    }

    /// Waits for the rest of the standard error.
    async fn read_out(&mut self) {
        if !self.reader.is_finished() {
            let _ = timeout(LAST_WORDS, &mut self.reader).await;
        }
    }
}

fn epitaph(status: Option<ExitStatus>, last: Option<&str>, garbage: Option<&str>) -> String {
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
    fn epitaphs() {
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
            assert_eq!(epitaph(None, last, garbage), expected);
        }
    }
}
