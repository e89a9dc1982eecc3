//! Client of the gateway's event stream, `GET /control/events` (server-sent events, WHATWG HTML §9.2).

use agentport_api::{Event, paths};
use anyhow::{Context as _, Result};

use crate::client::OwnerClient;

pub(crate) struct EventStream {
    response: reqwest::Response,
    unread: Vec<u8>,
}

impl EventStream {
    pub(crate) async fn open(client: &OwnerClient) -> Result<Self> {
        let response = client.stream(paths::EVENTS).await?;
        Ok(Self { response, unread: Vec::new() })
    }

    /// The next event. Unknown events are skipped. `None` when the gateway ends the stream.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>> {
        loop {
            while let Some(block) = take_block(&mut self.unread) {
                if let Some(event) = parse(&block) {
                    return Ok(Some(event));
                }
            }
            match self.response.chunk().await.context("the gateway's events broke off")? {
                Some(chunk) => self.unread.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }
}

/// Removes and returns everything up to the first empty line.
fn take_block(unread: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = unread.windows(2).position(|pair| pair == b"\n\n")?;
    Some(unread.drain(..end + 2).collect())
}

fn parse(block: &[u8]) -> Option<Event> {
    let text = std::str::from_utf8(block).ok()?;
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let data: Vec<&str> = data.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    serde_json::from_str(&data.join("\n")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_however_they_are_cut() {
        let wire = b": hello\n\nevent: x\ndata: {\"type\":\ndata:\"activity\"}\n\ndata: {\"type\":\"new\"}\n\ndata: {\"type\":\"agents\"}\n\n";
        for size in [1, 7, wire.len()] {
            let (mut unread, mut seen) = (Vec::new(), Vec::new());
            for chunk in wire.chunks(size) {
                unread.extend_from_slice(chunk);
                while let Some(block) = take_block(&mut unread) {
                    seen.extend(parse(&block));
                }
            }
            assert_eq!(seen, [Event::Activity, Event::Agents], "in pieces of {size}");
        }
    }
}
