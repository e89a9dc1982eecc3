//! The protocol library's transport over an event stream: sends to the stream, receives what was posted.

use std::{convert::Infallible, future::ready, sync::Arc};

use rmcp::{
    RoleServer, model::ClientJsonRpcMessage, service::TxJsonRpcMessage, transport::Transport,
};
use tokio::sync::mpsc;

use super::stream_session::StreamSession;
use crate::upstream::unknown_content;

pub(super) struct StreamTransport {
    session: Arc<StreamSession>,
    incoming: mpsc::Receiver<ClientJsonRpcMessage>,
}

impl StreamTransport {
    pub(super) fn new(
        session: Arc<StreamSession>,
        incoming: mpsc::Receiver<ClientJsonRpcMessage>,
    ) -> Self {
        Self { session, incoming }
    }
}

impl Transport<RoleServer> for StreamTransport {
    /// A client that has gone is no error: the session ends with its stream.
    type Error = Infallible;

    /// Queues the message before it returns: the protocol library polls the futures of several messages in any order.
    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Infallible>> + Send + 'static {
        match serde_json::to_vec(&message) {
            Ok(json) => {
                let restored = unknown_content::restored(&json);
                self.session.send(restored.as_deref().unwrap_or(&json));
            }
            Err(error) => {
                tracing::error!(%error, "a message could not be written; its session ends");
                self.session.close();
            }
        }
        ready(Ok(()))
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        self.incoming.recv().await
    }

    async fn close(&mut self) -> Result<(), Infallible> {
        self.session.close();
        Ok(())
    }
}
