//! Which notifications there should be: a pure function of what is pending, the owner's settings, and whether a daemon
//! can show them.

use std::time::Duration;

use agentport_core::Timestamp;

use super::{
    Attention, NotificationSettings, TransientNotification,
    dismissed::DismissedRequests,
    notification::{Notification, NotificationKey},
    text,
};
use crate::gateway::state::{RequestId, WaitingRequests};

/// The oldest calls, which get a notification each.
const MAX_OWN_CALLS: usize = 3;
/// The oldest consents, which get a notification each beside the calls.
const MAX_OWN_CONSENTS: usize = 2;

pub(super) struct PlanInput<'a> {
    pub(super) pending: &'a WaitingRequests,
    pub(super) settings: &'a NotificationSettings,
    pub(super) transient: &'a [(NotificationKey, &'a TransientNotification)],
    /// How long transient notifications are shown.
    pub(super) transient_time: Duration,
    pub(super) reachability: Reachability,
    pub(super) dismissed: &'a DismissedRequests,
    pub(super) attention: Attention,
    /// The request has a notification on the screen.
    pub(super) is_shown: &'a dyn Fn(RequestId) -> bool,
    pub(super) now: Timestamp,
}

/// What the notification daemon can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reachability {
    /// Not known yet: nothing is shown or opened before it is.
    Unknown,
    Unreachable,
    WithoutButtons,
    WithButtons,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct NotificationPlan {
    /// The most important first. Any other that is shown is to be withdrawn.
    pub(super) notifications: Vec<(NotificationKey, Notification)>,
    /// The window has to open with this request.
    pub(super) open_window: Option<RequestId>,
    pub(super) silence_ends: Option<Timestamp>,
}

pub(super) fn plan(input: &PlanInput<'_>) -> NotificationPlan {
    let silence_ends = input.settings.silent_until.filter(|until| *until > input.now);
    let quiet = !input.settings.on || silence_ends.is_some();
    let mut plan = NotificationPlan {
        silence_ends: silence_ends.filter(|_| input.settings.on && !input.pending.is_empty()),
        ..NotificationPlan::default()
    };
    match input.reachability {
        Reachability::Unknown => return plan,
        Reachability::Unreachable | Reachability::WithoutButtons if !quiet => {
            plan.open_window = first_unseen(input);
        }
        Reachability::WithButtons if !quiet => plan.notifications = request_notifications(input),
        Reachability::Unreachable | Reachability::WithoutButtons | Reachability::WithButtons => {}
    }
    if input.reachability != Reachability::Unreachable {
        let transient = input.transient.iter();
        plan.notifications.extend(
            transient.map(|(key, transient)| (*key, transient_notification(input, transient))),
        );
    }
    plan
}

/// The first request that neither a notification nor the window has shown; the window lists the others beside it.
fn first_unseen(input: &PlanInput<'_>) -> Option<RequestId> {
    let dismissed = input.dismissed;
    let unseen = |id: &RequestId| {
        !dismissed.is_closed(*id) && !dismissed.is_in_window(*id) && !input.attention.covers(*id)
    };
    input.pending.ids().find(unseen)
}

/// A request whose notification was closed keeps its place: if the next one moved up, closing one would show another.
///
/// One that the owner looks at gets no new notification, which would cover the window's own buttons. A notification that
/// is there already stays: taking it away and showing it again at each change of the focus would be noise.
fn request_notifications(input: &PlanInput<'_>) -> Vec<(NotificationKey, Notification)> {
    let WaitingRequests { consents, calls } = input.pending;
    let (own_consents, other_consents) = consents.split_at(consents.len().min(MAX_OWN_CONSENTS));
    let (own_calls, other_calls) = calls.split_at(calls.len().min(MAX_OWN_CALLS));
    let has_own = |id: RequestId| {
        !input.dismissed.is_closed(id) && (!input.attention.covers(id) || (input.is_shown)(id))
    };
    let mut notifications: Vec<(NotificationKey, Notification)> = own_consents
        .iter()
        .filter(|consent| has_own(consent.id.into()))
        .map(|consent| (consent.id.into(), text::consent(consent, input.settings)))
        .chain(
            own_calls
                .iter()
                .filter(|call| has_own(call.id.into()))
                .map(|call| (call.id.into(), text::request(call, input.settings))),
        )
        .map(|(id, notification)| (NotificationKey::Request(id), notification))
        .collect();
    let others = other_consents.iter().map(|consent| RequestId::from(consent.id));
    let others: Vec<RequestId> =
        others.chain(other_calls.iter().map(|call| call.id.into())).collect();
    let unsummed =
        |id: &RequestId| !input.dismissed.is_summed_up(*id) && !input.attention.covers(*id);
    if others.iter().any(unsummed) {
        let summary = text::summary(others.len(), input.pending.len(), !notifications.is_empty());
        notifications.push((NotificationKey::Summary, summary));
    }
    notifications
}

fn transient_notification(
    input: &PlanInput<'_>,
    transient: &TransientNotification,
) -> Notification {
    match transient {
        TransientNotification::Undo { rule, sentence, still_waiting } => {
            let buttons = input.reachability == Reachability::WithButtons;
            text::undo(
                *rule,
                sentence,
                *still_waiting,
                input.settings,
                buttons,
                input.transient_time,
            )
        }
        TransientNotification::Sample => text::sample(input.transient_time),
        TransientNotification::Message { title, body } => {
            text::message(title, body, input.transient_time)
        }
    }
}

#[cfg(test)]
mod tests;
