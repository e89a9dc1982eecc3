//! Opens connections to local servers: starts the program, negotiates over its standard input and output.

use std::sync::Arc;

use rmcp::service::{ClientInitializeError, ClientServiceExt as _};

use super::{ConnectFailure, LiveConnection, UpstreamConnector, mode, said};
use crate::upstream::{
    LocalTarget,
    error::UpstreamError,
    in_flight::InFlight,
    negotiation::{Handshake, HandshakeRefusal},
    session::CallTransport,
    stdio::child::{ChildServer, StartedServer},
};

impl UpstreamConnector {
    pub(super) async fn open_local(
        &self,
        target: &LocalTarget,
        handshake: &Handshake,
    ) -> Result<LiveConnection, ConnectFailure> {
        let in_flight = Arc::<InFlight>::default();
        let StartedServer { mut local, mut transport } = ChildServer::start(
            target,
            &self.local,
            &self.redactor,
            &in_flight,
            &self.ring,
            &self.tasks,
        )
        .await
        .map_err(ConnectFailure::Failed)?;
        let handler = self.handler(&in_flight, handshake);
        transport.set_discover_timeout(self.discover_timeout(handshake));
        let activity = local.activity().clone();
        let negotiated = activity
            .while_active(self.limit(), handler.serve_with_lifecycle(transport, mode(handshake)))
            .await;
        let error = match negotiated {
            Some(Ok(service)) => {
                let wire = CallTransport::Stdio(local.pipe().clone());
                let session = self.session(&service, in_flight, wire);
                return Ok(LiveConnection { session, child: Some(local), service });
            }
            Some(Err(error)) => Some(error),
            None => None,
        };
        let words = local.end_at_once(false).await;
        let refusal = HandshakeRefusal {
            discovered_late: local.pipe().discovered_late(),
            ..HandshakeRefusal::default()
        };
        Err(self.local_failure(error, &words, refusal))
    }

    /// Why a local server did not start. `words` is its last output.
    fn local_failure(
        &self,
        error: Option<ClientInitializeError>,
        words: &str,
        mut refusal: HandshakeRefusal,
    ) -> ConnectFailure {
        match error {
            None => {
                let problem = format!(
                    "did not introduce itself within {} s; {words}",
                    self.limit().as_secs()
                );
                ConnectFailure::Failed(UpstreamError::Unreachable {
                    what: self.target.display_name(),
                    problem,
                })
            }
            Some(ClientInitializeError::LegacyFallbackFailed { fallback, .. }) => {
                let error = match *fallback {
                    ClientInitializeError::JsonRpcError(error) => {
                        refusal.said = said(&error);
                        format!(
                            "it refuses to begin ({})",
                            self.redactor.quote(&error.message, 200)
                        )
                    }
                    _ => format!("its introduction cannot be understood; {words}"),
                };
                ConnectFailure::Handshake(UpstreamError::Protocol { problem: error }, refusal)
            }
            Some(ClientInitializeError::JsonRpcError(error)) => {
                refusal.said = said(&error);
                let said = self.redactor.quote(&error.message, 200);
                let problem = format!("it refuses to begin ({said})");
                ConnectFailure::Handshake(UpstreamError::Protocol { problem }, refusal)
            }
            Some(
                ClientInitializeError::ConnectionClosed(_)
                | ClientInitializeError::TransportError { .. },
            ) => {
                let problem = format!("ended before it had introduced itself; {words}");
                let error =
                    UpstreamError::Unreachable { what: self.target.display_name(), problem };
                ConnectFailure::Handshake(error, refusal)
            }
            Some(_) => {
                let problem = format!("its introduction cannot be understood; {words}");
                ConnectFailure::Handshake(UpstreamError::Protocol { problem }, refusal)
            }
        }
    }
}
