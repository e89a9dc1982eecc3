//! The control API in process: the transport of [`ControlClient`] for the tray and for notifications. It reaches the
//! router that the windows reach.

use agentport_api::{ControlClient, ControlError, ControlRequest, ControlResponse, Transport};
use axum::body::Body;
use http::{Request, header};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::supervisor::GatewaySupervisor;

/// The control API of the gateway that runs at the time of each request.
pub(crate) type InProcessClient = ControlClient<InProcessTransport>;

/// Why a request of [`InProcessClient`] was not done.
pub(crate) type ClientError = ControlError<TransportError>;

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransportError {
    #[error("AgentPort's gateway is not running")]
    NotRunning,
    #[error("the gateway broke its answer off")]
    BrokenOff(#[source] axum::Error),
}

#[derive(Clone)]
pub(crate) struct InProcessTransport(GatewaySupervisor);

pub(crate) fn in_process(supervisor: GatewaySupervisor) -> InProcessClient {
    ControlClient::new(InProcessTransport(supervisor))
}

impl Transport for InProcessTransport {
    type Error = TransportError;

    async fn send(&self, request: ControlRequest) -> Result<ControlResponse, TransportError> {
        let gateway = self.0.running().ok_or(TransportError::NotRunning)?;
        let request = Request::builder()
            .method(request.method)
            .uri(request.path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(request.body.map_or_else(Body::empty, Body::from))
            .expect("paths are escaped by `agentport_api::paths`");
        let response = match gateway.control_api.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let body = response.into_body().collect().await.map_err(TransportError::BrokenOff)?;
        Ok(ControlResponse { status, body: body.to_bytes() })
    }
}
