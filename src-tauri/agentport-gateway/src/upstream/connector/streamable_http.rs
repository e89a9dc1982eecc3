//! Opens connections to remote servers over Streamable HTTP.

use std::sync::Arc;

use rmcp::{
    service::ClientServiceExt as _,
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use tokio::time::{Instant, timeout_at};

use super::{ConnectFailure, LiveConnection, UpstreamConnector, mode, revision};
use crate::upstream::{
    RemoteTarget,
    in_flight::InFlight,
    negotiation::Handshake,
    session::CallTransport,
    streamable_http::{
        client::{HttpClient, HttpSession},
        connect,
        handshake_client::HandshakeClient,
    },
    token_source::HttpCredentials,
};

impl UpstreamConnector {
    pub(super) async fn open_streamable_http(
        &self,
        target: &RemoteTarget,
        handshake: &Handshake,
        until: Instant,
    ) -> Result<LiveConnection, ConnectFailure> {
        let RemoteTarget { url, headers, tokens, .. } = target;
        let client = self.clients.for_url(url).map_err(ConnectFailure::Failed)?;
        let secrets = connect::secret_headers(url, headers).map_err(ConnectFailure::Failed)?;
        let rmcp_client =
            HandshakeClient::new(client.clone(), self.discover_timeout(handshake), tokens.clone());
        let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
            .custom_headers(secrets.clone())
            .reinit_on_expired_session(false);
        config.retry_config = rmcp_client.pacing();
        let transport = StreamableHttpClientTransport::with_client(rmcp_client.clone(), config);
        let in_flight = Arc::<InFlight>::default();
        let handler = self.handler(&in_flight, handshake);
        match timeout_at(until, handler.serve_with_lifecycle(transport, mode(handshake))).await {
            Ok(Ok(service)) => {
                let revision = revision(&service);
                let agreed = HttpSession {
                    modern: !revision.has_initialize(),
                    revision: revision.to_string(),
                    session: rmcp_client.session(),
                };
                let http = HttpClient::new(
                    client,
                    url.clone(),
                    HttpCredentials { headers: &secrets, tokens: tokens.as_ref() },
                    self.redactor.clone(),
                    &agreed,
                    self.events.clone(),
                    self.tasks.clone(),
                );
                let session = self.session(&service, in_flight, CallTransport::Http(http));
                Ok(LiveConnection { session, child: None, service })
            }
            Ok(Err(error)) => {
                let refusal = rmcp_client.refusal();
                Err(self.remote_failure(&error, refusal))
            }
            Err(_) => Err(ConnectFailure::Failed(self.too_slow("did not answer"))),
        }
    }
}
