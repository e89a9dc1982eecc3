//! Being let in.

use agentport_core::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `GET /control/session`, the one route that needs no sign-in.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Session {
    pub signed_in: bool,
    /// No owner password has been chosen yet: a sign-in code leads to choosing one.
    pub needs_password: bool,
    pub version: String,
}

/// `POST /control/login` answers [`LoggedIn`].
#[derive(Debug, Clone, Deserialize, TS)]
#[ts(export)]
pub struct Login {
    #[ts(type = "string")]
    pub password: agentport_core::Secret,
}

/// To be shown as `Authorization: Bearer …`.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LoggedIn {
    pub token: String,
    pub expires_at: Timestamp,
}

/// `POST /control/password`. `code` (from the dashboard link of the first start) where no password exists yet,
/// `current` where one does. Signs in like a login.
#[derive(Debug, Clone, Deserialize, TS)]
#[ts(export)]
pub struct ChoosePassword {
    #[ts(type = "string")]
    pub new: agentport_core::Secret,
    #[serde(default)]
    #[ts(optional)]
    pub code: Option<String>,
    #[serde(default)]
    #[ts(optional, type = "string")]
    pub current: Option<agentport_core::Secret>,
}
