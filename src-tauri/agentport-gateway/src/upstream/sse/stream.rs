//! The event stream of one connection, read event by event.

use reqwest::Response;

use crate::upstream::{
    error::UpstreamError,
    event_stream::{SseEvent, SseParser},
    streamable_http::http_error::{cause, closed},
};

/// Most bytes that a stream may bring before its first event.
const MAX_BYTES_TO_FIRST_EVENT: usize = 64 * 1024;

/// Name of the event that carries the address for messages.
const ENDPOINT_EVENT: &[u8] = b"endpoint";

/// The events of a GET stream.
pub(in crate::upstream) struct EventStream {
    response: Response,
    events: SseParser,
}

/// Why no further event comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StreamEnd {
    /// The server or the network ended it.
    Ended(String),
    /// An event that never ends.
    TooLong,
}

impl EventStream {
    pub(super) fn new(response: Response) -> Self {
        Self { response, events: SseParser::default() }
    }

    /// The next event. Dropped while it waits, this has read nothing.
    pub(super) async fn next(&mut self) -> Result<SseEvent, StreamEnd> {
        loop {
            if let Some(event) = self.events.next_event() {
                return Ok(event);
            }
            self.read().await?;
        }
    }

    /// The first event, within a bound of its own: no message is as short as an address.
    pub(super) async fn first(&mut self) -> Result<SseEvent, StreamEnd> {
        let mut received = 0;
        loop {
            if let Some(event) = self.events.next_event() {
                return Ok(event);
            }
            if received > MAX_BYTES_TO_FIRST_EVENT {
                return Err(StreamEnd::TooLong);
            }
            received += self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<usize, StreamEnd> {
        match self.response.chunk().await {
            Ok(Some(chunk)) => {
                self.events.push(&chunk).map_err(|_| StreamEnd::TooLong)?;
                Ok(chunk.len())
            }
            Ok(None) => Err(StreamEnd::Ended("the server closed it".to_owned())),
            Err(error) => Err(StreamEnd::Ended(cause(&error))),
        }
    }
}

impl StreamEnd {
    /// The error of the calls that waited for the stream.
    pub(super) fn call_error(&self) -> UpstreamError {
        match self {
            Self::Ended(problem) => closed(&format!("its event stream ended ({problem})")),
            Self::TooLong => {
                UpstreamError::Protocol { problem: "a message longer than 32 MiB".to_owned() }
            }
        }
    }

    /// The same for the owner; `what` is the server.
    pub(super) fn owner_error(&self, what: &str) -> UpstreamError {
        match self {
            Self::Ended(problem) => UpstreamError::Unreachable {
                what: what.to_owned(),
                problem: format!("ended its event stream ({problem})"),
            },
            Self::TooLong => self.call_error(),
        }
    }
}

/// Whether an event carries the address for messages. Any other name is taken for a message, as with Streamable HTTP.
pub(super) fn is_endpoint(event: &SseEvent) -> bool {
    event.name == ENDPOINT_EVENT
}
