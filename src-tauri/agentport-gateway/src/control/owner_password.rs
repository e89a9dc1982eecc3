//! In-process routes that set and remove the owner's password. Over TCP it is chosen and changed in [`super::login`], which
//! asks for the present one.

use agentport_api::{Event, SetOwnerPassword};
use agentport_core::audit::{Actor, AuditAction};
use axum::{Json, extract::State};
use http::StatusCode;
use serde_json::json;

use super::{Control, error::ApiResult, password};

/// Ends every sign-in with the former password.
pub(super) async fn set(
    State(control): State<Control>,
    Json(wanted): Json<SetOwnerPassword>,
) -> ApiResult<StatusCode> {
    let _alone = control.changing.lock().await;
    password::set_password(&control.store, &wanted.new).await?;
    control.logins.close_all();
    control.front.set_password(true);
    control.password_changed(AuditAction::PasswordSet).await;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove(State(control): State<Control>) -> ApiResult<StatusCode> {
    let _alone = control.changing.lock().await;
    // Close first, so that no sign-in is accepted even if the database operation fails.
    control.front.set_password(false);
    control.logins.close_all();
    if password::remove_password(&control.store).await? {
        control.password_changed(AuditAction::PasswordRemoved).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

impl Control {
    async fn password_changed(&self, action: AuditAction) {
        self.audit.record(Actor::Owner, action, "owner", json!({ "at": "the window" })).await;
        self.events.send(Event::Owner);
    }
}
