//! Opens connections to remote servers over HTTP+SSE (MCP 2024-11-05).

use std::sync::Arc;

use rmcp::service::{ClientInitializeError, ClientServiceExt as _};
use tokio::time::{Instant, timeout_at};

use super::{ConnectFailure, LiveConnection, UpstreamConnector, mode, said};
use crate::upstream::{
    RemoteTarget,
    error::UpstreamError,
    in_flight::InFlight,
    negotiation::{Handshake, HandshakeRefusal},
    session::CallTransport,
    sse::{
        channel::SseChannel,
        open::{self, OpenError},
    },
    streamable_http::connect,
    token_source::HttpCredentials,
};

impl UpstreamConnector {
    pub(super) async fn open_sse(
        &self,
        target: &RemoteTarget,
        handshake: &Handshake,
        until: Instant,
    ) -> Result<LiveConnection, ConnectFailure> {
        let RemoteTarget { url, headers, tokens, .. } = target;
        let client = self.clients.for_url(url).map_err(ConnectFailure::Failed)?;
        let secrets = connect::secret_headers(url, headers).map_err(ConnectFailure::Failed)?;
        let credentials = HttpCredentials { headers: &secrets, tokens: tokens.as_ref() };
        let in_flight = Arc::<InFlight>::default();
        let opening = open::open(client, url, credentials, in_flight.clone(), self.tasks.clone());
        let late = || ConnectFailure::Failed(self.too_slow("did not answer"));
        let opened = timeout_at(until, opening).await.map_err(|_| late())?;
        let (channel, transport) = opened.map_err(|error| match error {
            OpenError::OtherTransport(error) => ConnectFailure::OtherTransport(error),
            OpenError::Failed(error) => ConnectFailure::Failed(error),
        })?;
        let handler = self.handler(&in_flight, handshake);
        match timeout_at(until, handler.serve_with_lifecycle(transport, mode(handshake))).await {
            Ok(Ok(service)) => {
                let session = self.session(&service, in_flight, CallTransport::Sse(channel));
                Ok(LiveConnection { session, child: None, service })
            }
            Ok(Err(error)) => Err(self.sse_failure(&error, &channel)),
            Err(_) => Err(late()),
        }
    }

    /// Why the handshake failed on a stream that was open.
    fn sse_failure(&self, error: &ClientInitializeError, channel: &SseChannel) -> ConnectFailure {
        if let Some((to_owner, _)) = channel.end_reason() {
            return ConnectFailure::Failed(to_owner);
        }
        let mut refusal = HandshakeRefusal::default();
        match error {
            ClientInitializeError::TransportError { error, .. } => {
                if let Some(error) = error.error.downcast_ref::<UpstreamError>() {
                    return ConnectFailure::Failed(error.clone());
                }
            }
            ClientInitializeError::JsonRpcError(error) => refusal.said = said(error),
            _ => {}
        }
        self.remote_failure(error, refusal)
    }
}
