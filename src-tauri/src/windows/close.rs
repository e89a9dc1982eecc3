//! What closing the main window does: the app keeps running. With a tray it says so the first time. Without one nothing of
//! it would be visible afterwards, so the window's own page asks whether to keep running or to quit.
//!
//! The question never keeps a window from closing: it is asked once for each window, and only where a page is loaded that
//! can ask it.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use crate::{context::AppContext, ipc::types::OnClose};

/// Files in the data directory.
const HINT_MARKER: &str = "tray-hint-shown";
const CHOICE_FILE: &str = "on-close";

/// The owner's choice for a desktop without a tray. Cheap to clone.
#[derive(Clone)]
pub(crate) struct CloseSetting(Arc<SettingFile>);

struct SettingFile {
    choice: Mutex<OnClose>,
    /// Holds one word. `None` without a data directory.
    file: Option<PathBuf>,
}

impl CloseSetting {
    pub(crate) fn open(data_dir: Option<&Path>) -> Self {
        let file = data_dir.map(|folder| folder.join(CHOICE_FILE));
        let stored = file.as_ref().and_then(|file| fs::read_to_string(file).ok());
        let choice = stored.as_deref().and_then(OnClose::parse).unwrap_or_default();
        Self(Arc::new(SettingFile { choice: Mutex::new(choice), file }))
    }

    pub(crate) fn get(&self) -> OnClose {
        *self.0.choice.lock()
    }

    /// Holds until the app ends even where it cannot be stored.
    pub(crate) fn set(&self, choice: OnClose) -> io::Result<()> {
        *self.0.choice.lock() = choice;
        let Some(file) = &self.0.file else { return Ok(()) };
        fs::write(file, choice.as_str())
    }
}

/// What follows from a request to close the main window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CloseAction {
    Close,
    /// The window stays, and its page asks.
    Ask,
    CloseAndQuit,
}

/// What is known when the owner closes the main window.
#[derive(Debug, Clone, Copy)]
struct CloseRequest {
    tray_available: bool,
    choice: OnClose,
    page_loaded: bool,
    /// The question was asked in this window before.
    asked: bool,
}

impl CloseRequest {
    fn action(self) -> CloseAction {
        match (self.tray_available, self.choice) {
            (true, _) | (false, OnClose::KeepRunning) => CloseAction::Close,
            (false, OnClose::Quit) => CloseAction::CloseAndQuit,
            (false, OnClose::Ask) if self.page_loaded && !self.asked => CloseAction::Ask,
            (false, OnClose::Ask) => CloseAction::Close,
        }
    }
}

/// Handles closing of the main window. Tauri's managed state.
pub(crate) struct CloseBehaviour {
    context: AppContext,
    /// A file that exists once the hint was shown; `None` without a data directory or once it is known to exist.
    hint_shown: Mutex<Option<PathBuf>>,
    /// The question was asked in the present window.
    asked: Mutex<bool>,
}

impl CloseBehaviour {
    pub(crate) fn new(context: AppContext, data_dir: Option<&Path>) -> Self {
        let hint_shown = Mutex::new(data_dir.map(|folder| folder.join(HINT_MARKER)));
        Self { context, hint_shown, asked: Mutex::new(false) }
    }

    /// On the main thread.
    pub(super) fn on_close_requested(&self, page_loaded: bool) -> CloseAction {
        let mut asked = self.asked.lock();
        let request = CloseRequest {
            tray_available: self.context.platform.tray_available(),
            choice: self.context.on_close.get(),
            page_loaded,
            asked: *asked,
        };
        let action = request.action();
        match action {
            CloseAction::Ask => *asked = true,
            // The owner has read what the hint says, in the question.
            CloseAction::Close
                if request.choice == OnClose::KeepRunning && !request.tray_available => {}
            CloseAction::Close => self.show_hint_once(),
            CloseAction::CloseAndQuit => self.context.platform.quit(),
        }
        action
    }

    /// The next window may ask again.
    pub(super) fn on_destroyed(&self) {
        *self.asked.lock() = false;
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

fn create_marker(path: &Path) -> io::Result<()> {
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

    #[test]
    fn a_window_asks_once_where_nothing_else_would_be_visible() {
        use CloseAction::{Ask, Close, CloseAndQuit};
        for (tray_available, choice, page_loaded, asked, want) in [
            (true, OnClose::Ask, true, false, Close),
            (true, OnClose::Quit, true, false, Close),
            (false, OnClose::Ask, true, false, Ask),
            (false, OnClose::Ask, true, true, Close),
            (false, OnClose::Ask, false, false, Close),
            (false, OnClose::KeepRunning, true, false, Close),
            (false, OnClose::Quit, true, false, CloseAndQuit),
            (false, OnClose::Quit, false, true, CloseAndQuit),
        ] {
            let request = CloseRequest { tray_available, choice, page_loaded, asked };
            assert_eq!(request.action(), want, "{request:?}");
        }
    }

    #[tokio::test]
    async fn the_hint_about_the_tray_is_shown_once() {
        let (lab, machine) = (Lab::new(), Machine::new());
        let (context, _intents) = lab.context(&machine);
        let behaviour = CloseBehaviour::new(context.clone(), Some(lab.home()));
        assert_eq!(behaviour.on_close_requested(true), CloseAction::Close);
        machine.shows("AgentPort keeps running in the tray").await;
        machine.shown.send_replace(Default::default());
        behaviour.on_close_requested(true);
        // After a restart too.
        CloseBehaviour::new(context.clone(), Some(lab.home())).on_close_requested(true);
        context.notifications.show_message("mark", "");
        machine.shows("mark").await;
        assert_eq!(machine.shown.borrow().len(), 1);
    }

    #[tokio::test]
    async fn the_choice_is_remembered_and_the_next_window_asks_again() {
        let (lab, machine) = (Lab::new(), Machine::without_tray());
        let (context, _intents) = lab.context(&machine);
        let behaviour = CloseBehaviour::new(context.clone(), Some(lab.home()));
        assert_eq!(behaviour.on_close_requested(true), CloseAction::Ask);
        assert_eq!(behaviour.on_close_requested(true), CloseAction::Close, "it does not ask twice");
        behaviour.on_destroyed();
        assert_eq!(behaviour.on_close_requested(true), CloseAction::Ask);
        behaviour.on_destroyed();
        context.on_close.set(OnClose::Quit).unwrap();
        assert_eq!(CloseSetting::open(Some(lab.home())).get(), OnClose::Quit);
        assert_eq!(behaviour.on_close_requested(true), CloseAction::CloseAndQuit);
        assert_eq!(machine.done(), ["quit"]);
    }
}
