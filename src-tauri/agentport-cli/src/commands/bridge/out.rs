//! The client's stdout: whole lines, in the order they are given, and nothing else.
//!
//! Written by a thread of its own: a client that does not read must not hold up the end, nor anything else.

use std::{
    io::{self, BufWriter, Write},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Messages that may wait to be written. Whoever has more waits.
const WAITING: usize = 64;
/// Bytes that are written at once.
const TOGETHER: usize = 16 * 1024;

/// Where messages for the client go.
#[derive(Debug, Clone)]
pub(super) struct Out(mpsc::Sender<Bytes>);

/// Tells when everything has been written.
#[derive(Debug)]
pub(super) struct Written(oneshot::Receiver<()>);

impl Out {
    /// Starts to write. `gone` is cancelled when nobody reads any more.
    pub(super) fn to_stdout(gone: CancellationToken) -> io::Result<(Self, Written)> {
        let (send, messages) = mpsc::channel(WAITING);
        let (done, written) = oneshot::channel();
        std::thread::Builder::new().name("stdout".into()).spawn(move || {
            if let Err(error) = write(messages, io::stdout().lock()) {
                tracing::debug!(%error, "the client does not read any more");
                gone.cancel();
            }
            // Nobody may wait for it.
            let _ = done.send(());
        })?;
        Ok((Self(send), Written(written)))
    }

    /// Writes a message, which is one line.
    pub(super) async fn send(&self, message: Bytes) {
        // The writer ends only with the client.
        let _ = self.0.send(message).await;
    }
}

impl Written {
    /// Waits until every message has been written, once there is no [`Out`] any more.
    pub(super) async fn wait(self, limit: Duration) {
        if tokio::time::timeout(limit, self.0).await.is_err() {
            tracing::debug!("the client did not read everything");
        }
    }
}

/// Writes until there can be no more messages. Messages that wait together are written together.
fn write(mut messages: mpsc::Receiver<Bytes>, to: impl Write) -> io::Result<()> {
    let mut to = BufWriter::with_capacity(TOGETHER, to);
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
