//! What closing the main window does: the app keeps running, and says so the first time.

use std::{fs::OpenOptions, io, path::PathBuf};

use parking_lot::Mutex;

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
    pub(super) fn on_close_requested(&self) {
        self.show_hint_once();
    }

    fn show_hint_once(&self) {
        let Some(marker) = self.hint_shown.lock().take() else { return };
        match create_marker(&marker) {
            Ok(()) if self.context.platform.tray_available() => {
                self.context.notifications.show_message(
                    "AgentPort keeps running in the tray",
                    "Agents can go on working. To end it, choose Quit AgentPort in the tray.",
                );
            }
            Ok(()) => self.context.notifications.show_message(
                "AgentPort keeps running without a window",
                "This desktop shows no tray. Start AgentPort again to open its window.",
            ),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => tracing::warn!(%error, "the hint about the tray could not be recorded"),
        }
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
