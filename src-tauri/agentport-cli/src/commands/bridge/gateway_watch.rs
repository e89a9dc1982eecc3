//! Whether a gateway runs, and how long requests wait for one to start or to come back.

use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::{http::GatewayHttp, launch};

/// Time the app has to start.
const APP_START_TIMEOUT: Duration = Duration::from_secs(15);
/// Time a gateway that has answered before has to come back (a restart, an update).
const GATEWAY_RETURN_TIMEOUT: Duration = Duration::from_secs(30);
/// Interval between two looks at the runtime file.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct GatewayWatch(Mutex<WatchState>);

#[derive(Debug)]
struct WatchState {
    /// A gateway has answered since this process began.
    answered_before: bool,
    /// The app was started, and has until then to become ready.
    starting: Option<Instant>,
    /// When the gateway that had answered was first missed.
    gone: Option<Instant>,
    /// What to answer agents while no gateway has answered.
    explanation: String,
}

impl GatewayWatch {
    /// Looks for a gateway. Without one, starts the app if `may_start`.
    pub(super) fn new(http: &GatewayHttp, home: &std::path::Path, may_start: bool) -> Self {
        let mut state = WatchState {
            answered_before: false,
            starting: None,
            gone: None,
            explanation: launch::not_running(),
        };
        if may_start && http.running().is_none() {
            match launch::start(home) {
                Ok(()) => {
                    state.starting = Some(Instant::now() + APP_START_TIMEOUT);
                    state.explanation = launch::did_not_come();
                }
                Err(explanation) => state.explanation = explanation,
            }
        }
        Self(Mutex::new(state))
    }

    fn lock(&self) -> MutexGuard<'_, WatchState> {
        self.0.lock()
    }

    /// To be called on every answer of the gateway.
    pub(super) fn on_answer(&self) {
        let mut state = self.lock();
        state.answered_before = true;
        state.starting = None;
        if state.gone.take().is_some() {
            tracing::info!("the gateway is back");
        }
    }

    /// Has a gateway answered since this process began?
    pub(super) fn has_answered(&self) -> bool {
        self.lock().answered_before
    }

    /// A sentence for the agent: why there is no gateway, and what to do.
    pub(super) fn explanation(&self) -> String {
        match &*self.lock() {
            WatchState { answered_before: true, .. } => launch::not_running(),
            WatchState { explanation, .. } => explanation.clone(),
        }
    }

    /// Waits until a gateway runs. `false`: none came in time.
    pub(super) async fn wait(&self, http: &GatewayHttp) -> bool {
        let now = Instant::now();
        let until = {
            let mut state = self.lock();
            match (state.starting, state.answered_before) {
                (Some(until), _) => until,
                (None, true) => *state.gone.get_or_insert(now) + GATEWAY_RETURN_TIMEOUT,
                (None, false) => now,
            }
        };
        loop {
            let now = Instant::now();
            if now >= until {
                return false;
            }
            tokio::time::sleep(POLL_INTERVAL.min(until - now)).await;
            if http.running().is_some() {
                return true;
            }
        }
    }
}
