//! Stdio transport: JSON-RPC messages, one per line (MCP 2026-07-28, Basic, Transports, stdio).
//!
//! rmcp does the handshake and receives the server's requests and notifications. Calls are written by the caller's own
//! task and their answers delivered straight to it, without passing through rmcp's loop. Progress and log messages
//! take the same way, so that they arrive in order and before the answer.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use agentport_core::sanitize;
use bytes::{Buf as _, BytesMut};
use parking_lot::Mutex;
use rmcp::{
    RoleClient,
    model::{
        ClientJsonRpcMessage, ClientRequest, ErrorCode, ErrorData, JsonRpcMessage, RequestId,
        ServerJsonRpcMessage,
    },
    transport::Transport,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{ChildStdin, ChildStdout},
    sync::Mutex as AsyncMutex,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{activity::StartActivity, stderr::LogRing};
use crate::upstream::{
    in_flight::{InFlight, Undelivered},
    message::inbound,
    redaction::Redactor,
};

/// The longest message taken from a server.
const MAX_MESSAGE: usize = 32 * 1024 * 1024;

/// The writing side, shared by all senders.
pub(in crate::upstream) struct StdioPipe {
    queue: Mutex<BytesMut>,
    writer: AsyncMutex<PipeWriter>,
    in_flight: Arc<InFlight>,
    garbage: Mutex<Option<String>>,
    ring: Arc<LogRing>,
    redactor: Redactor,
    /// Fails senders, one of which may be blocked on a server that does not read.
    closing: CancellationToken,
    /// `server/discover` was answered after it had been given up.
    discovered_late: AtomicBool,
    ended: CancellationToken,
}

struct PipeWriter {
    /// `None` once the server's input was closed.
    stdin: Option<ChildStdin>,
    /// What was taken from the queue and is not written yet. It lies here, not in a future, so that a sender who
    /// gives up leaves no half a line behind: the next one writes the rest.
    pending: BytesMut,
}

impl StdioPipe {
    pub(in crate::upstream) fn new(
        stdin: ChildStdin,
        in_flight: Arc<InFlight>,
        ring: Arc<LogRing>,
        redactor: Redactor,
    ) -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::default(),
            writer: AsyncMutex::new(PipeWriter { stdin: Some(stdin), pending: BytesMut::new() }),
            in_flight,
            garbage: Mutex::default(),
            ring,
            redactor,
            closing: CancellationToken::new(),
            discovered_late: AtomicBool::new(false),
            ended: CancellationToken::new(),
        })
    }

    /// Sends one message, which must end in a newline. May be dropped at any point: the message is sent whole, if
    /// not now then with the next one.
    pub(in crate::upstream) async fn send(&self, line: &[u8]) -> io::Result<()> {
        self.queue.lock().extend_from_slice(line);
        let mut writer = self.writer.lock().await;
        let PipeWriter { stdin, pending } = &mut *writer;
        let Some(stdin) = stdin else { return Err(io::ErrorKind::BrokenPipe.into()) };
        pending.unsplit(self.queue.lock().split());
        while pending.has_remaining() {
            let written = tokio::select! {
                biased;
                written = stdin.write(pending) => written,
                () = self.closing.cancelled() => return Err(io::ErrorKind::BrokenPipe.into()),
            };
            match written {
                Ok(0) => return Err(self.broken(io::ErrorKind::WriteZero.into())),
                Ok(written) => pending.advance(written),
                Err(error) => return Err(self.broken(error)),
            }
        }
        Ok(())
    }

    fn broken(&self, error: io::Error) -> io::Error {
        self.ended.cancel();
        error
    }

    /// Closes the server's input, which asks it to end.
    pub(in crate::upstream) async fn close(&self) {
        self.closing.cancel();
        self.writer.lock().await.stdin.take();
    }

    /// Cancelled when the server closed its side, or can no longer be written to.
    pub(in crate::upstream) fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Whether the server answered `server/discover` with a result after it had been given up.
    pub(in crate::upstream) fn discovered_late(&self) -> bool {
        self.discovered_late.load(Ordering::Relaxed)
    }

    /// The start of the first line that was no JSON, if there was one.
    pub(in crate::upstream) fn garbage(&self) -> Option<String> {
        self.garbage.lock().clone()
    }

    fn record_garbage(&self, line: &[u8]) {
        let start = &line[..line.len().min(200)];
        // Other lines are what careless servers print beside their messages.
        if line.first() == Some(&b'{') {
            let shown = self.redactor.quote(&String::from_utf8_lossy(start), 100);
            self.ring
                .push(&format!("[agentport] a line on standard output is no message: {shown}"));
        }
        self.garbage.lock().get_or_insert_with(|| {
            sanitize::sanitize_line(String::from_utf8_lossy(start).trim(), 100)
        });
    }
}

