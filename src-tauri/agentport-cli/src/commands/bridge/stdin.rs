//! Reader of the client's lines from stdin, in a thread of its own: a blocking read of stdin cannot be cancelled. The
//! thread ends with the process.
//!
//! Lines are bounded: of one longer than the gateway accepts, only its id is kept. Lines that were read and not yet
//! processed are bounded in bytes. A last line without a line break is dropped.

use std::{
    io::{self, Read},
    sync::Arc,
};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::oversized::{IdScanner, ScannedId};

/// The gateway's own bound of a message (`src-tauri/docs/contract.md` §1).
pub(super) const MAX_LINE_BYTES: usize = 4 * 1024 * 1024;

const MAX_QUEUED_BYTES: usize = 4 * MAX_LINE_BYTES;
const READ_CHUNK_BYTES: usize = 32 * 1024;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum InputLine {
    Text(Bytes),
    /// Longer than [`MAX_LINE_BYTES`].
    TooLong(ScannedId),
}

/// The receiving end, in the order of the input.
#[derive(Debug)]
pub(super) struct StdinLines {
    lines: mpsc::UnboundedReceiver<InputLine>,
    queued: Arc<QueuedBytes>,
    ended: CancellationToken,
}

/// Counter of bytes that were read and not yet processed; the reader blocks while there are too many.
#[derive(Debug, Default)]
struct QueuedBytes {
    bytes: Mutex<usize>,
    less: Condvar,
}

impl QueuedBytes {
    fn reserve(&self, size: usize) {
        let mut bytes = self.bytes.lock();
        self.less.wait_while(&mut bytes, |bytes| *bytes + size > MAX_QUEUED_BYTES);
        *bytes += size;
    }

    fn release(&self, size: usize) {
        *self.bytes.lock() -= size;
        self.less.notify_one();
    }
}

impl StdinLines {
    /// Starts the reader thread.
    pub(super) fn spawn_reader() -> io::Result<Self> {
        let (send, lines) = mpsc::unbounded_channel();
        let queued = Arc::new(QueuedBytes::default());
        let ended = CancellationToken::new();
        let (counter, end) = (queued.clone(), ended.clone());
        std::thread::Builder::new().name("stdin".into()).spawn(move || {
            read(io::stdin().lock(), |line| {
                counter.reserve(line.size());
                send.send(line).is_ok()
            });
            end.cancel();
        })?;
        Ok(Self { lines, queued, ended })
    }

    /// Cancelled when the input has ended; lines may still be queued.
    pub(super) fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }

    /// The next line; `None` when the input has ended.
    pub(super) async fn next(&mut self) -> Option<InputLine> {
        let line = self.lines.recv().await?;
        self.queued.release(line.size());
        Some(line)
    }
}

impl InputLine {
    fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::TooLong(_) => 1,
        }
    }
}

/// Passes every line to `take` until the input ends or `take` returns `false`.
fn read(mut input: impl Read, mut take: impl FnMut(InputLine) -> bool) {
    let mut piece = vec![0; READ_CHUNK_BYTES];
    let mut line = Vec::new();
    let mut long: Option<IdScanner> = None;
    loop {
        let length = match input.read(&mut piece) {
            Ok(0) => return,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        let mut rest = &piece[..length];
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let (last, next) = (&rest[..end], &rest[end + 1..]);
            rest = next;
            let whole = match long.take() {
                Some(mut scanner) => {
                    scanner.feed(last);
                    InputLine::TooLong(scanner.finish())
                }
                None if line.len() + last.len() > MAX_LINE_BYTES => {
                    let mut scanner = IdScanner::default();
                    scanner.feed(&line);
                    scanner.feed(last);
                    line = Vec::new();
                    InputLine::TooLong(scanner.finish())
                }
                None => {
                    line.extend_from_slice(last);
                    let text = std::mem::take(&mut line);
                    if text.iter().all(u8::is_ascii_whitespace) {
                        continue;
                    }
                    InputLine::Text(text.into())
                }
            };
            if !take(whole) {
                return;
            }
        }
        match &mut long {
            Some(scanner) => scanner.feed(rest),
            None if line.len() + rest.len() > MAX_LINE_BYTES => {
                let mut scanner = IdScanner::default();
                scanner.feed(&line);
                scanner.feed(rest);
                line = Vec::new();
                long = Some(scanner);
            }
            None => line.extend_from_slice(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> Vec<InputLine> {
        let mut lines = Vec::new();
        read(input, |line| {
            lines.push(line);
            true
        });
        lines
    }

    #[test]
    fn takes_whole_lines_only() {
        let text = |text: &'static str| InputLine::Text(Bytes::from_static(text.as_bytes()));
        assert_eq!(lines(b"one\n\n  \r\ntwo \r\nthr"), [text("one"), text("two \r")]);
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn finds_the_id_of_a_line_that_is_too_long() {
        let padding = "x".repeat(MAX_LINE_BYTES);
        for line in [
            format!(
                r#"{{"jsonrpc":"2.0","id":5,"method":"m","params":{{"id":6,"a":"{padding}"}}}}"#
            ),
            format!(
                r#"{{"method":"m","params":{{"id":6,"a":"{padding}"}},"jsonrpc":"2.0","id":5}}"#
            ),
        ] {
            let input = format!("before\n{line}\nafter\n");
            let read = lines(input.as_bytes());
            assert_eq!(read.len(), 3);
            assert_eq!(
                read[1],
                InputLine::TooLong(ScannedId { id: Some("5".into()), is_request: true })
            );
        }
        let exact = format!("\"{}\"\n", "x".repeat(MAX_LINE_BYTES - 2));
        assert!(matches!(&lines(exact.as_bytes())[..], [InputLine::Text(_)]));
    }
}
