//! Writer of the client's stdout: whole lines, in order, and nothing else.
//!
//! It runs in a thread of its own, so that a client that does not read delays neither other work nor the end.

use std::{
    io::{self, BufWriter, Write},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Queued messages; senders wait while there are more.
const MAX_QUEUED_MESSAGES: usize = 64;

const BUFFER_BYTES: usize = 16 * 1024;

/// The sending end.
#[derive(Debug, Clone)]
pub(super) struct StdoutWriter(mpsc::Sender<Bytes>);

/// Resolves when everything was written.
#[derive(Debug)]
pub(super) struct WriterDone(oneshot::Receiver<()>);

impl StdoutWriter {
    /// Starts the writer thread. `gone` is cancelled when the client has closed stdout.
    pub(super) fn spawn_writer(gone: CancellationToken) -> io::Result<(Self, WriterDone)> {
        let (send, messages) = mpsc::channel(MAX_QUEUED_MESSAGES);
        let (done, written) = oneshot::channel();
        std::thread::Builder::new().name("stdout".into()).spawn(move || {
            if let Err(error) = write(messages, io::stdout().lock()) {
                tracing::debug!(%error, "the client does not read any more");
                gone.cancel();
            }
            // The receiver may be gone: not every end waits for it.
            let _ = done.send(());
        })?;
        Ok((Self(send), WriterDone(written)))
    }

    /// Writes a message, which is one line.
    pub(super) async fn send(&self, message: Bytes) {
        // The writer ends only when the client has closed stdout.
        let _ = self.0.send(message).await;
    }
}

impl WriterDone {
    /// Waits until every message was written, after the last [`StdoutWriter`] was dropped.
    pub(super) async fn wait(self, limit: Duration) {
        if tokio::time::timeout(limit, self.0).await.is_err() {
            tracing::debug!("the client did not read everything");
        }
    }
}

/// Writes until the channel closes. Queued messages are written together, and flushed when the queue is empty.
fn write(mut messages: mpsc::Receiver<Bytes>, to: impl Write) -> io::Result<()> {
    let mut to = BufWriter::with_capacity(BUFFER_BYTES, to);
    while let Some(message) = messages.blocking_recv() {
        to.write_all(&message)?;
        to.write_all(b"\n")?;
        if messages.is_empty() {
            to.flush()?;
        }
    }
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_lines_in_order() {
        let (send, messages) = mpsc::channel(4);
        for text in ["1", "2", "3"] {
            send.try_send(Bytes::from_static(text.as_bytes())).unwrap();
        }
        drop(send);
        let mut written = Vec::new();
        write(messages, &mut written).unwrap();
        assert_eq!(written, b"1\n2\n3\n");
    }
}
