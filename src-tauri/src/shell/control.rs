//! The owner's plane, while a gateway runs. What is neither that nor the desktop's own is not there.

use axum::{
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use tower::ServiceExt as _;

use super::routes::{Refused, Shell, nothing_here};
use crate::running::Condition;

pub(super) async fn pass_on(State(shell): State<Shell>, request: Request) -> Response {
    if !request.uri().path().starts_with("/control/") {
        return nothing_here().await.into_response();
    }
    let detail = match shell.parts.running.condition() {
        Condition::Up(up) => {
            return match up.owner.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
        }
        Condition::Starting => "AgentPort is starting. Try again in a moment.".to_owned(),
        Condition::Down(trouble) => trouble.sentence,
        Condition::Stopping => "AgentPort is quitting.".to_owned(),
    };
    Refused::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_code("not_running").into_response()
}
