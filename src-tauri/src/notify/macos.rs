//! Notifications by `UNUserNotificationCenter`.
//!
//! `mac-usernotifications` is what `notify-rust` itself shows them with; here it is used directly, because async_trait::async_trait;
use futures::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use mac_usernotifications::{
    Action, AuthorizationStatus, CloseReason, InterruptionLevel, NotificationResponse,
    NotificationSettingStatus, check_bundle, close_delivered, get_notification_settings,
    request_auth,
};
use parking_lot::Mutex;
use tokio::{sync::mpsc, time::timeout};

use super::{
    Capabilities, Intent,
    macos_slots::{NotificationSlots, SLOTS, SlotLease, slot_names},
    notification::{ActionButton, BODY_ACTION, Notification, NotificationKey},
    notifier::{BackendEvent, ClosedBy, Notifier, NotifyError, REPLY_TIMEOUT},
};

/// Waits for the answer to one notification.
type AnswerFuture =
    BoxFuture<'static, (SlotLease, Result<NotificationResponse, mac_usernotifications::Error>)>;

pub(super) struct MacNotifier {
    slots: Mutex<NotificationSlots>,
    waits: mpsc::Sender<AnswerFuture>,
    shown: Mutex<Option<mpsc::Receiver<AnswerFuture>>>,
}

impl Default for MacNotifier {
    fn default() -> Self {
        let (waits, shown) = mpsc::channel(SLOTS);
        Self { slots: Mutex::default(), waits, shown: Mutex::new(Some(shown)) }
    }
}

impl MacNotifier {
    /// The event for an answer; `None` for a notification that was withdrawn or replaced.
    fn event(
        &self,
        lease: SlotLease,
        answer: Result<NotificationResponse, mac_usernotifications::Error>,
    ) -> Option<BackendEvent> {
        let mut slots = self.slots.lock();
        let key = slots.key(lease)?;
        slots.release(key);
        Some(match answer {
            Ok(answer) if answer.is_default_action() => {
                BackendEvent::Pressed { key, button: BODY_ACTION.to_owned() }
            }
            Ok(answer) => match answer.close_reason {
                None => BackendEvent::Pressed { key, button: answer.action_identifier },
                Some(CloseReason::Dismissed) => BackendEvent::Closed { key, by: ClosedBy::Owner },
                Some(CloseReason::Expired) => BackendEvent::Closed { key, by: ClosedBy::Daemon },
            },
            Err(error) => {
                tracing::debug!("the answer to a notification was lost: {error}");
                BackendEvent::Lost { key }
            }
        })
    }
}

#[async_trait]
impl Notifier for MacNotifier {
    async fn listen(&self, events: mpsc::Sender<BackendEvent>) {
        let Some(mut shown) = self.shown.lock().take() else { return };
        // Without a bundle the system ends the program that asks it for anything.
        if check_bundle().is_ok() {
            // Notifications left by a process that crashed have dead buttons.
            for name in slot_names() {
                close_delivered(&name).await;
            }
        }
        let mut waits = FuturesUnordered::new();
        let mut next = Some(BackendEvent::Available);
        loop {
            if let Some(event) = next.take()
                && events.send(event).await.is_err()
            {
                return;
            }
            tokio::select! {
                Some(wait) = shown.recv() => waits.push(wait),
                Some((lease, answer)) = waits.next() => next = self.event(lease, answer),
            }
        }
    }

    async fn probe(&self) -> Result<Capabilities, NotifyError> {
        let probing = async {
            check_bundle().map_err(|error| NotifyError::Unavailable(Some(error.into())))?;
            let mut settings = get_notification_settings().await.map_err(refused)?;
            if settings.authorization_status == AuthorizationStatus::NotDetermined {
                request_auth().await.map_err(refused)?;
                settings = get_notification_settings().await.map_err(refused)?;
            }
            match settings.authorization_status {
                AuthorizationStatus::Authorized | AuthorizationStatus::Provisional => {}
                _ => return Err(NotifyError::Refused("the system does not allow it".into())),
            }
            Ok(Capabilities {
                reachable: true,
                // Without alerts they are in the notification centre only.
                buttons: settings.alert_enabled == NotificationSettingStatus::Enabled,
                server: Some("macOS".to_owned()),
            })
        };
        timeout(REPLY_TIMEOUT, probing).await.unwrap_or(Err(NotifyError::NoAnswer))
    }

    async fn show(
        &self,
        key: NotificationKey,
        notification: &Notification,
    ) -> Result<(), NotifyError> {
        let lease = self.slots.lock().lease(key);
        let lease = lease.ok_or_else(|| NotifyError::Refused("too many notifications".into()))?;
        let mut outgoing = mac_usernotifications::Notification::new()
            .id(&lease.name())
            .title(&notification.title)
            .message(&notification.body)
            .interruption_level(InterruptionLevel::Active);
        for button in &notification.buttons {
            outgoing = outgoing.action(action(button));
        }
        let shown = match timeout(REPLY_TIMEOUT, outgoing.send()).await {
            Ok(Ok(shown)) => shown,
            Ok(Err(error)) => return Err(refused(error)),
            Err(_) => return Err(NotifyError::NoAnswer),
        };
        // A notification without buttons reports nothing; it is withdrawn when its time is over.
        if !notification.buttons.is_empty() {
            let wait: AnswerFuture = Box::pin(async move { (lease, shown.response().await) });
            self.waits.send(wait).await.map_err(|_| NotifyError::Unavailable(None))?;
        }
        Ok(())
    }

    async fn withdraw(&self, key: NotificationKey) -> Result<(), NotifyError> {
        let name = self.slots.lock().release(key);
        let Some(name) = name else { return Ok(()) };
        timeout(REPLY_TIMEOUT, close_delivered(&name)).await.map_err(|_| NotifyError::NoAnswer)
    }
}

/// Approving from a locked screen takes authentication.
fn action(button: &ActionButton) -> Action {
    let action = Action::button(button.name, button.label);
    match button.intent {
        Intent::Approve(_) | Intent::Always(_) => action.requires_authentication(),
        _ => action,
    }
}

fn refused(error: mac_usernotifications::Error) -> NotifyError {
    NotifyError::Refused(error.into())
}
