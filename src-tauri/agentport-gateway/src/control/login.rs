//! Sign-in over TCP: password, one-time code if the second factor is on, then a bearer token.

use std::time::Duration;

use agentport_api::{ChoosePassword, Confirmation, Event, LoggedIn, Login, Session, paths};
use agentport_core::{
    Timestamp,
    audit::{Actor, AuditAction},
    mcp::EVENT_STREAM,
};
use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use futures::StreamExt as _;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use parking_lot::Mutex;
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::{
    Control,
    error::{ApiError, ApiResult},
    password::{check_length, has_password, is_password, set_password},
    throttle::LoginThrottle,
    tokens::{RevocationRound, TokenTerm, Tokens, digest, random},
};
use crate::clock;

/// Lifetime of a sign-in.
const LIFE: Duration = Duration::from_secs(12 * 3600);
/// Lifetime of the sign-in code of a first start.
const CODE_LIFE: Duration = Duration::from_secs(600);

/// The owner's sign-ins over TCP, and the throttle of failed ones.
#[derive(Debug)]
pub(crate) struct Logins {
    tokens: Tokens,
    /// SHA-256 of the sign-in code, and when it ends.
    code: Mutex<Option<([u8; 32], Timestamp)>>,
    throttle: LoginThrottle,
}

impl Default for Logins {
    fn default() -> Self {
        Self {
            tokens: Tokens::new(LIFE),
            code: Mutex::default(),
            throttle: LoginThrottle::steady(),
        }
    }
}

impl Logins {
    /// Creates a code, valid once and for ten minutes, with which the first password can be chosen.
    pub(super) fn make_code(&self) -> String {
        let code = random();
        *self.code.lock() = Some((digest(&code), clock::now().plus(CODE_LIFE)));
        code
    }

    fn take_code(&self, code: &str, now: Timestamp) -> bool {
        let mut kept = self.code.lock();
        let good =
            kept.is_some_and(|(hash, end)| now < end && bool::from(hash.ct_eq(&digest(code))));
        if good {
            *kept = None;
        }
        good
    }

    /// Ends every sign-in, for instance after a change of the password.
    pub(super) fn close_all(&self) {
        self.tokens.take_back_all();
    }
}

/// The control routes behind the sign-in, and the few without it.
pub(super) fn guarded(control: Control, owner: Router) -> Router {
    let open = Router::new()
        .route(paths::SESSION, get(session))
        .route(paths::LOGIN, post(login))
        .route(paths::LOGOUT, post(logout))
        .route(paths::PASSWORD, post(choose_password))
        .with_state(control.clone());
    owner.layer(middleware::from_fn_with_state(control, require_owner)).merge(open)
}

async fn require_owner(
    State(control): State<Control>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let Some(term) = signed_in(&control, request.headers()) else {
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "Sign in with the owner password first. An agent's key does not open this.",
        ));
    };
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let is_stream = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(EVENT_STREAM.as_bytes()));
    Ok(if is_stream { response.map(|body| while_signed_in(body, term)) } else { response })
}

/// Ends a streamed body with the sign-in it was opened under.
fn while_signed_in(body: Body, term: TokenTerm) -> Body {
    let over = async move {
        tokio::select! {
            () = term.ended.cancelled() => {}
            () = tokio::time::sleep(term.until.since(clock::now())) => {}
        }
    };
    Body::from_stream(body.into_data_stream().take_until(Box::pin(over)))
}

fn signed_in(control: &Control, headers: &HeaderMap) -> Option<TokenTerm> {
    control.logins.tokens.find(shown_token(headers)?, clock::now())
}

