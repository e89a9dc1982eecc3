//! The app itself: its state, autostart, port, notifications, quitting.

use agentport_api::paths;
use axum::{
    Extension, Json,
    extract::{Path, State},
};
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    FromWindow,
    routes::{IpcProblem, IpcResult, IpcState, parse_body},
    types::{Autostart, Desktop, NotificationsState, Port, SetOnClose},
};
use crate::gateway::supervisor::GatewayStatus;

/// Lower ports are privileged.
const MIN_PORT: u16 = 1024;

pub(super) async fn read(State(ipc): State<IpcState>) -> Json<Desktop> {
    Json(ipc.desktop().await)
}

impl IpcState {
    async fn desktop(&self) -> Desktop {
        let notifications = self.context.notifications.capabilities().await;
        let (trouble, port) = match self.context.supervisor.status() {
            GatewayStatus::Running(gateway) => (None, gateway.port),
            GatewayStatus::Failed(failure) => (Some(failure.sentence), failure.port),
            GatewayStatus::Starting => (Some("AgentPort is starting.".to_owned()), 0),
            GatewayStatus::Stopping => (Some("AgentPort is quitting.".to_owned()), 0),
        };
        Desktop {
            platform: std::env::consts::OS.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            autostart: self.context.platform.autostart(),
            notifications: NotificationsState {
                reachable: notifications.reachable,
                buttons: notifications.buttons,
                server: notifications.server,
            },
            tray_available: self.context.platform.tray_available(),
            on_close: self.context.on_close.get(),
            trouble,
            port,
        }
    }
}

pub(super) async fn set_autostart(
    State(ipc): State<IpcState>,
    body: String,
) -> IpcResult<StatusCode> {
    let Autostart { on } = parse_body(&body)?;
    ipc.context.platform.set_autostart(on).map_err(|error| IpcProblem::failed(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn set_on_close(
    State(ipc): State<IpcState>,
    body: String,
) -> IpcResult<StatusCode> {
    let SetOnClose { choice } = parse_body(&body)?;
    ipc.context.on_close.set(choice).map_err(|error| IpcProblem::failed(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn set_view(
    State(ipc): State<IpcState>,
    Extension(FromWindow(label)): Extension<FromWindow>,
    body: String,
) -> IpcResult<StatusCode> {
    ipc.context.attention.set_view(&label, parse_body(&body)?);
    Ok(StatusCode::NO_CONTENT)
}

/// Moves the gateway, and stores the port in the settings once the gateway listens there.
pub(super) async fn set_port(
    State(ipc): State<IpcState>,
    body: String,
) -> IpcResult<Json<Desktop>> {
    let Port { port } = parse_body(&body)?;
    if port < MIN_PORT {
        return Err(IpcProblem::invalid(
            "port",
            format!("A port is {MIN_PORT} to 65535, not {port}."),
        ));
    }
    let IpcState { context, .. } = &ipc;
    context.supervisor.move_to(port).await.map_err(|taken| {
        IpcProblem::new(StatusCode::CONFLICT, format!("{taken}.")).at_field("port")
    })?;
    if context.supervisor.running().is_some() {
        let stored: Result<Value, _> =
            context.control.patch(paths::SETTINGS, &json!({ "port": port })).await;
        stored.map_err(|error| IpcProblem::failed(&error))?;
    }
    Ok(Json(ipc.desktop().await))
}

pub(super) async fn try_again(State(ipc): State<IpcState>) -> Json<Desktop> {
    ipc.context.supervisor.start().await;
    Json(ipc.desktop().await)
}

pub(super) async fn test_notification(State(ipc): State<IpcState>) -> IpcResult<StatusCode> {
    let IpcState { context, .. } = &ipc;
    if !context.notifications.capabilities().await.reachable {
        return Err(IpcProblem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "No program shows notifications here. Requests open a window instead.",
        ));
    }
    context.notifications.show_sample();
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn quit(State(ipc): State<IpcState>) -> StatusCode {
    ipc.context.platform.quit();
    StatusCode::NO_CONTENT
}

pub(super) async fn end_stream(
    State(ipc): State<IpcState>,
    Extension(FromWindow(label)): Extension<FromWindow>,
    Path(number): Path<u64>,
) -> IpcResult<StatusCode> {
    if ipc.streams.end(&label, number) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(IpcProblem::new(StatusCode::NOT_FOUND, "There is no such stream."))
    }
}
