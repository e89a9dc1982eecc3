//! What closing the main window does: with a tray the app stays there, and says so the first time; without one the owner
//! chooses whether it keeps running.

use std::{fs::OpenOptions, io, path::PathBuf};

use parking_lot::Mutex;
use tauri::{CloseRequestApi, WebviewWindow};

use crate::context::AppContext;

/// Handles closing of the main window. Tauri's managed state.
pub(crate) struct CloseBehaviour {
    context: AppContext,
    /// A file that exists once the hint was shown; `None` without a data directory or once it is known to exist.
    hint_shown: Mutex<Option<PathBuf>>,
}

impl CloseBehaviour {
    pub(crate) fn new(context: AppContext, hint_shown: Option<PathBuf>) -> Self {
        Self { context, hint_shown: Mutex::new(hint_shown) }
    }

    /// On the main thread.
    pub(super) fn on_close_requested(&self, window: &WebviewWindow, api: &CloseRequestApi) {
        if self.context.platform.tray_available() {
            self.show_hint_once();
        } else {
            #[cfg(target_os = "linux")]
            {
                api.prevent_close();
                self.ask(window);
            }
        }
        let _ = (window, api);
    }

    fn show_hint_once(&self) {
        let Some(marker) = self.hint_shown.lock().take() else { return };
        match create_marker(&marker) {
            Ok(()) => self.context.notifications.show_message(
                "AgentPort keeps running in the tray",
                "Agents can go on working. To end it, choose Quit AgentPort in the tray.",
            ),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => tracing::warn!(%error, "the hint about the tray could not be recorded"),
        }
    }

    #[cfg(target_os = "linux")]
    fn ask(&self, window: &WebviewWindow) {
        use gtk::prelude::{
            DialogExt as _, GtkWindowExt as _, MessageDialogExt as _, WidgetExt as _,
        };
        let parent = window.gtk_window().ok();
        let dialog = gtk::MessageDialog::new(
            parent.as_ref(),
            gtk::DialogFlags::MODAL | gtk::DialogFlags::DESTROY_WITH_PARENT,
            gtk::MessageType::Question,
            gtk::ButtonsType::None,
            "Keep AgentPort running?",
        );
        dialog.set_secondary_text(Some(
            "This desktop shows no tray. AgentPort can keep running without a window; start it again to open one.",
        ));
        dialog.add_button("Quit AgentPort", gtk::ResponseType::Reject);
        dialog.add_button("Keep running", gtk::ResponseType::Accept);
        dialog.set_default_response(gtk::ResponseType::Accept);
        let (window, platform) = (window.clone(), self.context.platform.clone());
        dialog.connect_response(move |dialog, response| {
            dialog.close();
            match response {
                gtk::ResponseType::Accept => {
                    if let Err(error) = window.destroy() {
                        tracing::warn!(%error, "the window could not be closed");
                    }
                }
                gtk::ResponseType::Reject => platform.quit(),
                // The dialog was closed: the window stays.
                _ => {}
            }
        });
        dialog.show();
    }
}

fn create_marker(path: &std::path::Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Lab, Machine};

    #[tokio::test]
    async fn the_hint_about_the_tray_is_shown_once() {
        let (lab, machine) = (Lab::new(), Machine::new());
        let (context, _intents) = lab.context(&machine);
        let marker = lab.home().join("tray-hint-shown");
        let behaviour = CloseBehaviour::new(context.clone(), Some(marker.clone()));
        behaviour.show_hint_once();
        machine.shows("AgentPort keeps running in the tray").await;
        machine.shown.send_replace(Default::default());
        behaviour.show_hint_once();
        // After a restart too.
        CloseBehaviour::new(context.clone(), Some(marker)).show_hint_once();
        context.notifications.show_message("mark", "");
        machine.shows("mark").await;
        assert_eq!(machine.shown.borrow().len(), 1);
    }
}
