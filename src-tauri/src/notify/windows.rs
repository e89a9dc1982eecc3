//! Notifications as toasts, by the Windows Runtime.
//!
//! Windows shows toasts only of registered programs: `APP_ID` is the AppUserModelID that the installer writes into the
//! shortcut in the start menu. `notify-rust` blocks the calling thread until the answer, so each toast has a thread. It can
//! neither withdraw nor change a toast. A withdrawn one therefore stays until the user closes it, and its answer is
//! ignored; one that is wanted again while it is still there is not shown twice; and a button that has changed since is
//! one that was not offered.
//!
//! Not run on Windows so far.

use std::{collections::HashMap, sync::Arc, thread};

use async_trait::async_trait;
use notify_rust::{CloseReason, NotificationResponse, Timeout, Urgency};
use parking_lot::Mutex;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{
    Capabilities,
    notification::{BODY_ACTION, DisplayTime, Notification, NotificationKey},
    notifier::{BackendEvent, ClosedBy, Notifier, NotifyError, REPLY_TIMEOUT},
};

/// The identifier in `tauri.conf.json`.
const APP_ID: &str = "dev.agentport.desktop";
/// Toasts at once, including those not closed yet. Beyond them the window opens instead.
const MAX_TOASTS: usize = 32;

#[derive(Default)]
pub(super) struct ToastNotifier {
    /// Toasts on the screen, and whether each is still wanted.
    shown: Arc<Mutex<HashMap<NotificationKey, bool>>>,
    events: Mutex<Option<mpsc::Sender<BackendEvent>>>,
}

#[async_trait]
impl Notifier for ToastNotifier {
    async fn listen(&self, events: mpsc::Sender<BackendEvent>) {
        *self.events.lock() = Some(events.clone());
        // Fails only when the app ends.
        let _ = events.send(BackendEvent::Available).await;
        events.closed().await;
    }

    async fn probe(&self) -> Result<Capabilities, NotifyError> {
        let server = Some("Windows".to_owned());
        Ok(Capabilities { reachable: true, buttons: true, server })
    }

    async fn show(
        &self,
        key: NotificationKey,
        notification: &Notification,
    ) -> Result<(), NotifyError> {
        let events = self.events.lock().clone().ok_or(NotifyError::Unavailable(None))?;
        {
            let mut up = self.shown.lock();
            if let Some(wanted) = up.get_mut(&key) {
                *wanted = true;
                return Ok(());
            }
            if up.len() >= MAX_TOASTS {
                return Err(NotifyError::Refused("too many notifications".into()));
            }
            up.insert(key, true);
        }
        let (shown, was_shown) = oneshot::channel();
        let (toast, up) = (toast(notification), self.shown.clone());
        let waiting = thread::Builder::new().name("notification".to_owned()).spawn(move || {
            let answer = show_and_wait(&toast, shown);
            let wanted = up.lock().remove(&key).unwrap_or(false);
            if let Some(event) = answer.map(|answer| response_event(key, answer)).filter(|_| wanted)
            {
                let _ = events.blocking_send(event);
            }
        });
        if let Err(error) = waiting {
            self.shown.lock().remove(&key);
            return Err(NotifyError::Refused(error.into()));
        }
        match timeout(REPLY_TIMEOUT, was_shown).await {
            Ok(Ok(shown)) => shown.map_err(|error| NotifyError::Refused(error.into())),
            Ok(Err(_)) | Err(_) => Err(NotifyError::NoAnswer),
        }
    }

    async fn withdraw(&self, key: NotificationKey) -> Result<(), NotifyError> {
        if let Some(wanted) = self.shown.lock().get_mut(&key) {
            *wanted = false;
        }
        Ok(())
    }
}

fn toast(notification: &Notification) -> notify_rust::Notification {
    let mut toast = notify_rust::Notification::new();
    toast.app_id(APP_ID).summary(&notification.title).body(&notification.body);
    match notification.display_time {
        // "Critical" stays on the screen until the user deals with it.
        DisplayTime::UntilDecided => toast.urgency(Urgency::Critical).timeout(Timeout::Never),
        DisplayTime::For(time) => toast.timeout(time),
    };
    for button in &notification.buttons {
        toast.action(button.name, button.label);
    }
    toast
}

/// Shows the toast, reports that to `shown`, and blocks until the answer; `None` if it was not shown.
fn show_and_wait(
    toast: &notify_rust::Notification,
    shown: oneshot::Sender<Result<(), notify_rust::error::Error>>,
) -> Option<Option<NotificationResponse>> {
    // The receiver may have timed out; so below.
    let handle = match toast.show() {
        Ok(handle) => handle,
        Err(error) => {
            let _ = shown.send(Err(error));
            return None;
        }
    };
    let _ = shown.send(Ok(()));
    let mut answer = None;
    let events = handle.wait_for_response(|response: &NotificationResponse| {
        answer = Some(response.clone());
    });
    if let Err(error) = events {
        tracing::debug!("the answer to a notification was lost: {error}");
    }
    Some(answer)
}

fn response_event(key: NotificationKey, answer: Option<NotificationResponse>) -> BackendEvent {
    match answer {
        Some(NotificationResponse::Default) => {
            BackendEvent::Pressed { key, button: BODY_ACTION.to_owned() }
        }
        Some(NotificationResponse::Action(button)) => BackendEvent::Pressed { key, button },
        Some(NotificationResponse::Closed(CloseReason::Dismissed)) => {
            BackendEvent::Closed { key, by: ClosedBy::Owner }
        }
        Some(NotificationResponse::Closed(_) | NotificationResponse::Reply(_)) => {
            BackendEvent::Closed { key, by: ClosedBy::Daemon }
        }
        None => BackendEvent::Lost { key },
    }
}
