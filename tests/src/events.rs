//! Reads the control API's event stream.

use std::{pin::Pin, time::Duration};

use agentport_api::Event;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};

use crate::{SOON, within};

type Chunks = Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>;

/// `GET /control/events`, read event by event.
pub struct Events {
    chunks: Chunks,
    buffer: String,
}

impl Events {
    pub(crate) fn new(response: reqwest::Response) -> Self {
        Self { chunks: Box::pin(response.bytes_stream()), buffer: String::new() }
    }

    /// The next event, or `None` when the stream ends.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let data: String = block
                    .lines()
                    .filter_map(|line| line.strip_prefix("data:"))
                    .map(str::trim)
                    .collect();
                self.buffer = rest.to_owned();
                if !data.is_empty() {
                    let event = serde_json::from_str(&data);
                    return Some(
                        event.unwrap_or_else(|error| panic!("no event ({error}): {data}")),
                    );
                }
                continue;
            }
            match self.chunks.next().await? {
                Ok(chunk) => {
                    self.buffer.push_str(&String::from_utf8_lossy(&chunk).replace("\r\n", "\n"))
                }
                Err(_) => return None,
            }
        }
    }

    pub async fn wait_for(&mut self, what: &str, predicate: impl FnMut(&Event) -> bool) -> Event {
        self.wait_within(SOON, what, predicate).await
    }

    /// The first event that fits, waiting at most `limit`.
    pub async fn wait_within(
        &mut self,
        limit: Duration,
        what: &str,
        mut predicate: impl FnMut(&Event) -> bool,
    ) -> Event {
        let wait = async {
            loop {
                let event =
                    self.next().await.unwrap_or_else(|| panic!("the events ended before {what}"));
                if predicate(&event) {
                    return event;
                }
            }
        };
        within(limit, what, wait).await
    }
}
