//! Routes of the second factor (TOTP): enable, disable, check codes. Which routes need one is listed in [`super::routes`].
//!
//! It is on while the database says so. A secret that cannot be opened, or a row that cannot be read, never turns it
//! off: one-time codes then fail, and recovery codes still work.

mod recovery;
mod totp;

use std::time::Duration;

use agentport_api::{Code, Confirmation, Event, RecoveryCodes, SecondFactor, SecondFactorSetup};
use agentport_core::{
    ErrorChain, Secret, Timestamp,
    audit::{Actor, AuditAction},
};
use axum::{Json, extract::State};
use http::StatusCode;
use parking_lot::Mutex;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    Control,
    error::{ApiError, ApiResult},
    throttle::LoginThrottle,
    tokens::Tokens,
};
use crate::{
    clock,
    store::{self, CodeHash, SecondFactorRow, Transition},
};

/// The id the secret is sealed for.
const SEALED_FOR: &str = "owner/second-factor";
/// Time within which a new secret must be confirmed with a code.
const SETUP: Duration = Duration::from_secs(15 * 60);
/// Lifetime of a confirmation.
const CONFIRMED: Duration = Duration::from_secs(5 * 60);

/// In-memory state of the second factor.
#[derive(Debug)]
pub(crate) struct SecondFactorState {
    throttle: LoginThrottle,
    begun: Mutex<Option<Begun>>,
    pub(super) confirmations: Tokens,
}

/// A new secret that is enabled once a code made with it is sent.
struct Begun {
    secret: Zeroizing<[u8; 20]>,
    until: Timestamp,
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Begun").field("until", &self.until).finish_non_exhaustive()
    }
}

impl Default for SecondFactorState {
    fn default() -> Self {
        Self {
            throttle: LoginThrottle::growing(),
            begun: Mutex::default(),
            confirmations: Tokens::new(CONFIRMED),
        }
    }
}

pub(super) async fn read(State(control): State<Control>) -> ApiResult<Json<SecondFactor>> {
    let store = &control.store;
    let row = store.second_factor().await?;
    Ok(Json(SecondFactor {
        on: row.is_some(),
        since: row.map(|row| row.since),
        recovery_codes_left: store.count_recovery_codes().await?,
    }))
}

pub(super) async fn begin(State(control): State<Control>) -> ApiResult<Json<SecondFactorSetup>> {
    if control.second_factor_is_on().await? {
        return Err(on_already());
    }
    let secret = Zeroizing::new(totp::new_secret());
    let impossible = || ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "no secret could be made");
    let totp = totp::totp(&*secret).ok_or_else(impossible)?;
    let uri = totp.to_url().map_err(|_| impossible())?;
    let setup = SecondFactorSetup { secret: totp.secret().to_base32(), qr: totp::qr(&uri), uri };
    let begun = Begun { secret, until: clock::now().plus(SETUP) };
    *control.codes.begun.lock() = Some(begun);
    Ok(Json(setup))
}

pub(super) async fn enable(
    State(control): State<Control>,
    Json(shown): Json<Code>,
) -> ApiResult<Json<RecoveryCodes>> {
    if control.second_factor_is_on().await? {
        return Err(on_already());
    }
    let attempt = control.codes.throttle.attempt().await.map_err(ApiError::too_soon)?;
    let now = clock::now();
    let secret = control
        .codes
        .begun
        .lock()
        .as_ref()
        .filter(|begun| now < begun.until)
        .map(|begun| begun.secret.clone());
    let Some(secret) = secret else {
        let detail = "no new secret waits for its first code; begin again";
        return Err(ApiError::new(StatusCode::CONFLICT, detail));
    };
    let code = plain(&shown.code);
    let Some(step) = totp::totp(&*secret).and_then(|totp| totp::step(&totp, &code, now)) else {
        attempt.was_wrong();
        return Err(wrong());
    };
    attempt.was_right();
    let sealed = control.vault.seal(SEALED_FOR, secret.as_slice());
    let (codes, hashes) = recovery_codes();
    let row = SecondFactorRow { sealed, since: now };
    let inserted = control.store.insert_second_factor(&row, step, &hashes).await?;
    if inserted == Transition::LostRace {
        return Err(on_already());
    }
    *control.codes.begun.lock() = None;
    control.second_factor_changed(AuditAction::SecondFactorOn).await;
    Ok(Json(RecoveryCodes { codes }))
}

