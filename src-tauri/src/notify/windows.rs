//! Notices as toasts, by the Windows Runtime.
//!
//! Windows shows toasts only of programs it knows: `APP` is the AppUserModelID that the installer writes into the
//! shortcut in the start menu. `notify-rust` waits for an answer on the thread that asked, so each toast has a thread.
//! It can neither take a toast away nor change it. One that is to go therefore stays until its user closes it, and what
//! is done with it comes to nothing; one that is wanted again while it is still there is not shown twice; and a button
//! that has changed since is one that was not offered.
//!
//! Not run so far on Windows.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    thread,
};

use async_trait::async_trait;
use notify_rust::{CloseReason, Notification, NotificationResponse, Timeout, Urgency};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{
    Capabilities, locked,
    notice::{BODY, Key, Notice, Stays},
    notifier::{ANSWER_WITHIN, ClosedBy, Heard, Notifier, NotifyError},
};

/// The identifier in `tauri.conf.json`.
const APP: &str = "dev.agentport.desktop";
/// Toasts at once, those included that nobody has closed yet. Beyond them the window opens instead.
const MOST: usize = 32;

#[derive(Default)]
pub(super) struct Windows {
    /// What is up, and whether it still should be.
    up: Arc<Mutex<HashMap<Key, bool>>>,
    heard: Mutex<Option<mpsc::Sender<Heard>>>,
}

#[async_trait]
impl Notifier for Windows {
    async fn listen(&self, heard: mpsc::Sender<Heard>) {
        *locked(&self.heard) = Some(heard.clone());
        // Nobody listens any more only when all ends.
        let _ = heard.send(Heard::Here).await;
        heard.closed().await;
    }

    async fn look(&self) -> Result<Capabilities, NotifyError> {
        let server = Some("Windows".to_owned());
        Ok(Capabilities { reachable: true, buttons: true, server })
    }

    async fn show(&self, key: Key, notice: &Notice) -> Result<(), NotifyError> {
        let heard = locked(&self.heard).clone().ok_or(NotifyError::Nobody(None))?;
        {
            let mut up = locked(&self.up);
            if let Some(wanted) = up.get_mut(&key) {
                *wanted = true;
                return Ok(());
            }
            if up.len() >= MOST {
                return Err(NotifyError::Refused("too many notifications".into()));
            }
            up.insert(key, true);
        }
        let (shown, was_shown) = oneshot::channel();
        let (toast, up) = (toast(notice), self.up.clone());
        let waiting = thread::Builder::new().name("notification".to_owned()).spawn(move || {
            let answer = answered(&toast, shown);
            let wanted = locked(&up).remove(&key).unwrap_or(false);
            if let Some(word) = answer.map(|answer| word(key, answer)).filter(|_| wanted) {
                let _ = heard.blocking_send(word);
            }
        });
        if let Err(error) = waiting {
            locked(&self.up).remove(&key);
            return Err(NotifyError::Refused(error.into()));
        }
        match timeout(ANSWER_WITHIN, was_shown).await {
            Ok(Ok(shown)) => shown.map_err(|error| NotifyError::Refused(error.into())),
            Ok(Err(_)) | Err(_) => Err(NotifyError::NoAnswer),
        }
    }

    async fn withdraw(&self, key: Key) -> Result<(), NotifyError> {
        if let Some(wanted) = locked(&self.up).get_mut(&key) {
            *wanted = false;
        }
        Ok(())
    }
}

fn toast(notice: &Notice) -> Notification {
    let mut toast = Notification::new();
    toast.app_id(APP).summary(&notice.title).body(&notice.body);
    match notice.stays {
        // "Critical" stays on the screen until somebody has dealt with it.
        Stays::UntilDecided => toast.urgency(Urgency::Critical).timeout(Timeout::Never),
        Stays::For(time) => toast.timeout(time),
    };
    for button in &notice.buttons {
        toast.action(button.name, button.label);
    }
    toast
}

/// Shows the toast, says so to `shown`, and waits for the answer; `None` if it was not shown.
fn answered(
    toast: &Notification,
    shown: oneshot::Sender<Result<(), notify_rust::error::Error>>,
) -> Option<Option<NotificationResponse>> {
    // It may have taken too long by then; so below.
    let handle = match toast.show() {
        Ok(handle) => handle,
        Err(error) => {
            let _ = shown.send(Err(error));
            return None;
        }
    };
    let _ = shown.send(Ok(()));
    let mut answer = None;
    let heard = handle.wait_for_response(|response: &NotificationResponse| {
        answer = Some(response.clone());
    });
    if let Err(error) = heard {
        tracing::debug!("the answer to a notification was lost: {error}");
    }
    Some(answer)
}

fn word(key: Key, answer: Option<NotificationResponse>) -> Heard {
    match answer {
        Some(NotificationResponse::Default) => Heard::Pressed { key, button: BODY.to_owned() },
        Some(NotificationResponse::Action(button)) => Heard::Pressed { key, button },
        Some(NotificationResponse::Closed(CloseReason::Dismissed)) => {
            Heard::Closed { key, by: ClosedBy::Owner }
        }
        Some(NotificationResponse::Closed(_) | NotificationResponse::Reply(_)) => {
            Heard::Closed { key, by: ClosedBy::Server }
        }
        None => Heard::Lost { key },
    }
}