/// The reading side, as rmcp uses it.
pub(in crate::upstream) struct StdioTransport {
    pipe: Arc<StdioPipe>,
    stdout: ChildStdout,
    activity: Arc<StartActivity>,
    buffer: BytesMut,
    /// How much of the buffer holds no newline.
    scanned: usize,
    /// `server/discover`, until it is answered.
    discover: Option<RequestId>,
    /// A `server/discover` that rmcp gave up. A server that takes its time to start answers it after all, and rmcp
    /// would take that for the answer to `initialize`.
    given_up: Option<RequestId>,
    discover_timeout: Option<Duration>,
    /// When `server/discover` counts as unanswered.
    discover_until: Option<Instant>,
}

impl StdioTransport {
    pub(in crate::upstream) fn new(
        pipe: Arc<StdioPipe>,
        stdout: ChildStdout,
        activity: Arc<StartActivity>,
    ) -> Self {
        Self {
            pipe,
            stdout,
            activity,
            buffer: BytesMut::with_capacity(16 * 1024),
            scanned: 0,
            discover: None,
            given_up: None,
            discover_timeout: None,
            discover_until: None,
        }
    }

    /// Has `server/discover` answered as an unknown method if the server keeps silent for that long, so that rmcp goes
    /// on with `initialize` on the same connection.
    pub(in crate::upstream) fn set_discover_timeout(&mut self, limit: Option<Duration>) {
        self.discover_timeout = limit;
    }

    /// Cuts the next whole line out of the buffer, without its newline.
    fn next_line(&mut self) -> Option<BytesMut> {
        let newline = self.buffer[self.scanned..].iter().position(|byte| *byte == b'\n');
        let Some(newline) = newline else {
            self.scanned = self.buffer.len();
            return None;
        };
        let line = self.buffer.split_to(self.scanned + newline);
        self.buffer.advance(1);
        self.scanned = 0;
        Some(line)
    }

    /// Takes a line; gives what is left for rmcp.
    fn on_line(&mut self, line: &[u8]) -> Option<ServerJsonRpcMessage> {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
        if line.is_empty() {
            return None;
        }
        match self.pipe.in_flight.deliver(inbound(line)) {
            Undelivered::Nothing => None,
            Undelivered::Message(message) => {
                let id = response_id(&message);
                if id.is_some() && id == self.discover.as_ref() {
                    self.discover_until = None;
                }
                if id.is_none() || id != self.given_up.as_ref() {
                    return Some(*message);
                }
                if matches!(*message, JsonRpcMessage::Response(_)) {
                    self.pipe.discovered_late.store(true, Ordering::Relaxed);
                }
                None
            }
            Undelivered::Garbage => {
                self.pipe.record_garbage(line);
                None
            }
        }
    }
}

/// The id of the request that a message answers.
fn response_id(message: &ServerJsonRpcMessage) -> Option<&RequestId> {
    match message {
        JsonRpcMessage::Response(response) => Some(&response.id),
        JsonRpcMessage::Error(error) => error.id.as_ref(),
        _ => None,
    }
}

