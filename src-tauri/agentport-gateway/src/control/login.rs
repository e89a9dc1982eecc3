//! Letting the owner in over TCP: a password (Argon2id), a token, and patience with wrong guesses.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use agentport_core::{Secret, Timestamp};
use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use axum::{
    Json, Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use base64::Engine as _;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{
    Control,
    problem::{Answer, Refused},
    types::{ChoosePassword, LoggedIn, Login, Session},
};
use crate::{
    clock,
    engine::Chain,
    store::{self, Store},
};

/// The setting that keeps the password's hash.
const PASSWORD: &str = "owner_password";
/// How long a sign-in lasts.
const LIFE: Duration = Duration::from_secs(12 * 3600);
/// How long the sign-in code of a first start is good.
const CODE_LIFE: Duration = Duration::from_secs(600);
/// Wrong guesses that are free …
const FREE_GUESSES: u32 = 5;
/// … and the time between two more.
const GUESS_EVERY: Duration = Duration::from_secs(2);
/// Those who may wait for their turn; more are sent away.
const MOST_WAITING: usize = 8;
/// Sign-ins kept at once; the oldest goes first.
const KEPT: usize = 1_000;
const SHORTEST: usize = 10;
const LONGEST: usize = 1_000;

/// Who is signed in, and how often somebody guessed wrong.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    inner: Mutex<Inner>,
    /// Held while a password is looked at.
    gate: tokio::sync::Mutex<()>,
    waiting: AtomicUsize,
}

/// Leave to try one password.
struct Turn<'a> {
    _alone: tokio::sync::MutexGuard<'a, ()>,
    _waiting: Waiting<'a>,
}

/// Counts one who waits, for as long as it does.
struct Waiting<'a> {
    all: &'a AtomicUsize,
    before: usize,
}

