//! Forwards `/control/` to the gateway while one runs; every other path that is not the desktop's own is 404.

use agentport_api::paths;
use axum::{
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use tower::ServiceExt as _;

use super::routes::{IpcProblem, IpcState, not_found};
use crate::gateway::supervisor::GatewayStatus;

pub(super) async fn forward(State(ipc): State<IpcState>, request: Request) -> Response {
    if !request.uri().path().starts_with(paths::PREFIX) {
        return not_found().await.into_response();
    }
    let detail = match ipc.context.supervisor.status() {
        GatewayStatus::Running(gateway) => {
            return match gateway.control_api.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
        }
        GatewayStatus::Starting => "AgentPort is starting. Try again in a moment.".to_owned(),
        GatewayStatus::Failed(failure) => failure.sentence,
        GatewayStatus::Stopping => "AgentPort is quitting.".to_owned(),
    };
    IpcProblem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        .with_code("not_running")
        .into_response()
}
