//! Log messages for the agent while its call runs.

use bytes::Bytes;
use tokio::sync::mpsc;

/// Log messages that may wait to be written; a client that reads more slowly misses the rest.
const MAX_WAITING_MESSAGES: usize = 256;

/// Sends the log messages of one call, as events of an event stream.
#[derive(Debug, Clone)]
pub(crate) struct LogSender(mpsc::Sender<Bytes>);

impl LogSender {
    pub(crate) fn channel() -> (Self, mpsc::Receiver<Bytes>) {
        let (sender, receiver) = mpsc::channel(MAX_WAITING_MESSAGES);
        (Self(sender), receiver)
    }

    /// Sends a `notifications/message` with these `params`.
    pub(crate) fn send(&self, params: impl serde::Serialize) {
        let message = serde_json::json!({
            "jsonrpc": "2.0",
            "method": "notifications/message",
            "params": params,
        });
        self.send_event(format!("event: message\ndata: {message}\n\n").into());
    }

    pub(crate) fn send_event(&self, event: Bytes) {
        // Full: the client does not read. Closed: the client has gone.
        let _ = self.0.try_send(event);
    }
}
