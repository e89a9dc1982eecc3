//! What a local server writes to its standard error: the last lines of it, cleaned, for the owner to read.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use agentport_api::LogLine;
use agentport_core::sanitize;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::hidden::Hidden;
use crate::clock;

const MAX_LINES: usize = 500;
const MAX_BYTES: usize = 64 * 1024;
/// Characters of one line that are kept.
const MAX_LINE: usize = 2_000;
/// Bytes of one line that are collected before it counts as complete.
const MAX_COLLECTED: usize = 8 * 1024;

/// The last 500 lines, or 64 KiB of them.
#[derive(Default)]
pub(super) struct Ring(Mutex<Lines>);

#[derive(Default)]
struct Lines {
    lines: VecDeque<LogLine>,
    bytes: usize,
}

impl Ring {
    /// Adds a line; blank ones are left out.
    pub(super) fn push(&self, line: &str) {
        let text = sanitize::sanitize_line(line.trim_end(), MAX_LINE);
        if text.trim().is_empty() {
            return;
        }
        let mut ring = self.lock();
        ring.bytes += text.len();
        ring.lines.push_back(LogLine { at: clock::now(), text });
        while ring.lines.len() > MAX_LINES || ring.bytes > MAX_BYTES {
            let Some(gone) = ring.lines.pop_front() else { break };
            ring.bytes -= gone.text.len();
        }
    }

    /// All lines, oldest first.
    pub(super) fn lines(&self) -> Vec<LogLine> {
        self.lock().lines.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads `stderr` to its end into `ring`. Gives the last line that says something.
pub(super) async fn read(
    mut stderr: impl AsyncRead + Unpin,
    ring: &Ring,
    hidden: &Hidden,
    last: &Mutex<Option<String>>,
) {
    let mut waiting = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = match stderr.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        for &byte in &chunk[..read] {
            if byte == b'\n' || waiting.len() >= MAX_COLLECTED {
                keep(&mut waiting, ring, hidden, last);
            }
            if byte != b'\n' {
                waiting.push(byte);
            }
        }
    }
    keep(&mut waiting, ring, hidden, last);
}

fn keep(line: &mut Vec<u8>, ring: &Ring, hidden: &Hidden, last: &Mutex<Option<String>>) {
    let said = String::from_utf8_lossy(line).into_owned();
    line.clear();
    if said.trim().is_empty() {
        return;
    }
    ring.push(&hidden.blot(&said));
    *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(hidden.quote(&said, 300));
}

#[cfg(test)]
mod tests {
    use agentport_core::{Secret, redact::SCRUBBED};

    use super::*;

    fn texts(ring: &Ring) -> Vec<String> {
        ring.lines().into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn keeps_the_last_lines_and_bytes() {
        let ring = Ring::default();
        for number in 0..MAX_LINES + 3 {
            ring.push(&number.to_string());
        }
        let lines = texts(&ring);
        assert_eq!((lines.len(), lines[0].as_str()), (MAX_LINES, "3"));
        for _ in 0..100 {
            ring.push(&"x".repeat(MAX_LINE + 500));
        }
        let kept: usize = texts(&ring).iter().map(String::len).sum();
        assert!(kept <= MAX_BYTES, "{kept}");
        assert!(texts(&ring).iter().all(|line| line.chars().count() <= MAX_LINE));
    }

    #[tokio::test]
    async fn reads_lines_and_hides_secrets() {
        let (ring, last) = (Ring::default(), Mutex::default());
        let hidden = Hidden::new(&[Secret::new("obviously-fake")]);
        let input = b"starting\r\n\n  \nkey is obviously-fake\nlast words".as_slice();
        read(input, &ring, &hidden, &last).await;
        assert_eq!(texts(&ring), ["starting", &format!("key is {SCRUBBED}"), "last words"]);
        assert_eq!(last.into_inner().unwrap().as_deref(), Some("last words"));
    }

    #[tokio::test]
    async fn a_line_without_end_is_cut() {
        let (ring, last) = (Ring::default(), Mutex::default());
        read(vec![b'x'; 3 * MAX_COLLECTED].as_slice(), &ring, &Hidden::default(), &last).await;
        assert_eq!(texts(&ring).len(), 3);
    }
}
