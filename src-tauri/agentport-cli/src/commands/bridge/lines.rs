//! The client's lines. Read by a thread of its own, as a read of stdin can't be given up once it has begun; it ends with
//! the process.
//!
//! A line is bounded: of one that is longer than the gateway would take, only its id is looked for. What has been read
//! and not yet taken is bounded too. A line without its end at the end of the input is dropped.

use std::{
    io::{self, Read},
    sync::{Arc, Condvar, Mutex, PoisonError},
};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::long::{Found, Outline};

/// The gateway's own bound (contract §1).
pub(super) const LONGEST: usize = 4 * 1024 * 1024;
/// Bytes that may wait to be taken.
const WAITING: usize = 4 * LONGEST;
const PIECE: usize = 32 * 1024;

/// What stands on a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Text(Bytes),
    /// Longer than [`LONGEST`].
    TooLong(Found),
}

/// The lines, in their order.
#[derive(Debug)]
pub(super) struct Lines {
    lines: mpsc::UnboundedReceiver<Line>,
    waiting: Arc<Waiting>,
    ended: CancellationToken,
}

/// Bytes of lines that wait to be taken.
#[derive(Debug, Default)]
struct Waiting {
    bytes: Mutex<usize>,
    less: Condvar,
}

impl Waiting {
    fn add(&self, size: usize) {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = self
            .less
            .wait_while(bytes, |bytes| *bytes + size > WAITING)
            .unwrap_or_else(PoisonError::into_inner);
        *bytes += size;
    }

    fn take(&self, size: usize) {
        *self.bytes.lock().unwrap_or_else(PoisonError::into_inner) -= size;
        self.less.notify_one();
    }
}

impl Lines {
    /// Starts to read stdin.
    pub(super) fn of_stdin() -> io::Result<Self> {
        let (send, lines) = mpsc::unbounded_channel();
        let waiting = Arc::new(Waiting::default());
        let ended = CancellationToken::new();
        let (room, end) = (waiting.clone(), ended.clone());
        std::thread::Builder::new().name("stdin".into()).spawn(move || {
            read(io::stdin().lock(), |line| {
                room.add(line.size());
                send.send(line).is_ok()
            });
            end.cancel();
        })?;
        Ok(Self { lines, waiting, ended })
    }

    /// Cancelled when the input has ended, though lines may still wait.
    pub(super) fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }

    /// The next line; `None` when the input has ended.
    pub(super) async fn next(&mut self) -> Option<Line> {
        let line = self.lines.recv().await?;
        self.waiting.take(line.size());
        Some(line)
    }
}

impl Line {
    fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::TooLong(_) => 1,
        }
    }
}

/// Gives every line to `take` until the input ends or `take` has had enough.
fn read(mut input: impl Read, mut take: impl FnMut(Line) -> bool) {
    let mut piece = vec![0; PIECE];
    let mut line = Vec::new();
    let mut long: Option<Outline> = None;
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
                Some(mut outline) => {
                    outline.feed(last);
                    Line::TooLong(outline.found())
                }
                None if line.len() + last.len() > LONGEST => {
                    let mut outline = Outline::default();
                    outline.feed(&line);
                    outline.feed(last);
                    line = Vec::new();
                    Line::TooLong(outline.found())
                }
                None => {
                    line.extend_from_slice(last);
                    let text = std::mem::take(&mut line);
                    if text.iter().all(u8::is_ascii_whitespace) {
                        continue;
                    }
                    Line::Text(text.into())
                }
            };
            if !take(whole) {
                return;
            }
        }
        match &mut long {
            Some(outline) => outline.feed(rest),
            None if line.len() + rest.len() > LONGEST => {
                let mut outline = Outline::default();
                outline.feed(&line);
                outline.feed(rest);
                line = Vec::new();
                long = Some(outline);
            }
            None => line.extend_from_slice(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        read(input, |line| {
            lines.push(line);
            true
        });
        lines
    }

    #[test]
    fn takes_whole_lines_only() {
        let text = |text: &'static str| Line::Text(Bytes::from_static(text.as_bytes()));
        assert_eq!(lines(b"one\n\n  \r\ntwo \r\nthr"), [text("one"), text("two \r")]);
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn finds_the_id_of_a_line_that_is_too_long() {
        let padding = "x".repeat(LONGEST);
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
            assert_eq!(read[1], Line::TooLong(Found { id: Some("5".into()), is_request: true }));
        }
        let exact = format!("\"{}\"\n", "x".repeat(LONGEST - 2));
        assert!(matches!(&lines(exact.as_bytes())[..], [Line::Text(_)]));
    }
}
