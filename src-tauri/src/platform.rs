//! What the desktop offers to pages and menu rows, beside the gateway: windows, clipboard, browser, files.

use std::path::{Path, PathBuf};

use tauri::{AppHandle, Manager as _};
use tauri_plugin_autostart::ManagerExt as _;
use tauri_plugin_clipboard_manager::ClipboardExt as _;
use tokio::sync::watch;
use url::Url;

use crate::{
    gateway::state::RequestId,
    shutdown::ShutdownSignal,
    windows::{self, Raise},
};

/// The desktop. Tests use another implementation.
pub(crate) trait Platform: Send + Sync + 'static {
    fn open_main(&self, route: &str);
    /// In the approval window.
    fn open_request(&self, id: RequestId, raise: Raise);
    fn close_window(&self, label: &str);
    fn open_page(&self, url: &Url) -> Result<(), PlatformError>;
    /// A secret is kept out of the history of clipboard managers.
    fn copy(&self, text: &str, is_secret: bool) -> Result<(), PlatformError>;
    fn reveal(&self, file: &Path) -> Result<(), PlatformError>;
    /// The folder for downloads.
    fn downloads(&self) -> Result<PathBuf, PlatformError>;
    fn autostart(&self) -> bool;
    fn set_autostart(&self, on: bool) -> Result<(), PlatformError>;
    /// Whether the desktop shows tray icons; `true` until that is known.
    fn tray_available(&self) -> bool;
    fn quit(&self);
}

/// The desktop refused. The source is the platform's own error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlatformError {
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

/// The desktop this app runs on, through Tauri.
pub(crate) struct TauriPlatform {
    pub app: AppHandle,
    pub shutdown: ShutdownSignal,
    pub tray_host: watch::Receiver<Option<bool>>,
}

impl Platform for TauriPlatform {
    fn open_main(&self, route: &str) {
        windows::open_main(&self.app, route.to_owned());
    }

    fn open_request(&self, id: RequestId, raise: Raise) {
        windows::open_request(&self.app, id, raise);
    }

    fn close_window(&self, label: &str) {
        windows::close(&self.app, label);
    }

    fn open_page(&self, url: &Url) -> Result<(), PlatformError> {
        tauri_plugin_opener::open_url(url, None::<&str>).map_err(PlatformError::Browser)
    }

    fn copy(&self, text: &str, is_secret: bool) -> Result<(), PlatformError> {
        let clipboard = self.app.clipboard();
        match is_secret {
            true => clipboard.write_secret(text),
            false => clipboard.write_text(text),
        }
        .map_err(PlatformError::Clipboard)
    }

    fn reveal(&self, file: &Path) -> Result<(), PlatformError> {
        tauri_plugin_opener::reveal_item_in_dir(file).map_err(PlatformError::FileManager)
    }

    /// The home folder where the platform names no folder for downloads.
    fn downloads(&self) -> Result<PathBuf, PlatformError> {
        let paths = self.app.path();
        paths.download_dir().or_else(|_| paths.home_dir()).map_err(PlatformError::NoFolder)
    }

    fn autostart(&self) -> bool {
        self.app.autolaunch().is_enabled().unwrap_or_else(|error| {
            tracing::warn!(%error, "whether AgentPort starts at login could not be read");
            false
        })
    }

    fn set_autostart(&self, on: bool) -> Result<(), PlatformError> {
        let autostart = self.app.autolaunch();
        if on { autostart.enable() } else { autostart.disable() }.map_err(PlatformError::Autostart)
    }

    fn tray_available(&self) -> bool {
        self.tray_host.borrow().unwrap_or(true)
    }

    fn quit(&self) {
        self.shutdown.begin();
    }
}
