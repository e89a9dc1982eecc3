//! Incremental parser of server-sent event streams (HTML Living Standard §9.2.6).

use std::time::Duration;

use bytes::Bytes;

/// Largest message, in bytes. The gateway's own messages are bounded below that.
pub(super) const MAX_EVENT_BYTES: usize = 64 * 1024 * 1024;

/// One event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SseEvent {
    /// The id to resume after, from now on.
    pub(super) id: Option<String>,
    /// How long to wait before reconnecting, from now on.
    pub(super) retry: Option<Duration>,
    /// A message; empty where the event only sets the other two.
    pub(super) data: Bytes,
}

/// An event larger than [`MAX_EVENT_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the gateway sent an event larger than {MAX_EVENT_BYTES} bytes")]
pub(super) struct EventTooLarge;

/// The state between two parts of the stream.
#[derive(Debug, Default)]
pub(super) struct EventParser {
    /// The beginning of a line whose end is still to come.
    line: Vec<u8>,
    /// The last line ended in CR, and an LF may follow.
    after_cr: bool,
    begun: bool,
    id: Option<String>,
    retry: Option<Duration>,
    data: Vec<u8>,
    has_data: bool,
    /// The event's type is not `message`: MCP's transport has no other.
    foreign: bool,
}

impl EventParser {
    /// Parses the next part of the stream, and returns the events that are complete with it.
    pub(super) fn feed(&mut self, mut piece: &[u8]) -> Result<Vec<SseEvent>, EventTooLarge> {
        let mut events = Vec::new();
        while !piece.is_empty() {
            if std::mem::take(&mut self.after_cr) && piece[0] == b'\n' {
                piece = &piece[1..];
                continue;
            }
            let Some(end) = piece.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.line.extend_from_slice(piece);
                return self.check().map(|()| events);
            };
            self.after_cr = piece[end] == b'\r';
            if self.line.is_empty() {
                self.on_line(&piece[..end], &mut events);
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(&piece[..end]);
                self.on_line(&line, &mut events);
            }
            self.check()?;
            piece = &piece[end + 1..];
        }
        Ok(events)
    }

    fn check(&self) -> Result<(), EventTooLarge> {
        if self.line.len() + self.data.len() > MAX_EVENT_BYTES {
            Err(EventTooLarge)
        } else {
            Ok(())
        }
    }

    fn on_line(&mut self, line: &[u8], events: &mut Vec<SseEvent>) {
        let line = match std::mem::replace(&mut self.begun, true) {
            false => line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line),
            true => line,
        };
        if line.is_empty() {
            return self.dispatch(events);
        }
        let (field, value) = match line.iter().position(|&byte| byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            b"event" => self.foreign = !value.is_empty() && value != b"message",
            b"id" if !value.contains(&0) => {
                self.id = Some(String::from_utf8_lossy(value).into_owned());
            }
            b"retry" => {
                let millis = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                self.retry = millis.map(Duration::from_millis).or(self.retry);
            }
            // Comments (no name before the colon) and unknown fields are ignored.
            _ => {}
        }
    }

    fn dispatch(&mut self, events: &mut Vec<SseEvent>) {
        let mut data = std::mem::take(&mut self.data);
        if std::mem::take(&mut self.foreign) {
            data.clear();
        }
        self.has_data = false;
        let event = SseEvent { id: self.id.take(), retry: self.retry.take(), data: data.into() };
        if event != SseEvent::default() {
            events.push(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stream in one piece, and in pieces of every size.
    #[track_caller]
    fn check(stream: &[u8], want: &[(Option<&str>, Option<u64>, &str)]) {
        let want: Vec<SseEvent> = want
            .iter()
            .map(|(id, retry, data)| SseEvent {
                id: id.map(Into::into),
                retry: retry.map(Duration::from_millis),
                data: Bytes::copy_from_slice(data.as_bytes()),
            })
            .collect();
        for size in 1..=stream.len() {
            let mut parser = EventParser::default();
            let mut got = Vec::new();
            for piece in stream.chunks(size) {
                got.extend(parser.feed(piece).unwrap());
            }
            assert_eq!(got, want, "in pieces of {size}");
        }
    }

    #[test]
    fn reads_what_the_standard_allows() {
        check(b": hello\n\n:\n\n", &[]);
        check(
            b"data: 1\n\ndata:2\r\n\r\ndata: 3\r\r",
            &[(None, None, "1"), (None, None, "2"), (None, None, "3")],
        );
        check(
            b"\xef\xbb\xbfdata: {\ndata:   \"a\": 1\ndata\ndata: }\n\n",
            &[(None, None, "{\n  \"a\": 1\n\n}")],
        );
        check(
            b"id: 0\nretry: 3000\ndata:\n\nid: 1\nevent: message\ndata: x\n\n",
            &[(Some("0"), Some(3000), ""), (Some("1"), None, "x")],
        );
        check(
            b"event: endpoint\ndata: /messages\n\nretry: soon\nother: 1\ndata: y\n\n",
            &[(None, None, "y")],
        );
        check("data: ä\u{2028}ö\n\n".as_bytes(), &[(None, None, "ä\u{2028}ö")]);
        check(b"data: unfinished\n", &[]);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut parser = EventParser::default();
        let piece = vec![b'x'; 1024 * 1024];
        let fed =
            (0..=MAX_EVENT_BYTES / piece.len()).try_for_each(|_| parser.feed(&piece).map(drop));
        assert_eq!(fed, Err(EventTooLarge));
    }
}