impl<'a> Waiting<'a> {
    fn new(all: &'a AtomicUsize) -> Self {
        Self { all, before: all.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Inner {
    /// SHA-256 of the token → when it ends.
    tokens: HashMap<[u8; 32], Timestamp>,
    /// SHA-256 of the sign-in code, and when it ends.
    code: Option<([u8; 32], Timestamp)>,
    failures: u32,
    last_failure: Option<Timestamp>,
}

impl Logins {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A code, good once and for ten minutes, that leads to choosing the first password.
    pub(crate) fn make_code(&self) -> String {
        let code = random();
        self.lock().code = Some((digest(&code), clock::now().plus(CODE_LIFE)));
        code
    }

    fn take_code(&self, code: &str, now: Timestamp) -> bool {
        let mut state = self.lock();
        let good = state
            .code
            .is_some_and(|(hash, end)| now < end && bool::from(hash.ct_eq(&digest(code))));
        if good {
            state.code = None;
        }
        good
    }

    fn open(&self, now: Timestamp) -> LoggedIn {
        let token = random();
        let expires_at = now.plus(LIFE);
        let mut state = self.lock();
        state.tokens.retain(|_, end| now < *end);
        if state.tokens.len() >= KEPT
            && let Some(oldest) = state.tokens.iter().min_by_key(|(_, end)| **end).map(|(t, _)| *t)
        {
            state.tokens.remove(&oldest);
        }
        state.tokens.insert(digest(&token), expires_at);
        state.failures = 0;
        LoggedIn { token, expires_at }
    }

    fn knows(&self, token: &str, now: Timestamp) -> bool {
        self.lock().tokens.get(&digest(token)).is_some_and(|end| now < *end)
    }

    fn close(&self, token: &str) {
        self.lock().tokens.remove(&digest(token));
    }

    /// Ends every sign-in, as after a change of the password.
    fn close_all(&self) {
        self.lock().tokens.clear();
    }

    /// Waits until a password may be tried. One is tried at a time, and after a few wrong ones only every other
    /// second, so that guessing in parallel gains nothing; a right one gets its turn among them. `Err`: so many are
    /// waiting already that it is not worth it; try again in so many seconds.
    async fn turn(&self) -> Result<Turn<'_>, u64> {
        let waiting = Waiting::new(&self.waiting);
        if waiting.before >= MOST_WAITING {
            return Err(GUESS_EVERY.as_secs());
        }
        let alone = self.gate.lock().await;
        tokio::time::sleep(self.pause(clock::now())).await;
        Ok(Turn { _alone: alone, _waiting: waiting })
    }

    /// How long until the next try.
    fn pause(&self, now: Timestamp) -> Duration {
        let state = self.lock();
        match state.last_failure {
            Some(last) if state.failures >= FREE_GUESSES => {
                GUESS_EVERY.saturating_sub(now.since(last))
            }
            _ => Duration::ZERO,
        }
    }

    fn guessed_wrong(&self, now: Timestamp) {
        let mut state = self.lock();
        state.failures = state.failures.saturating_add(1);
        state.last_failure = Some(now);
    }
}

fn random() -> String {
    let bytes: [u8; 32] = rand::random();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Has an owner password been chosen?
pub(crate) async fn has_password(store: &Store) -> store::Result<bool> {
    Ok(store.value(PASSWORD).await?.is_some())
}

/// Why a password can't be taken.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("the owner password needs at least 10 characters")]
    TooShort,
    #[error("the owner password may have at most 1000 characters")]
    TooLong,
    #[error("the owner password could not be hashed: {0}")]
    Hash(String),
    #[error("the owner password could not be stored")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Makes this the owner's password.
pub(crate) async fn set_password(store: &Store, password: &Secret) -> Result<(), PasswordError> {
    let length = password.expose().chars().count();
    if length < SHORTEST {
        return Err(PasswordError::TooShort);
    }
    if length > LONGEST {
        return Err(PasswordError::TooLong);
    }
    let password = password.clone();
    let hash = tokio::task::spawn_blocking(move || {
        Argon2::default()
            .hash_password(password.expose().as_bytes())
            .map(|hash| hash.to_string())
            .map_err(|error| PasswordError::Hash(error.to_string()))
    })
    .await
    .map_err(|error| PasswordError::Hash(error.to_string()))??;
    store.put_value(PASSWORD, &hash).await.map_err(|error| PasswordError::Store(Box::new(error)))
}

/// Is this the owner's password? With none chosen, nothing is.
pub(crate) async fn is_password(store: &Store, password: &Secret) -> store::Result<bool> {
    let Some(hash) = store.value(PASSWORD).await? else { return Ok(false) };
    let password = password.clone();
    let verified = tokio::task::spawn_blocking(move || {
        PasswordHash::new(&hash).is_ok_and(|hash| {
            Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok()
        })
    });
    Ok(verified.await.unwrap_or(false))
}

/// The owner's routes behind a sign-in, with the few that need none.
pub(crate) fn guarded(control: Control, owner: Router) -> Router {
    let open = Router::new()
        .route("/control/session", get(session))
        .route("/control/login", post(login))
        .route("/control/logout", post(logout))
        .route("/control/password", post(choose_password))
        .with_state(control.clone());
    owner.layer(middleware::from_fn_with_state(control, require_owner)).merge(open)
}

async fn require_owner(
    State(control): State<Control>,
    request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let headers = request.headers();
    if !signed_in(&control, headers) {
        return Err(Refused::new(
            StatusCode::UNAUTHORIZED,
            "Sign in with the owner password first. An agent's key does not open this.",
        ));
    }
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn signed_in(control: &Control, headers: &HeaderMap) -> bool {
    shown_token(headers).is_some_and(|token| control.logins.knows(token, clock::now()))
}

/// The token a request shows. There is no cookie: cookies are not kept apart by port, so that any program with a port
/// of 127.0.0.1 and a link the owner follows would be sent it.
fn shown_token(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

async fn session(State(control): State<Control>, headers: HeaderMap) -> Answer<Json<Session>> {
    Ok(Json(Session {
        signed_in: signed_in(&control, &headers),
        needs_password: !has_password(&control.engine.store).await?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }))
}

async fn login(State(control): State<Control>, Json(login): Json<Login>) -> Answer<Response> {
    let _turn = control.logins.turn().await.map_err(Refused::too_soon)?;
    let now = clock::now();
    if !is_password(&control.engine.store, &login.password).await? {
        control.logins.guessed_wrong(now);
        control.engine.note("unknown", "login.failed", "owner", serde_json::Value::Null).await;
        return Err(Refused::new(StatusCode::UNAUTHORIZED, "That is not the owner password."));
    }
    control.engine.note("owner", "login.succeeded", "owner", serde_json::Value::Null).await;
    Ok(let_in(&control))
}

fn let_in(control: &Control) -> Response {
    let mut response = Json(control.logins.open(clock::now())).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn logout(State(control): State<Control>, headers: HeaderMap) -> StatusCode {
    if let Some(token) = shown_token(&headers) {
        control.logins.close(token);
    }
    StatusCode::NO_CONTENT
}

async fn choose_password(
    State(control): State<Control>,
    Json(choice): Json<ChoosePassword>,
) -> Answer<Response> {
    let now = clock::now();
    let store = &control.engine.store;
    let _turn = control.logins.turn().await.map_err(Refused::too_soon)?;
    let first = !has_password(store).await?;
    // The new password is looked at before the code is used up, so that a short one does not cost the code.
    let length = choice.new.expose().chars().count();
    if length < SHORTEST {
        return Err(Refused::invalid("new", PasswordError::TooShort.to_string()));
    }
    let allowed = if first {
        choice.code.as_deref().is_some_and(|code| control.logins.take_code(code, now))
    } else {
        match &choice.current {
            Some(current) => is_password(store, current).await?,
            None => false,
        }
    };
    if !allowed {
        control.logins.guessed_wrong(now);
        let detail = if first {
            "The sign-in code is wrong, used or older than ten minutes. Start the gateway again for a new one."
        } else {
            "The current password is wrong."
        };
        return Err(Refused::new(StatusCode::FORBIDDEN, detail));
    }
    set_password(store, &choice.new).await.map_err(|error| {
        tracing::error!(error = %Chain(&error), "the owner password was not set");
        Refused::invalid("new", error.to_string())
    })?;
    control.logins.close_all();
    control.engine.note("owner", "password.set", "owner", serde_json::Value::Null).await;
    Ok(let_in(&control))
}

/// For the engine's start: the code that leads to choosing a password, if none was chosen.
pub(crate) async fn first_code(
    store: &Store,
    logins: &Arc<Logins>,
) -> store::Result<Option<String>> {
    Ok((!has_password(store).await?).then(|| logins.make_code()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_guesses_make_everybody_wait() {
        let logins = Logins::default();
        let at = |ms: i64| Timestamp(ms);
        for second in 0..5 {
            assert_eq!(logins.pause(at(second)), Duration::ZERO);
            logins.guessed_wrong(at(second));
        }
        assert_eq!(logins.pause(at(4)), GUESS_EVERY);
        assert_eq!(logins.pause(at(1_004)), Duration::from_secs(1));
        assert_eq!(logins.pause(at(2_004)), Duration::ZERO);
        logins.open(at(3_000));
        assert_eq!(logins.pause(at(3_000)), Duration::ZERO);
    }

    #[tokio::test]
    async fn one_at_a_time_and_not_too_many() {
        let logins = Logins::default();
        let first = logins.turn().await.ok().unwrap();
        let mut second = Box::pin(logins.turn());
        assert!(futures::poll!(&mut second).is_pending());
        let mut others: Vec<_> = (2..MOST_WAITING).map(|_| Box::pin(logins.turn())).collect();
        for other in &mut others {
            assert!(futures::poll!(other).is_pending());
        }
        assert!(logins.turn().await.is_err());
        drop(first);
        assert!(second.await.is_ok());
    }

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
}
