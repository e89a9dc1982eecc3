//! The app itself: where it stands, when it starts, where it listens, how it ends.

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    FromWindow,
    routes::{Answer, Refused, Shell, take},
    types::{Autostart, Desktop, NotificationsState, Port},
};
use crate::running::Condition;

/// Below it ports are the system's.
const LOWEST_PORT: u16 = 1024;

pub(super) async fn read(State(shell): State<Shell>) -> Json<Desktop> {
    Json(shell.desktop().await)
}

impl Shell {
    async fn desktop(&self) -> Desktop {
        let notifications = self.parts.notices.capabilities().await;
        let (trouble, port) = match self.parts.running.condition() {
            Condition::Up(up) => (None, up.port),
            Condition::Down(trouble) => (Some(trouble.sentence), trouble.port),
            Condition::Starting => (Some("AgentPort is starting.".to_owned()), 0),
            Condition::Stopping => (Some("AgentPort is quitting.".to_owned()), 0),
        };
        Desktop {
            platform: std::env::consts::OS.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            autostart: self.parts.desk.autostart(),
            notifications: NotificationsState {
                reachable: notifications.reachable,
                buttons: notifications.buttons,
                server: notifications.server,
            },
            trouble,
            port,
        }
    }
}

pub(super) async fn set_autostart(State(shell): State<Shell>, body: String) -> Answer<StatusCode> {
    let Autostart { on } = take(&body)?;
    shell.parts.desk.set_autostart(on).map_err(|error| Refused::failed(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Moves the gateway, and keeps the port in the settings once it is there.
pub(super) async fn set_port(State(shell): State<Shell>, body: String) -> Answer<Json<Desktop>> {
    let Port { port } = take(&body)?;
    if port < LOWEST_PORT {
        return Err(Refused::invalid(
            "port",
            format!("A port is {LOWEST_PORT} to 65535, not {port}."),
        ));
    }
    let Shell { parts, .. } = &shell;
    parts.running.move_to(port).await.map_err(|taken| {
        Refused::new(StatusCode::CONFLICT, format!("{taken}.")).at_field("port")
    })?;
    if parts.running.up().is_some() {
        let kept: Result<Value, _> = parts
            .owner
            .ask(Method::PATCH, "/control/settings", Some(json!({ "port": port })))
            .await;
        kept.map_err(|error| Refused::failed(&error))?;
    }
    Ok(Json(shell.desktop().await))
}

pub(super) async fn try_again(State(shell): State<Shell>) -> Json<Desktop> {
    shell.parts.running.start().await;
    Json(shell.desktop().await)
}

pub(super) async fn test_notification(State(shell): State<Shell>) -> Answer<StatusCode> {
    let Shell { parts, .. } = &shell;
    if !parts.notices.capabilities().await.reachable {
        return Err(Refused::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Nobody shows notifications here. Requests open a window instead.",
        ));
    }
    let body = "Requests of your agents will look like this.";
    parts.notices.tell("Notifications arrive", body);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn quit(State(shell): State<Shell>) -> StatusCode {
    shell.parts.desk.quit();
    StatusCode::NO_CONTENT
}

pub(super) async fn end_stream(
    State(shell): State<Shell>,
    Extension(FromWindow(label)): Extension<FromWindow>,
    Path(number): Path<u64>,
) -> Answer<StatusCode> {
    if shell.streams.end(&label, number) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refused::new(StatusCode::NOT_FOUND, "There is no such stream."))
    }
}
