//! Requests as native notifications: one with buttons for each of the oldest three, one summary for all others.
//!
//! The shell says what waits and what the owner wishes ([`Notifications::show`], the whole truth each time); an actor
//! works out what is to be shown ([`plan`]), has a [`Notifier`] show it, and turns what the owner does there into
//! [`Intent`]s. What always holds:
//!
//! - nothing here decides: an intent carries an id, and the gateway refuses what was decided already;
//! - a notice that is dismissed, expires or is lost makes no rule and denies nothing: the request goes on waiting;
//! - only a button that was offered can be pressed, and only whoever shows the notices can say that it was;
//! - where nobody can show buttons, the window is asked to open ([`Intent::Surface`]), unless the owner wants quiet;
//! - nobody who hangs holds up the actor, and no list here grows with time.
//!
//! Deliberately absent: talking to the gateway, and the windows. Both are the shell's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agentport_core::{ApprovalId, RuleId, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

mod actor;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
mod memory;
mod notice;
mod notifier;
mod plan;
mod server;
#[cfg(any(target_os = "macos", test))]
mod slots;
#[cfg(windows)]
mod windows;
mod words;

pub(crate) use notifier::{Notifier, platform_notifier};

/// Clicks that wait for the shell. More than anybody makes before it has taken the first.
const INTENTS: usize = 64;
/// Short notices that wait for the actor.
const PASSING: usize = 16;

/// A request that waits for the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub id: ApprovalId,
    /// What the owner calls the agent.
    pub agent: String,
    pub integration: String,
    pub tool: String,
    /// The sentence the gateway computed from the arguments.
    pub summary: String,
    /// The agent's own words.
    pub note: Option<String>,
    pub destructive: bool,
    /// Changes what is installed: nothing wider than this one yes is taken, and it may have a token to enter.
    pub once_only: bool,
}

/// What the owner wants of notifications.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    pub on: bool,
    /// Say that a request waits, and not what it is.
    pub hide_details: bool,
    /// Until then requests queue without a notification.
    pub silent_until: Option<Timestamp>,
    /// Allowing takes a one-time code, for which a notification has no room.
    pub second_factor: bool,
}

/// What is to happen because of a notification. Whoever carries out the first three opens the window if it fails: by
/// then the notification is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    Approve(ApprovalId),
    Deny(ApprovalId),
    Always(ApprovalId),
    Open(ApprovalId),
    OpenInbox,
    Undo(RuleId),
    /// Nobody can show it with buttons: the window is to open by itself.
    Surface(ApprovalId),
}

/// What can be shown at present.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// Somebody shows notifications.
    pub reachable: bool,
    /// With buttons, and with room for what is asked.
    pub buttons: bool,
    /// The name of who shows them, where it says.
    pub server: Option<String>,
}

/// The handle of the actor; cheap to clone. The actor ends with the last one, or when it is told to stop.
#[derive(Debug, Clone)]
pub(crate) struct Notifications {
    truth: watch::Sender<Truth>,
    passing: mpsc::Sender<Passing>,
    capabilities: watch::Receiver<Option<Capabilities>>,
}

/// What [`Notifications::show`] was told last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Truth {
    waiting: Arc<[Waiting]>,
    wishes: Wishes,
}

/// A notice that goes by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Passing {
    Undo { rule: RuleId, sentence: String },
    Tell { title: String, body: String },
}

impl Notifications {
    /// Starts the actor among `tasks`. When `stop` is cancelled it withdraws what is shown, within a second.
    pub(crate) fn start(
        tasks: &TaskTracker,
        stop: CancellationToken,
        notifier: Arc<dyn Notifier>,
    ) -> (Self, mpsc::Receiver<Intent>) {
        Self::start_with(tasks, stop, notifier, actor::Limits::default())
    }

    fn start_with(
        tasks: &TaskTracker,
        stop: CancellationToken,
        notifier: Arc<dyn Notifier>,
        limits: actor::Limits,
    ) -> (Self, mpsc::Receiver<Intent>) {
        let (truth, told) = watch::channel(Truth::default());
        let (passing, to_pass) = mpsc::channel(PASSING);
        let (known, capabilities) = watch::channel(None);
        let (intents, wanted) = mpsc::channel(INTENTS);
        let actor = actor::Actor::new(notifier, intents, known, limits);
        actor.start(tasks, stop, told, to_pass);
        (Self { truth, passing, capabilities }, wanted)
    }

    /// Says what waits, oldest first, and what the owner wishes: the whole truth each time. Never waits.
    pub(crate) fn show(&self, waiting: Vec<Waiting>, wishes: Wishes) {
        let now = Truth { waiting: waiting.into(), wishes };
        self.truth.send_if_modified(|truth| {
            let differs = *truth != now;
            *truth = now;
            differs
        });
    }

    /// Says that `rule` allows from now on, with a button to take it back, for ten seconds. Shown whatever the wishes:
    /// it answers a click of the owner's.
    pub(crate) fn undo(&self, rule: RuleId, sentence: String) {
        self.pass(Passing::Undo { rule, sentence });
    }

    /// Shows something without buttons, for ten seconds, whatever the wishes: for what the owner asked for.
    pub(crate) fn tell(&self, title: String, body: String) {
        self.pass(Passing::Tell { title, body });
    }

    /// What can be shown at present. Waits, at the start, for a few seconds at most until that is known.
    pub(crate) async fn capabilities(&self) -> Capabilities {
        let mut known = self.capabilities.clone();
        let known = known.wait_for(Option::is_some);
        match tokio::time::timeout(notifier::ANSWER_WITHIN, known).await {
            Ok(Ok(known)) => known.clone().unwrap_or_default(),
            // It hangs, or we stop.
            Ok(Err(_)) | Err(_) => Capabilities::default(),
        }
    }

    fn pass(&self, passing: Passing) {
        if self.passing.try_send(passing).is_err() {
            tracing::debug!("a short notice was dropped: too many at once, or we stop");
        }
    }
}

/// What is guarded is whole after every statement, so that a panic elsewhere spoils nothing.
fn locked<T>(guarded: &Mutex<T>) -> MutexGuard<'_, T> {
    guarded.lock().unwrap_or_else(PoisonError::into_inner)
}
