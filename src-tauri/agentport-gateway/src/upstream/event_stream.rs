//! Server-sent events, as far as MCP uses them (WHATWG HTML, 9.2.6 "Interpreting an event stream").

use std::time::Duration;

use bytes::{Buf as _, BytesMut};

/// Largest event in bytes.
const MAX_EVENT: usize = 32 * 1024 * 1024;

/// Longest event name that is kept.
const MAX_NAME: usize = 64;

/// One event that has data.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SseEvent {
    /// The `event` field; empty if there is none, which stands for `message`.
    pub(super) name: Vec<u8>,
    pub(super) data: Vec<u8>,
}

/// Cuts a stream of bytes into events.
#[derive(Default)]
pub(super) struct SseParser {
    buffer: BytesMut,
    scanned: usize,
    name: Vec<u8>,
    data: Vec<u8>,
    last_id: Option<String>,
    retry: Option<Duration>,
}

/// An event grew beyond 32 MiB.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EventTooLong;

impl SseParser {
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), EventTooLong> {
        self.buffer.extend_from_slice(chunk);
        if self.buffer.len() + self.data.len() > MAX_EVENT { Err(EventTooLong) } else { Ok(()) }
    }

    /// The data of the next whole event that has any.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        self.next_event().map(|event| event.data)
    }

    /// The next whole event that has data.
    pub(super) fn next_event(&mut self) -> Option<SseEvent> {
        while let Some(line) = self.next_line() {
            if line.is_empty() {
                let name = std::mem::take(&mut self.name);
                if !self.data.is_empty() {
                    return Some(SseEvent { name, data: std::mem::take(&mut self.data) });
                }
                continue;
            }
            let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
            let (field, value) = line.split_at(colon);
            let value = value.strip_prefix(b":").unwrap_or(value);
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match field {
                b"data" => {
                    if !self.data.is_empty() {
                        self.data.push(b'\n');
                    }
                    self.data.extend_from_slice(value);
                }
                b"id" => self.last_id = std::str::from_utf8(value).ok().map(str::to_owned),
                b"retry" => {
                    let millis = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    self.retry = millis.map(Duration::from_millis).or(self.retry);
                }
                b"event" => self.name = value[..value.len().min(MAX_NAME)].to_vec(),
                // Comments.
                _ => {}
            }
        }
        None
    }

    /// The id from which a broken stream can be resumed.
    pub(super) fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref().filter(|id| !id.is_empty())
    }

    /// How long the server wants us to wait before resuming.
    pub(super) fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Drops an event that was begun and will not be finished.
    pub(super) fn discard_partial(&mut self) {
        self.buffer.clear();
        self.scanned = 0;
        self.name.clear();
        self.data.clear();
    }

    /// The next line without its end: LF, or CR LF. (No MCP server is known to use CR alone.)
    fn next_line(&mut self) -> Option<BytesMut> {
        let newline = self.buffer[self.scanned..].iter().position(|byte| *byte == b'\n');
        let Some(newline) = newline else {
            self.scanned = self.buffer.len();
            return None;
        };
        let mut line = self.buffer.split_to(self.scanned + newline);
        self.buffer.advance(1);
        self.scanned = 0;
        if line.last() == Some(&b'\r') {
            line.truncate(line.len() - 1);
        }
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(parser: &mut SseParser, chunk: &str) -> Vec<String> {
        parser.push(chunk.as_bytes()).unwrap();
        std::iter::from_fn(|| parser.next()).map(|data| String::from_utf8(data).unwrap()).collect()
    }

    #[test]
    fn cuts_events_wherever_chunks_end() {
        let stream = ": hello\r\n\r\nid: 7\nretry: 250\ndata\n\nevent: message\ndata: {\"a\":\ndata:  1}\n\ndata:x\r\n\r\n";
        for size in [1, 2, 7, stream.len()] {
            let mut parser = SseParser::default();
            let chunks = stream.as_bytes().chunks(size);
            let seen: Vec<String> = chunks
                .flat_map(|chunk| events(&mut parser, std::str::from_utf8(chunk).unwrap()))
                .collect();
            assert_eq!(seen, ["{\"a\":\n 1}", "x"], "chunks of {size}");
            assert_eq!(parser.last_id(), Some("7"));
            assert_eq!(parser.retry(), Some(Duration::from_millis(250)));
        }
    }

    #[test]
    fn events_keep_their_own_names() {
        let stream = "event: endpoint\r\ndata: /post\r\n\r\nevent: lost\n\ndata: 1\n\nevent:message\ndata:2\n\n: ping\n\n";
        for size in [1, 3, stream.len()] {
            let mut parser = SseParser::default();
            let mut seen = Vec::new();
            for chunk in stream.as_bytes().chunks(size) {
                parser.push(chunk).unwrap();
                while let Some(SseEvent { name, data }) = parser.next_event() {
                    seen.push((String::from_utf8(name).unwrap(), String::from_utf8(data).unwrap()));
                }
            }
            let seen: Vec<_> = seen.iter().map(|(name, data)| (&**name, &**data)).collect();
            assert_eq!(
                seen,
                [("endpoint", "/post"), ("", "1"), ("message", "2")],
                "chunks of {size}"
            );
        }
    }

    #[test]
    fn an_event_discard_partial_is_forgotten_but_not_its_id() {
        let mut parser = SseParser::default();
        assert!(events(&mut parser, "id: 3\ndata: half").is_empty());
        parser.discard_partial();
        assert_eq!(events(&mut parser, "data: whole\n\n"), ["whole"]);
        assert_eq!(parser.last_id(), Some("3"));
    }

    #[test]
    fn endless_events_are_refused() {
        let mut parser = SseParser::default();
        let chunk = vec![b'x'; MAX_EVENT / 2 + 1];
        assert_eq!(parser.push(&chunk), Ok(()));
        assert_eq!(parser.push(&chunk), Err(EventTooLong));
    }
}
