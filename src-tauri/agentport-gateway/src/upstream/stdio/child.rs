//! A running local server: its process tree, its pipes, and why it ended.

use std::{path::PathBuf, process::ExitStatus, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::{
    LocalServers,
    activity::StartActivity,
    environment::{self, ChildEnvironment},
    process_tree::{ProcessTree, ServerPipes},
    search_path::{ProgramNotFound, find_program},
    stderr::{self, LogRing},
    transport::{StdioPipe, StdioTransport},
};
use crate::upstream::{
    LocalTarget, error::UpstreamError, in_flight::InFlight, redaction::Redactor,
};

/// Lines at the end of the standard error that are searched for network problems.
const NETWORK_LINES: usize = 40;
/// Lower-case parts of messages of npm, Node.js, pip, uv, curl and OpenSSL.
const NETWORK_PROBLEMS: [&str; 14] = [
    "enotfound",
    "econnrefused",
    "econnreset",
    "etimedout",
    "eai_again",
    "getaddrinfo",
    "could not resolve host",
    "failed to resolve",
    "name resolution",
    "network is unreachable",
    "self_signed_cert",
    "unable to get local issuer certificate",
    "certificate verify failed",
    "invalid peer certificate",
];
const NETWORK_HINT: &str = "; this looks like a network problem: behind a proxy or with certificates of your own, \
    check HTTPS_PROXY and NODE_EXTRA_CA_CERTS or SSL_CERT_FILE, and that they are among the inherited variables in the \
    settings";
/// Time to wait for the rest of the standard error when a server has ended.
const STDERR_DRAIN_TIMEOUT: Duration = Duration::from_millis(250);

/// A running server.
pub(in crate::upstream) struct ChildServer {
    tree: ProcessTree,
    pipe: Arc<StdioPipe>,
    redactor: Redactor,
    ring: Arc<LogRing>,
    activity: Arc<StartActivity>,
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
    pub(in crate::upstream) async fn start(
        target: &LocalTarget,
        local: &LocalServers,
        redactor: &Redactor,
        in_flight: &Arc<InFlight>,
        ring: &Arc<LogRing>,
        tasks: &TaskTracker,
    ) -> Result<StartedServer, UpstreamError> {
        let LocalTarget { command, args, env, secret_env, secret_args, cwd, .. } = target;
        let inherited = local.inherited.load();
        let mut environment =
            environment::for_child(std::env::vars_os(), &inherited, env, secret_env);
        let program = find(target, local, &mut environment).await?;
        let args = args.iter().enumerate().map(|(at, arg)| match secret_args.get(&at) {
            Some(filled) => filled.expose(),
            None => arg,
        });
        let (tree, ServerPipes { stdin, stdout, stderr }) = ProcessTree::start(
            &program,
            args,
            environment.into_variables(),
            cwd.as_deref(),
            local.records.as_deref(),
        )
        .map_err(|source| UpstreamError::NotStarted {
            command: command.clone(),
            source: Arc::new(source),
        })?;
        let activity = Arc::<StartActivity>::default();
        let last_line = Arc::<Mutex<Option<String>>>::default();
        let reading = CancellationToken::new();
        let reader = tasks.spawn({
            let (ring, redactor, last_line) = (ring.clone(), redactor.clone(), last_line.clone());
            let (reading, activity) = (reading.clone(), activity.clone());
            async move {
                tokio::select! {
                    () = stderr::read(stderr, &ring, &redactor, &last_line, &activity) => {}
                    () = reading.cancelled() => {}
                }
            }
        });
        let pipe = StdioPipe::new(stdin, in_flight.clone(), ring.clone(), redactor.clone());
        let transport = StdioTransport::new(pipe.clone(), stdout, activity.clone());
        let reading = reading.drop_guard();
        Ok(StartedServer {
            local: Self {
                tree,
                pipe,
                redactor: redactor.clone(),
                ring: ring.clone(),
                activity,
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

    /// When it last wrote something.
    pub(in crate::upstream) fn activity(&self) -> &Arc<StartActivity> {
        &self.activity
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
        let mut reason = exit_reason(status, last.as_deref(), garbage.as_deref());
        if !spoke
            && self.ring.lines().iter().rev().take(NETWORK_LINES).any(|line| is_network(&line.text))
        {
            reason.push_str(NETWORK_HINT);
        }
        reason
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

/// Finds the program as the owner's terminal would, and gives the child the same PATH. A PATH of the integration's own
/// is used as it is.
async fn find(
    target: &LocalTarget,
    local: &LocalServers,
    environment: &mut ChildEnvironment,
) -> Result<PathBuf, UpstreamError> {
    let LocalTarget { command, env, secret_env, cwd, .. } = target;
    let not_found = |missing: ProgramNotFound| UpstreamError::CommandNotFound {
        command: command.clone(),
        searched: missing.searched,
    };
    let ours = environment.path().map(ToOwned::to_owned);
    if environment::sets_path(env, secret_env) {
        let path = ours.unwrap_or_default();
        return find_program(command, &path, cwd.as_deref()).map_err(not_found);
    }
    let mut path = local.search_path.directories(ours.as_deref()).await;
    let mut found = find_program(command, &path, cwd.as_deref());
    if found.is_err() {
        // It may have been installed since the login shell was asked.
        path = local.search_path.refresh(ours.as_deref()).await;
        found = find_program(command, &path, cwd.as_deref());
    }
    environment.set("PATH", path);
    found.map_err(not_found)
}

/// Whether a line on standard error speaks of a network that cannot be reached or of a certificate that is not trusted.
fn is_network(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    NETWORK_PROBLEMS.iter().any(|problem| line.contains(problem))
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
    fn network_problems_are_recognised() {
        for (line, network) in [
            ("npm error code ENOTFOUND", true),
            ("error: invalid peer certificate: UnknownIssuer", true),
            ("API_KEY is not set", false),
        ] {
            assert_eq!(is_network(line), network, "{line}");
        }
    }

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
