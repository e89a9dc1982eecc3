//! Notices by `UNUserNotificationCenter`.
//!
//! `mac-usernotifications` is what `notify-rust` itself shows them with; here it is used directly, because through
//! `notify-rust` one can wait for an answer or take the notice away, but not both. The system reports answers on the
//! main thread, which Tauri keeps running. It shows notices only of a signed bundle, and only once its user has allowed
//! that: anything else counts as nobody, and the window opens instead.
//!
//! Not run so far on a Mac.

use std::sync::Mutex;

use async_trait::async_trait;
use futures::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use mac_usernotifications::{
    Action, AuthorizationStatus, CloseReason, InterruptionLevel, Notification,
    NotificationResponse, NotificationSettingStatus, check_bundle, close_delivered,
    get_notification_settings, request_auth,
};
use tokio::{sync::mpsc, time::timeout};

use super::{
    Capabilities, Intent, locked,
    notice::{BODY, Button, Key, Notice},
    notifier::{ANSWER_WITHIN, ClosedBy, Heard, Notifier, NotifyError},
    slots::{SLOTS, Seat, Slots, names},
};

/// Waits for the answer to one notice.
type Wait = BoxFuture<'static, (Seat, Result<NotificationResponse, mac_usernotifications::Error>)>;

pub(super) struct Mac {
    slots: Mutex<Slots>,
    waits: mpsc::Sender<Wait>,
    shown: Mutex<Option<mpsc::Receiver<Wait>>>,
}

impl Default for Mac {
    fn default() -> Self {
        let (waits, shown) = mpsc::channel(SLOTS);
        Self { slots: Mutex::default(), waits, shown: Mutex::new(Some(shown)) }
    }
}

impl Mac {
    /// What an answer means; `None` for one that nobody waits for any more.
    fn heard(
        &self,
        seat: Seat,
        answer: Result<NotificationResponse, mac_usernotifications::Error>,
    ) -> Option<Heard> {
        let mut slots = locked(&self.slots);
        let key = slots.key(seat)?;
        slots.leave(key);
        Some(match answer {
            Ok(answer) if answer.is_default_action() => {
                Heard::Pressed { key, button: BODY.to_owned() }
            }
            Ok(answer) => match answer.close_reason {
                None => Heard::Pressed { key, button: answer.action_identifier },
                Some(CloseReason::Dismissed) => Heard::Closed { key, by: ClosedBy::Owner },
                Some(CloseReason::Expired) => Heard::Closed { key, by: ClosedBy::Server },
            },
            Err(error) => {
                tracing::debug!("the answer to a notification was lost: {error}");
                Heard::Lost { key }
            }
        })
    }
}

#[async_trait]
impl Notifier for Mac {
    async fn listen(&self, heard: mpsc::Sender<Heard>) {
        let Some(mut shown) = locked(&self.shown).take() else { return };
        // Without a bundle the system ends the program that asks it for anything.
        if check_bundle().is_ok() {
            // What a program that crashed has left there has buttons that do nothing.
            for name in names() {
                close_delivered(&name).await;
            }
        }
        let mut waits = FuturesUnordered::new();
        let mut say = Some(Heard::Here);
        loop {
            if let Some(word) = say.take()
                && heard.send(word).await.is_err()
            {
                return;
            }
            tokio::select! {
                Some(wait) = shown.recv() => waits.push(wait),
                Some((seat, answer)) = waits.next() => say = self.heard(seat, answer),
            }
        }
    }

    async fn look(&self) -> Result<Capabilities, NotifyError> {
        let looking = async {
            check_bundle().map_err(|error| NotifyError::Nobody(Some(error.into())))?;
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
                // Without alerts they lie where nobody looks.
                buttons: settings.alert_enabled == NotificationSettingStatus::Enabled,
                server: Some("macOS".to_owned()),
            })
        };
        timeout(ANSWER_WITHIN, looking).await.unwrap_or(Err(NotifyError::NoAnswer))
    }

    async fn show(&self, key: Key, notice: &Notice) -> Result<(), NotifyError> {
        let seat = locked(&self.slots).seat(key);
        let seat = seat.ok_or_else(|| NotifyError::Refused("too many notifications".into()))?;
        let mut outgoing = Notification::new()
            .id(&seat.name())
            .title(&notice.title)
            .message(&notice.body)
            .interruption_level(InterruptionLevel::Active);
        for button in &notice.buttons {
            outgoing = outgoing.action(action(button));
        }
        let shown = match timeout(ANSWER_WITHIN, outgoing.send()).await {
            Ok(Ok(shown)) => shown,
            Ok(Err(error)) => return Err(refused(error)),
            Err(_) => return Err(NotifyError::NoAnswer),
        };
        // One without buttons says nothing of what becomes of it; it is taken away when its time is over.
        if !notice.buttons.is_empty() {
            let wait: Wait = Box::pin(async move { (seat, shown.response().await) });
            self.waits.send(wait).await.map_err(|_| NotifyError::Nobody(None))?;
        }
        Ok(())
    }

    async fn withdraw(&self, key: Key) -> Result<(), NotifyError> {
        let name = locked(&self.slots).leave(key);
        let Some(name) = name else { return Ok(()) };
        timeout(ANSWER_WITHIN, close_delivered(&name)).await.map_err(|_| NotifyError::NoAnswer)
    }
}

/// What allows something is not to be had from a locked screen.
fn action(button: &Button) -> Action {
    let action = Action::button(button.name, button.label);
    match button.intent {
        Intent::Approve(_) | Intent::Always(_) => action.requires_authentication(),
        _ => action,
    }
}

fn refused(error: mac_usernotifications::Error) -> NotifyError {
    NotifyError::Refused(error.into())
}