/// The bearer token of a request. There is no cookie: browsers send cookies to every port of a host, so any program on
/// 127.0.0.1 could receive it after the owner follows a link.
fn shown_token(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

async fn session(State(control): State<Control>, headers: HeaderMap) -> ApiResult<Json<Session>> {
    Ok(Json(Session {
        signed_in: signed_in(&control, &headers).is_some(),
        needs_password: !has_password(&control.store).await?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }))
}

async fn login(State(control): State<Control>, Json(login): Json<Login>) -> ApiResult<Response> {
    let attempt = control.logins.throttle.attempt().await.map_err(ApiError::too_soon)?;
    let round = control.logins.tokens.round();
    if !is_password(&control.store, &login.password).await? {
        attempt.was_wrong();
        control.audit.record(Actor::Unknown, AuditAction::LoginFailed, "owner", Value::Null).await;
        return Err(ApiError::new(StatusCode::UNAUTHORIZED, "That is not the owner password."));
    }
    attempt.was_right();
    drop(attempt);
    let confirmation = match (control.second_factor_is_on().await?, &login.code) {
        (false, _) => None,
        (true, None) => return Err(ApiError::code_needed("A one-time code is needed as well.")),
        (true, Some(code)) => Some(control.take_code(code).await.map_err(ApiError::at_login)?),
    };
    let response = let_in(&control, round, confirmation)?;
    control.audit.record(Actor::Owner, AuditAction::LoginSucceeded, "owner", Value::Null).await;
    Ok(response)
}

fn let_in(
    control: &Control,
    round: RevocationRound,
    confirmation: Option<Confirmation>,
) -> ApiResult<Response> {
    // The password may have been changed or removed while the hash was computed.
    let given = control.logins.tokens.give(round, clock::now());
    let (token, expires_at) = given.ok_or_else(|| {
        let detail = "The owner password has just been changed. Sign in with the new one.";
        ApiError::new(StatusCode::UNAUTHORIZED, detail)
    })?;
    let mut response = Json(LoggedIn { token, expires_at, confirmation }).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn logout(State(control): State<Control>, headers: HeaderMap) -> StatusCode {
    if let Some(token) = shown_token(&headers) {
        control.logins.tokens.take_back(token);
    }
    StatusCode::NO_CONTENT
}

async fn choose_password(
    State(control): State<Control>,
    headers: HeaderMap,
    Json(choice): Json<ChoosePassword>,
) -> ApiResult<Response> {
    let store = &control.store;
    let attempt = control.logins.throttle.attempt().await.map_err(ApiError::too_soon)?;
    // Validate the new password before the code is used up.
    check_length(&choice.new)?;
    // Hold the lock from checking the present password until the new one is stored.
    let _alone = control.changing.lock().await;
    let first = !has_password(store).await?;
    let allowed = if first {
        let now = clock::now();
        choice.code.as_deref().is_some_and(|code| control.logins.take_code(code, now))
    } else {
        match &choice.current {
            Some(current) => is_password(store, current).await?,
            None => false,
        }
    };
    if !allowed {
        attempt.was_wrong();
        let detail = if first {
            "The sign-in code is wrong, used or older than ten minutes. Start the gateway again for a new one."
        } else {
            "The current password is wrong."
        };
        return Err(ApiError::new(StatusCode::FORBIDDEN, detail));
    }
    attempt.was_right();
    if !first {
        // This signs in too, so it needs the one-time code as well.
        control.confirmed(&headers).await?;
    }
    set_password(store, &choice.new).await?;
    control.logins.close_all();
    control.front.set_password(true);
    control.events.send(Event::Owner);
    control
        .audit
        .record(Actor::Owner, AuditAction::PasswordSet, "owner", json!({ "at": "the sign-in" }))
        .await;
    let_in(&control, control.logins.tokens.round(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_good_once() {
        let logins = Logins::default();
        let code = logins.make_code();
        assert!(!logins.take_code("wrong", clock::now()));
        assert!(logins.take_code(&code, clock::now()));
        assert!(!logins.take_code(&code, clock::now()));
        let late = logins.make_code();
        assert!(!logins.take_code(&late, clock::now().plus(CODE_LIFE)));
    }

    #[tokio::test]
    async fn a_stream_ends_with_its_sign_in() {
        let logins = Logins::default();
        let (token, _) = logins.tokens.give(logins.tokens.round(), clock::now()).unwrap();
        let term = logins.tokens.find(&token, clock::now()).unwrap();
        let endless = Body::from_stream(futures::stream::pending::<std::io::Result<Vec<u8>>>());
        let mut stream = while_signed_in(endless, term).into_data_stream();
        assert!(futures::poll!(stream.next()).is_pending());
        logins.close_all();
        assert!(stream.next().await.is_none());
    }
}
