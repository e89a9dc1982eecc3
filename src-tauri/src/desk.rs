//! What the desktop can do for a page or a menu row, beside the gateway: windows, clipboard, browser, files.

use std::path::{Path, PathBuf};

use agentport_core::ApprovalId;
use tauri::{AppHandle, Manager as _};
use tauri_plugin_autostart::ManagerExt as _;
use tauri_plugin_clipboard_manager::ClipboardExt as _;
use url::Url;

use crate::{
    quit::Quit,
    windows::{self, Raise},
};

/// The machine in front of the owner. Tests put their own in its place.
pub(crate) trait Desk: Send + Sync + 'static {
    fn open_main(&self, route: &str);
    fn open_approval(&self, id: ApprovalId, raise: Raise);
    fn close_window(&self, label: &str);
    fn open_page(&self, url: &Url) -> Result<(), DeskError>;
    /// A secret stays out of what clipboard managers remember.
    fn copy(&self, text: &str, is_secret: bool) -> Result<(), DeskError>;
    fn reveal(&self, file: &Path) -> Result<(), DeskError>;
    /// The folder for downloads.
    fn downloads(&self) -> Result<PathBuf, DeskError>;
    fn autostart(&self) -> bool;
    fn set_autostart(&self, on: bool) -> Result<(), DeskError>;
    fn quit(&self);
}

/// The desktop refused. The cause is the platform's own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeskError {
    #[error("the browser could not be opened")]
    Browser(#[source] tauri_plugin_opener::Error),
    #[error("the clipboard could not be written")]
    Clipboard(#[source] tauri_plugin_clipboard_manager::Error),
    #[error("the file manager could not be opened")]
    FileManager(#[source] tauri_plugin_opener::Error),
    #[error("there is no folder to save to")]
    NoFolder(#[source] tauri::Error),
    #[error("the start at login could not be changed")]
    Autostart(#[source] tauri_plugin_autostart::Error),
}

/// The real one.
pub(crate) struct TauriDesk {
    pub app: AppHandle,
    pub quit: Quit,
}

impl Desk for TauriDesk {
    fn open_main(&self, route: &str) {
        windows::open_main(&self.app, route.to_owned());
    }

    fn open_approval(&self, id: ApprovalId, raise: Raise) {
        windows::open_approval(&self.app, id, raise);
    }

    fn close_window(&self, label: &str) {
        windows::close(&self.app, label);
    }

    fn open_page(&self, url: &Url) -> Result<(), DeskError> {
        tauri_plugin_opener::open_url(url, None::<&str>).map_err(DeskError::Browser)
    }

    fn copy(&self, text: &str, is_secret: bool) -> Result<(), DeskError> {
        let clipboard = self.app.clipboard();
        match is_secret {
            true => clipboard.write_secret(text),
            false => clipboard.write_text(text),
        }
        .map_err(DeskError::Clipboard)
    }

    fn reveal(&self, file: &Path) -> Result<(), DeskError> {
        tauri_plugin_opener::reveal_item_in_dir(file).map_err(DeskError::FileManager)
    }

    /// Where the platform names none, the owner's own folder.
    fn downloads(&self) -> Result<PathBuf, DeskError> {
        let paths = self.app.path();
        paths.download_dir().or_else(|_| paths.home_dir()).map_err(DeskError::NoFolder)
    }

    fn autostart(&self) -> bool {
        self.app.autolaunch().is_enabled().unwrap_or_else(|error| {
            tracing::warn!(%error, "whether AgentPort starts at login could not be found out");
            false
        })
    }

    fn set_autostart(&self, on: bool) -> Result<(), DeskError> {
        let autostart = self.app.autolaunch();
        if on { autostart.enable() } else { autostart.disable() }.map_err(DeskError::Autostart)
    }

    fn quit(&self) {
        self.quit.begin();
    }
}
