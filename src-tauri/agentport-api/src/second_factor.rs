//! One-time codes that stand between a decision and whoever sits at the owner's screen (TOTP, RFC 6238).
//!
//! While it is on, whatever widens what agents may do needs a confirmation: the header `agentport-confirmation` with a
//! token from `POST /control/confirm`. Without it such a request answers 403 and [`super::Problem`] with the code
//! `confirmation_needed`.

use agentport_core::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `GET /control/second-factor`. `DELETE /control/second-factor` turns it off (204, needs a confirmation).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SecondFactor {
    /// It is on.
    pub on: bool,
    /// When it was turned on.
    pub since: Option<Timestamp>,
    /// Recovery codes that were not used yet.
    pub recovery_codes_left: u32,
}

/// `POST /control/second-factor/begin`: a new secret, which counts once a code made with it is shown. 409 while on.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SecondFactorSetup {
    /// Base32, for who can't scan.
    pub secret: String,
    /// `otpauth://totp/…`
    pub uri: String,
    /// The address as a QR code: one string a row, `1` for dark and `0` for light, without a quiet zone.
    pub qr: Vec<String>,
}

/// `POST /control/second-factor/enable` with a code of the new secret answers [`RecoveryCodes`]; 422 if it is wrong.
/// `POST /control/confirm` with a code, or with a recovery code, answers [`Confirmation`]; 422 if it is wrong, 429 with
/// `Retry-After` after several wrong ones.
#[derive(Debug, Clone, Deserialize, TS)]
#[ts(export)]
pub struct Code {
    /// Six digits, or a recovery code where one is taken.
    #[ts(type = "string")]
    pub code: agentport_core::Secret,
}

/// Ten, each good once, shown this one time. `POST /control/second-factor/recovery-codes` makes new ones (needs a
/// confirmation).
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RecoveryCodes {
    /// The codes as they are to be written down.
    pub codes: Vec<String>,
}

/// Good for five minutes.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Confirmation {
    /// Goes into the header `agentport-confirmation`.
    pub token: String,
    /// When it stops counting.
    pub expires_at: Timestamp,
}
