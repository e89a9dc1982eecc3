//! Standard error of a local server: its last lines, redacted and sanitised, for the owner to read.

use std::collections::VecDeque;

use agentport_api::LogLine;
use agentport_core::sanitize;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::activity::StartActivity;
use crate::{clock, upstream::redaction::Redactor};

const MAX_LINES: usize = 500;
const MAX_BYTES: usize = 64 * 1024;
/// Characters of one line that are kept.
const MAX_LINE: usize = 2_000;
/// Bytes of one line that are collected before it counts as complete.
const MAX_COLLECTED: usize = 8 * 1024;

/// The last 500 lines, or 64 KiB of them.
#[derive(Default)]
pub(in crate::upstream) struct LogRing(Mutex<LogLines>);

#[derive(Default)]
struct LogLines {
    lines: VecDeque<LogLine>,
    bytes: usize,
}

impl LogRing {
    /// Adds a line; blank ones are left out.
    pub(in crate::upstream) fn push(&self, line: &str) {
        let text = sanitize::sanitize_line(line.trim_end(), MAX_LINE);
        if text.trim().is_empty() {
            return;
        }
        let mut ring = self.0.lock();
        ring.bytes += text.len();
        ring.lines.push_back(LogLine { at: clock::now(), text });
        while ring.lines.len() > MAX_LINES || ring.bytes > MAX_BYTES {
            let Some(gone) = ring.lines.pop_front() else { break };
            ring.bytes -= gone.text.len();
        }
    }

    /// The text of the last line.
    pub(in crate::upstream) fn last_line(&self) -> Option<String> {
        self.0.lock().lines.back().map(|line| line.text.clone())
    }

    /// All lines, oldest first.
    pub(in crate::upstream) fn lines(&self) -> Vec<LogLine> {
        self.0.lock().lines.iter().cloned().collect()
    }
}

/// Reads `stderr` to its end into `ring`, and keeps the last line that is not blank in `last`.
pub(in crate::upstream) async fn read(
    mut stderr: impl AsyncRead + Unpin,
    ring: &LogRing,
    redactor: &Redactor,
    last: &Mutex<Option<String>>,
    activity: &StartActivity,
) {
    let mut waiting = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = match stderr.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        activity.touch();
        for &byte in &chunk[..read] {
            if byte == b'\n' || waiting.len() >= MAX_COLLECTED {
                store_line(&mut waiting, ring, redactor, last);
            }
            if byte != b'\n' {
                waiting.push(byte);
            }
        }
    }
    store_line(&mut waiting, ring, redactor, last);
}

fn store_line(
    line: &mut Vec<u8>,
    ring: &LogRing,
    redactor: &Redactor,
    last: &Mutex<Option<String>>,
) {
    let said = String::from_utf8_lossy(line).into_owned();
    line.clear();
    if said.trim().is_empty() {
        return;
    }
    ring.push(&redactor.redact(&said));
    *last.lock() = Some(redactor.quote(&said, 300));
}

#[cfg(test)]
mod tests {
    use agentport_core::{Secret, redact::SCRUBBED};

    use super::*;

    fn texts(ring: &LogRing) -> Vec<String> {
        ring.lines().into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn keeps_the_last_lines_and_bytes() {
        let ring = LogRing::default();
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
        let (ring, last) = (LogRing::default(), Mutex::default());
        let redactor = Redactor::new(&[Secret::new("obviously-fake")]);
        let input = b"starting\r\n\n  \nkey is obviously-fake\nlast words".as_slice();
        read(input, &ring, &redactor, &last, &StartActivity::default()).await;
        assert_eq!(texts(&ring), ["starting", &format!("key is {SCRUBBED}"), "last words"]);
        assert_eq!(last.into_inner().as_deref(), Some("last words"));
    }

    #[tokio::test]
    async fn a_line_without_end_is_cut() {
        let (ring, last) = (LogRing::default(), Mutex::default());
        read(
            vec![b'x'; 3 * MAX_COLLECTED].as_slice(),
            &ring,
            &Redactor::default(),
            &last,
            &StartActivity::default(),
        )
        .await;
        assert_eq!(texts(&ring).len(), 3);
    }
}