impl Transport<RoleClient> for StdioTransport {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        if let JsonRpcMessage::Request(request) = &message {
            match &request.request {
                ClientRequest::DiscoverRequest(_) => {
                    self.discover = Some(request.id.clone());
                    self.discover_until = self.discover_timeout.map(|limit| Instant::now() + limit);
                }
                ClientRequest::InitializeRequest(_) => {
                    self.given_up = self.discover.take();
                    self.discover_until = None;
                }
                _ => {}
            }
        }
        let pipe = self.pipe.clone();
        async move {
            let mut line = serde_json::to_vec(&message)?;
            line.push(b'\n');
            // A server that does not listen any more may still have something to say; rmcp would not read it.
            let _ = pipe.send(&line).await;
            Ok(())
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            while let Some(line) = self.next_line() {
                if let Some(message) = self.on_line(&line) {
                    return Some(message);
                }
            }
            if self.buffer.len() > MAX_MESSAGE {
                self.pipe.record_garbage(b"a message longer than 32 MiB");
                break;
            }
            // Dropped while it waits, this has read nothing.
            let read = tokio::select! {
                read = self.stdout.read_buf(&mut self.buffer) => read,
                () = sleep_until(self.discover_until.unwrap_or_else(Instant::now)),
                    if self.discover_until.is_some() =>
                {
                    self.discover_until = None;
                    let error =
                        ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "no answer in time", None);
                    return Some(JsonRpcMessage::error(error, self.discover.clone()));
                }
            };
            match read {
                Ok(0) | Err(_) => break,
                Ok(_) => self.activity.touch(),
            }
        }
        self.pipe.ended.cancel();
        None
    }

    async fn close(&mut self) -> io::Result<()> {
        self.pipe.close().await;
        Ok(())
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::process::Stdio;

    use rmcp::model::{
        ClientConfig, DiscoverRequest, DiscoverRequestParams, InitializeRequest, NumberOrString,
    };
    use tokio::process::{Child, Command};

    use super::*;

    fn serve(script: &str) -> (Child, Arc<StdioPipe>, StdioTransport) {
        let mut child = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let pipe = StdioPipe::new(
            child.stdin.take().unwrap(),
            Arc::default(),
            Arc::default(),
            Redactor::default(),
        );
        let transport =
            StdioTransport::new(pipe.clone(), child.stdout.take().unwrap(), Arc::default());
        (child, pipe, transport)
    }

    #[tokio::test]
    async fn an_answer_to_a_discover_given_up_is_passed_over() {
        let (_child, _pipe, mut transport) = serve(
            r#"read -r a; read -r b
            echo '{"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"what?"}}'
            echo '{"jsonrpc":"2.0","id":1,"result":{"a":1}}'"#,
        );
        let discover =
            ClientRequest::DiscoverRequest(DiscoverRequest::new(DiscoverRequestParams {}));
        let initialize = InitializeRequest::new(ClientConfig::default());
        for (request, id) in [(discover, 0), (ClientRequest::InitializeRequest(initialize), 1)] {
            let id = NumberOrString::Number(id);
            transport.send(JsonRpcMessage::request(request, id)).await.unwrap();
        }
        let Some(JsonRpcMessage::Response(answer)) = transport.receive().await else {
            panic!("the answer to initialize was expected")
        };
        assert_eq!(answer.id, NumberOrString::Number(1));
        assert!(transport.receive().await.is_none());
    }

    #[tokio::test]
    async fn a_sender_that_gives_up_leaves_no_half_a_line() {
        let (_child, pipe, _transport) = serve("sleep 0.2; cat >/dev/null; exit");
        // More than the pipe holds, while the other end does not read.
        let long = vec![b'x'; 1024 * 1024];
        let sent = tokio::time::timeout(std::time::Duration::from_millis(10), pipe.send(&long));
        assert!(sent.await.is_err(), "it did not fit");
        pipe.send(b"\n").await.unwrap();
        assert!(pipe.writer.lock().await.pending.is_empty() && pipe.queue.lock().is_empty());
    }

    #[tokio::test]
    async fn closing_does_not_wait_for_a_server_that_does_not_read() {
        let (_child, pipe, _transport) = serve("exec sleep 1000");
        let sender = pipe.clone();
        let long = vec![b'x'; 1024 * 1024];
        let (sent, ()) = tokio::join!(sender.send(&long), async {
            tokio::task::yield_now().await;
            pipe.close().await;
        });
        assert_eq!(sent.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
