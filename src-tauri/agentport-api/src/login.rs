//! Being let in.

use agentport_core::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::Confirmation;

/// `GET /control/session`, the one route that needs no sign-in.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Session {
    /// The request carried a token that is in force.
    pub signed_in: bool,
    /// No owner password has been chosen yet: a sign-in code leads to choosing one.
    pub needs_password: bool,
    /// The gateway's version.
    pub version: String,
}

/// `POST /control/login` answers [`LoggedIn`].
#[derive(Debug, Clone, Deserialize, TS)]
#[ts(export)]
pub struct Login {
    /// The owner password.
    #[ts(type = "string")]
    pub password: agentport_core::Secret,
    /// A one-time or recovery code, where the second factor is on. Without it, or if it is wrong: 403 with the code
    /// `code_needed`.
    #[serde(default)]
    #[ts(optional, type = "string")]
    pub code: Option<agentport_core::Secret>,
}

/// To be shown as `Authorization: Bearer …`.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LoggedIn {
    /// The token, in force until then or until the sign-out, whichever is first.
    pub token: String,
    /// When the token stops working.
    pub expires_at: Timestamp,
    /// The code shown at the sign-in confirms as well, for as long as any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub confirmation: Option<Confirmation>,
}

/// `POST /control/password`. With the second factor on, a change needs a confirmation. `code` (from the dashboard link of the first start) where no password exists yet,
/// `current` where one does. Signs in like a login.
#[derive(Debug, Clone, Deserialize, TS)]
#[ts(export)]
pub struct ChoosePassword {
    /// The new password.
    #[ts(type = "string")]
    pub new: agentport_core::Secret,
    /// The code of the link that the first start printed.
    #[serde(default)]
    #[ts(optional)]
    pub code: Option<String>,
    /// The password that is replaced.
    #[serde(default)]
    #[ts(optional, type = "string")]
    pub current: Option<agentport_core::Secret>,
}

/// `PUT /control/owner-password`, in process only (204): sets the password with which a browser or a terminal signs in,
/// and opens the owner's plane to them. `DELETE /control/owner-password`, in process only (204), closes it again and ends
/// every sign-in.
#[derive(Debug, Clone, Deserialize, TS)]
#[ts(export)]
pub struct SetOwnerPassword {
    /// The new password.
    #[ts(type = "string")]
    pub new: agentport_core::Secret,
}
