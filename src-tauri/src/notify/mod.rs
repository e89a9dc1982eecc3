//! Requests for the owner's decision as native notifications: one with buttons for each of the first few, one summary for
//! the others. A request is a tool call, or an agent that wants to be let in (a consent).
//!
//! The app states what is pending and the owner's settings ([`Notifications::show`], complete each time). An actor
//! computes which notifications there should be ([`plan`]), has a [`Notifier`] show them, and turns what the owner does
//! there into [`Intent`]s. Invariants:
//!
//! - nothing here decides: an intent carries an id, and the gateway refuses what was decided already;
//! - a notification that is dismissed, expires or is lost makes no rule and denies nothing: the request stays pending;
//! - only a button that was offered can be pressed, and only the notification daemon is believed that it was;
//! - where no buttons can be shown, the window opens ([`Intent::OpenWindow`]), unless the owner wants silence;
//! - a daemon that hangs does not delay the actor, and no list here grows with time.
//!
//! Deliberately absent: requests to the gateway, and windows. Both belong to the rest of the app.

use std::sync::Arc;

use agentport_core::{AgentId, ApprovalId, ConsentId, RuleId, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::gateway::state::{RequestId, WaitingRequests};

mod actor;
mod daemon_state;
mod dismissed;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(any(target_os = "macos", test))]
mod macos_slots;
mod notification;
mod notifier;
mod plan;
mod text;
#[cfg(windows)]
mod windows;

#[cfg(test)]
pub(crate) use notification::{Notification, NotificationKey};
#[cfg(test)]
pub(crate) use notifier::{BackendEvent, NotifyError};
pub(crate) use notifier::{Notifier, platform_notifier};

/// Intents that are queued for the app; more than an owner can click before the app takes the first.
const INTENT_QUEUE: usize = 64;
/// Transient notifications that are queued for the actor.
const TRANSIENT_QUEUE: usize = 16;

/// The owner's settings for notifications.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NotificationSettings {
    pub on: bool,
    /// Say that a request is pending, and not what it is.
    pub hide_details: bool,
    /// Until then requests are queued without a notification.
    pub silent_until: Option<Timestamp>,
    /// Allowing takes a one-time code, for which a notification has no field.
    pub second_factor: bool,
}

/// Which requests the owner looks at, in a window that has the keyboard focus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Attention {
    #[default]
    Elsewhere,
    /// The list, to which new requests are added.
    Inbox,
    /// One request.
    Request(RequestId),
}

impl Attention {
    fn covers(self, id: RequestId) -> bool {
        match self {
            Self::Elsewhere => false,
            Self::Inbox => true,
            Self::Request(shown) => shown == id,
        }
    }
}

/// What the owner chose in a notification. Where one of the first five fails, the app opens the window: the
/// notification is gone by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    Approve(ApprovalId),
    Deny(ApprovalId),
    Always(ApprovalId),
    /// Lets an agent in: as this one, or as a new one with the suggested name, which sees everything.
    LetIn(ConsentId, Option<AgentId>),
    /// Refuses to let an agent in.
    Refuse(ConsentId),
    Open(RequestId),
    OpenInbox,
    Undo(RuleId),
    /// A button of the sample notification was pressed.
    DismissSample,
    /// No buttons can be shown: the window has to open by itself.
    OpenWindow(RequestId),
}

/// What the desktop can show at present.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// A program shows notifications.
    pub reachable: bool,
    /// With buttons and a body.
    pub buttons: bool,
    /// The name of the notification daemon, where it says.
    pub server: Option<String>,
}

/// Handle of the actor; cheap to clone. The actor ends with the last handle, or when it is stopped.
#[derive(Debug, Clone)]
pub(crate) struct Notifications {
    desired: watch::Sender<DesiredState>,
    transient: mpsc::Sender<TransientNotification>,
    capabilities: watch::Receiver<Option<Capabilities>>,
}

/// The last arguments of [`Notifications::show`] and [`Notifications::set_attention`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct DesiredState {
    pending: WaitingRequests,
    settings: NotificationSettings,
    attention: Attention,
}

/// A notification that disappears by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
enum TransientNotification {
    Undo { rule: RuleId, sentence: String, still_waiting: u32 },
    Sample,
    Message { title: String, body: String },
}

impl Notifications {
    /// Starts the actor among `tasks`. When `stop` is cancelled it withdraws what is shown, within a second.
    pub(crate) fn start(
        tasks: &TaskTracker,
        stop: CancellationToken,
        notifier: Arc<dyn Notifier>,
    ) -> (Self, mpsc::Receiver<Intent>) {
        Self::start_with(tasks, stop, notifier, actor::NotifyTimeouts::default())
    }

    fn start_with(
        tasks: &TaskTracker,
        stop: CancellationToken,
        notifier: Arc<dyn Notifier>,
        timeouts: actor::NotifyTimeouts,
    ) -> (Self, mpsc::Receiver<Intent>) {
        let (desired, desired_states) = watch::channel(DesiredState::default());
        let (transient, transients) = mpsc::channel(TRANSIENT_QUEUE);
        let (published, capabilities) = watch::channel(None);
        let (intents, intent_queue) = mpsc::channel(INTENT_QUEUE);
        let actor = actor::Actor::new(notifier, intents, published, timeouts);
        actor.start(tasks, stop, desired_states, transients);
        (Self { desired, transient, capabilities }, intent_queue)
    }

    /// Sets what is pending and the owner's settings; complete each time. Never blocks.
    pub(crate) fn show(&self, pending: WaitingRequests, settings: NotificationSettings) {
        self.desired.send_if_modified(|desired| {
            let differs = desired.pending != pending || desired.settings != settings;
            desired.pending = pending;
            desired.settings = settings;
            differs
        });
    }

    /// Sets what the owner looks at. A request that comes before the owner's eyes gets a notification only once the owner
    /// looks elsewhere while it still waits. Never blocks.
    pub(crate) fn set_attention(&self, attention: Attention) {
        self.desired.send_if_modified(|desired| {
            std::mem::replace(&mut desired.attention, attention) != attention
        });
    }

    /// Says that `rule` allows from now on, with a button to undo it, for ten seconds. Shown even in silence: it answers
    /// a click of the owner's. `still_waiting`: other requests for the tool, which it has not let through.
    pub(crate) fn offer_undo(&self, rule: RuleId, sentence: String, still_waiting: u32) {
        self.send_transient(TransientNotification::Undo { rule, sentence, still_waiting });
    }

    /// Shows a message without buttons for ten seconds, even in silence: it answers what the owner asked for.
    pub(crate) fn show_message(&self, title: &str, body: &str) {
        let (title, body) = (title.to_owned(), body.to_owned());
        self.send_transient(TransientNotification::Message { title, body });
    }

    /// Shows what a request looks like, for ten seconds, even in silence.
    pub(crate) fn show_sample(&self) {
        self.send_transient(TransientNotification::Sample);
    }

    /// What can be shown at present. At the start, waits up to [`notifier::REPLY_TIMEOUT`] until that is known.
    pub(crate) async fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.capabilities.clone();
        let known = capabilities.wait_for(Option::is_some);
        match tokio::time::timeout(notifier::REPLY_TIMEOUT, known).await {
            Ok(Ok(known)) => known.clone().unwrap_or_default(),
            // The daemon hangs, or the app stops.
            Ok(Err(_)) | Err(_) => Capabilities::default(),
        }
    }

    fn send_transient(&self, transient: TransientNotification) {
        if self.transient.try_send(transient).is_err() {
            tracing::debug!(
                "a transient notification was dropped: too many at once, or the app stops"
            );
        }
    }
}
