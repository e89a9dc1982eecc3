//! The receiving side of one connection, as rmcp uses it.
//!
//! rmcp does the handshake and receives the server's requests and notifications. Answers to calls are delivered straight to
//! their callers, and so are progress and log messages, so that they arrive in order and before the answer.

use std::sync::Arc;

use rmcp::{
    RoleClient,
    model::{ClientJsonRpcMessage, JsonRpcMessage, ServerJsonRpcMessage},
    transport::Transport,
};

use super::{
    channel::SseChannel,
    stream::{EventStream, is_endpoint},
};
use crate::upstream::{error::UpstreamError, message::inbound};

/// The reading side. Dropping it ends the connection.
pub(in crate::upstream) struct SseTransport {
    channel: Arc<SseChannel>,
    stream: Option<EventStream>,
}

impl SseTransport {
    pub(super) fn new(channel: Arc<SseChannel>, stream: EventStream) -> Self {
        Self { channel, stream: Some(stream) }
    }
}

impl Transport<RoleClient> for SseTransport {
    type Error = UpstreamError;

    fn send(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> impl Future<Output = Result<(), UpstreamError>> + Send + 'static {
        let channel = self.channel.clone();
        async move {
            let body = serde_json::to_vec(&message).map_err(|error| UpstreamError::Protocol {
                problem: format!("a message to it cannot be written ({error})"),
            })?;
            // rmcp numbers its own requests from zero; the answer to one that was refused would never come.
            if let JsonRpcMessage::Request(_) = message {
                return channel.post(0, body).await.map_err(|error| error.into_error());
            }
            channel.notify(body).await;
            Ok(())
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            match self.stream.as_mut()?.next().await {
                // Another endpoint would be of another session.
                Ok(event) if is_endpoint(&event) => {}
                Ok(event) => {
                    let left = self.channel.in_flight.deliver(inbound(&event.data));
                    if let Some(message) = left.into_message() {
                        return Some(*message);
                    }
                }
                Err(end) => {
                    self.channel.on_stream_end(&end);
                    self.stream = None;
                }
            }
        }
    }

    async fn close(&mut self) -> Result<(), UpstreamError> {
        self.stream = None;
        Ok(())
    }
}
