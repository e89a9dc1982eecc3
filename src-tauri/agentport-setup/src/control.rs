//! Client of the in-process control API, which passes on the confirmation of the owner's request.

use agentport_api::{
    ControlClient, ControlError, ControlRequest, ControlResponse, Transport, headers::CONFIRMATION,
};
use agentport_gateway::ControlHandle;
use axum::{Router, body::Body};
use http::{HeaderMap, HeaderValue, Request, header::CONTENT_TYPE};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

/// Why the gateway did not do what was asked of it in process.
pub type GatewayError = ControlError<InProcessError>;

/// The control API for the time of one request of the owner's.
pub(crate) type ControlApi = ControlClient<InProcess>;

/// A request could not be put to the router, or its answer could not be read.
#[derive(Debug, thiserror::Error)]
pub enum InProcessError {
    #[error("the request to the gateway is not valid")]
    Request(#[source] http::Error),
    #[error("the gateway's answer could not be read")]
    Answer(#[source] axum::Error),
}

/// Sends requests to the router of the gateway in this process.
#[derive(Clone)]
pub(crate) struct InProcess {
    pub(crate) handle: ControlHandle,
    router: Router,
    confirmation: Option<HeaderValue>,
}

/// `headers` are those of the owner's request: a confirmation in them holds for what is asked on its behalf.
pub(crate) fn client(handle: &ControlHandle, headers: &HeaderMap) -> ControlApi {
    ControlClient::new(InProcess {
        handle: handle.clone(),
        router: handle.router(),
        confirmation: headers.get(CONFIRMATION).cloned(),
    })
}

impl Transport for InProcess {
    type Error = InProcessError;

    async fn send(&self, request: ControlRequest) -> Result<ControlResponse, InProcessError> {
        let mut builder = Request::builder().method(request.method).uri(request.path);
        if let Some(confirmation) = &self.confirmation {
            builder = builder.header(CONFIRMATION, confirmation);
        }
        let body = match request.body {
            Some(body) => {
                builder = builder.header(CONTENT_TYPE, "application/json");
                Body::from(body)
            }
            None => Body::empty(),
        };
        let request = builder.body(body).map_err(InProcessError::Request)?;
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(InProcessError::Answer)?;
        Ok(ControlResponse { status: parts.status, body: body.to_bytes() })
    }
}
