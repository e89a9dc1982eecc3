//! Whether there is a gateway, and how long to wait for one.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{http::Http, launch};

/// How long the app may take to come up.
const STARTING: Duration = Duration::from_secs(15);
/// How long a request waits for a gateway that was there before.
const RETURNING: Duration = Duration::from_secs(30);
/// How often to look. It costs two small files.
const LOOK: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct Presence(Mutex<State>);

#[derive(Debug)]
struct State {
    /// A gateway has answered since this process began.
    seen: bool,
    /// Until when one that is being started may come.
    starting: Option<Instant>,
    /// Since when the one that was there is not.
    gone: Option<Instant>,
    /// What to say while there is none.
    why: String,
}

impl Presence {
    /// Looks for a gateway, and starts the app where there is none and it may be started.
    pub(super) fn new(http: &Http, home: &std::path::Path, may_start: bool) -> Self {
        let mut state =
            State { seen: false, starting: None, gone: None, why: launch::not_running() };
        if may_start && http.running().is_none() {
            match launch::start(home) {
                Ok(()) => {
                    state.starting = Some(Instant::now() + STARTING);
                    state.why = launch::did_not_come();
                }
                Err(why) => state.why = why,
            }
        }
        Self(Mutex::new(state))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It has answered.
    pub(super) fn met(&self) {
        let mut state = self.lock();
        state.seen = true;
        state.starting = None;
        if state.gone.take().is_some() {
            tracing::info!("the gateway is back");
        }
    }

    /// Has it ever answered?
    pub(super) fn seen(&self) -> bool {
        self.lock().seen
    }

    /// A sentence for the agent.
    pub(super) fn why(&self) -> String {
        match &*self.lock() {
            State { seen: true, .. } => launch::not_running(),
            State { why, .. } => why.clone(),
        }
    }

    /// Nobody answered. Waits until somebody may, for as long as is worth it; `false`: it is not.
    pub(super) async fn wait(&self, http: &Http) -> bool {
        let now = Instant::now();
        let until = {
            let mut state = self.lock();
            match (state.starting, state.seen) {
                (Some(until), _) => until,
                (None, true) => *state.gone.get_or_insert(now) + RETURNING,
                (None, false) => now,
            }
        };
        loop {
            let now = Instant::now();
            if now >= until {
                return false;
            }
            tokio::time::sleep(LOOK.min(until - now)).await;
            if http.running().is_some() {
                return true;
            }
        }
    }
}