pub(super) async fn turn_off(State(control): State<Control>) -> ApiResult<StatusCode> {
    if control.store.delete_second_factor().await? == Transition::Applied {
        control.second_factor_changed(AuditAction::SecondFactorOff).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn new_recovery_codes(
    State(control): State<Control>,
) -> ApiResult<Json<RecoveryCodes>> {
    let (codes, hashes) = recovery_codes();
    if control.store.replace_recovery_codes(&hashes).await? == Transition::LostRace {
        return Err(off());
    }
    control.audit.record(Actor::Owner, AuditAction::RecoveryCodesMade, "owner", Value::Null).await;
    control.events.send(Event::Owner);
    Ok(Json(RecoveryCodes { codes }))
}

fn recovery_codes() -> (Vec<String>, Vec<CodeHash>) {
    let codes = recovery::new_codes();
    let hashes = codes.iter().filter_map(|code| recovery::hash(code)).collect();
    (codes, hashes)
}

/// A code without the spaces some apps show it with.
fn plain(code: &Secret) -> Zeroizing<String> {
    Zeroizing::new(code.expose().chars().filter(|char| !char.is_whitespace()).collect())
}

fn on_already() -> ApiError {
    ApiError::new(StatusCode::CONFLICT, "the second factor is on already; attempt it off first")
}

fn off() -> ApiError {
    ApiError::new(StatusCode::CONFLICT, "the second factor is off, so there is nothing to confirm")
}

fn wrong() -> ApiError {
    let detail = "That code is wrong, too old, or was used before. Wait for the next one.";
    ApiError::invalid("code", detail)
}

impl Control {
    pub(super) async fn second_factor_is_on(&self) -> store::Result<bool> {
        Ok(self.store.second_factor().await?.is_some())
    }

    async fn second_factor_changed(&self, action: AuditAction) {
        self.codes.confirmations.take_back_all();
        self.audit.record(Actor::Owner, action, "owner", Value::Null).await;
        self.events.send(Event::Owner);
    }

    /// Checks a one-time or recovery code, uses it up, and returns a confirmation.
    pub(super) async fn take_code(&self, code: &Secret) -> ApiResult<Confirmation> {
        let attempt = self.codes.throttle.attempt().await.map_err(ApiError::too_soon)?;
        let round = self.codes.confirmations.round();
        let Some(row) = self.store.second_factor().await? else { return Err(off()) };
        let now = clock::now();
        let good = self.uses_step(&row, code, now).await? || self.uses_recovery(code).await?;
        if !good {
            attempt.was_wrong();
            self.audit.record(Actor::Unknown, AuditAction::CodeRefused, "owner", Value::Null).await;
            return Err(wrong());
        }
        attempt.was_right();
        // Disabled or replaced meanwhile: the code belonged to the previous secret.
        let given = self.codes.confirmations.give(round, now);
        let (token, expires_at) = given.ok_or_else(wrong)?;
        Ok(Confirmation { token, expires_at })
    }

    async fn uses_step(
        &self,
        row: &SecondFactorRow,
        code: &Secret,
        now: Timestamp,
    ) -> store::Result<bool> {
        let opened = match self.vault.open(SEALED_FOR, &row.sealed) {
            Ok(opened) => opened,
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "the second factor's secret can't be opened; only recovery codes are good");
                return Ok(false);
            }
        };
        let step = totp::totp(&opened).and_then(|totp| totp::step(&totp, &plain(code), now));
        match step {
            Some(step) => Ok(self.store.use_step(step).await?.is_applied()),
            None => Ok(false),
        }
    }

    async fn uses_recovery(&self, code: &Secret) -> store::Result<bool> {
        let Some(hash) = recovery::hash(code.expose()) else { return Ok(false) };
        let store = &self.store;
        if store.use_recovery_code(&hash).await? == Transition::LostRace {
            return Ok(false);
        }
        let left = store.count_recovery_codes().await?;
        self.audit
            .record(Actor::Owner, AuditAction::RecoveryCodeUsed, "owner", json!({ "left": left }))
            .await;
        self.events.send(Event::Owner);
        Ok(true)
    }
}
