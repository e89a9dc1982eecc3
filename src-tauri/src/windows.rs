//! The two windows. Each is made when it is opened and destroyed when it is closed: an idle tray holds no web view.
//!
//! What holds: a window shows nothing but our own pages, opens no other window, downloads nothing and gets no
//! permission of a browser's. The approval window comes up without taking the keyboard away from what the owner types,
//! unless the owner asked for it.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use agentport_core::ApprovalId;
use tauri::{
    AppHandle, Emitter as _, Manager as _, Url, UserAttentionType, WebviewUrl, WebviewWindow,
    WebviewWindowBuilder, WindowEvent,
    webview::{NewWindowResponse, PageLoadEvent, PermissionResponse},
};
use tauri_plugin_window_state::{AppHandleExt as _, StateFlags};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::shell::{Entry, types::Show};

pub(crate) const MAIN: &str = "main";
pub(crate) const APPROVAL: &str = "approval";

/// Where an approval window hears of the request it is to show.
const SHOW: &str = "agentport://show";

/// How long a window is let be moved about before its place is written down.
const SETTLED: Duration = Duration::from_millis(500);

/// What is remembered of a window.
pub(crate) const REMEMBERED: StateFlags =
    StateFlags::POSITION.union(StateFlags::SIZE).union(StateFlags::MAXIMIZED);

/// Why a window comes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Raise {
    /// The owner asked for it: it gets the keyboard.
    Asked,
    /// It comes by itself.
    ByItself,
}

/// Makes windows. Tauri's state.
pub(crate) struct Windows {
    tasks: TaskTracker,
    runtime: Handle,
    /// Where the web view keeps what it keeps, such as the theme the owner chose.
    data: Option<PathBuf>,
    /// Held while windows are looked for and made, so that none is made twice.
    making: Mutex<()>,
    /// Windows whose page is there to be told things.
    loaded: Loaded,
    /// Whether the windows' places are about to be written down.
    settling: AtomicBool,
}

#[derive(Clone, Default)]
struct Loaded(Arc<Mutex<HashSet<String>>>);

impl Loaded {
    fn set(&self, label: &str, loaded: bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if loaded {
            all.insert(label.to_owned());
        } else {
            all.remove(label);
        }
    }

    fn has(&self, label: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(label)
    }
}

impl Windows {
    pub(crate) fn new(tasks: TaskTracker, runtime: Handle, data: Option<PathBuf>) -> Self {
        Self {
            tasks,
            runtime,
            data,
            making: Mutex::new(()),
            loaded: Loaded::default(),
            settling: AtomicBool::new(false),
        }
    }
}

/// Opens the main window at a route such as `#/activity`, or takes the one there is to it.
pub(crate) fn open_main(app: &AppHandle, route: String) {
    aside(app, move |app, windows| {
        let page = format!("index.html{route}");
        if let Some(window) = app.get_webview_window(MAIN) {
            if windows.loaded.has(MAIN) {
                go(&window, &route)?;
            } else {
                load(&window, &page)?;
            }
            return raise(&window, Raise::Asked);
        }
        let builder = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App(page.into()))
            .title("AgentPort")
            .inner_size(1080.0, 720.0)
            .min_inner_size(720.0, 480.0);
        make(app, windows, builder, Raise::Asked).map(drop)
    });
}

/// Shows a request in the approval window.
pub(crate) fn open_approval(app: &AppHandle, id: ApprovalId, why: Raise) {
    aside(app, move |app, windows| {
        let page = format!("index.html?window={APPROVAL}#/approvals/{id}");
        if let Some(window) = app.get_webview_window(APPROVAL) {
            if windows.loaded.has(APPROVAL) {
                app.emit_to(APPROVAL, SHOW, Show { id, asked: why == Raise::Asked })?;
            } else {
                load(&window, &page)?;
            }
            return raise(&window, why);
        }
        let builder = WebviewWindowBuilder::new(app, APPROVAL, WebviewUrl::App(page.into()))
            .title("AgentPort: a request waits for you")
            .inner_size(480.0, 620.0)
            .min_inner_size(480.0, 620.0)
            .always_on_top(true)
            .maximizable(false);
        let window = make(app, windows, builder, why)?;
        // Not before it is shown: a window without focus is one that must not be remembered as such.
        if why == Raise::ByItself {
            window.request_user_attention(Some(UserAttentionType::Informational))?;
        }
        Ok(())
    });
}

pub(crate) fn close(app: &AppHandle, label: &str) {
    if let Some(window) = app.get_webview_window(label)
        && let Err(error) = window.close()
    {
        tracing::warn!(%error, label, "a window could not be closed");
    }
}

/// Work on windows waits for the main thread, so it has a thread of its own.
fn aside(
    app: &AppHandle,
    work: impl FnOnce(&AppHandle, &Windows) -> tauri::Result<()> + Send + 'static,
) {
    let handle = app.clone();
    let work = move || {
        let windows = handle.state::<Windows>();
        let _making = windows.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = work(&handle, &windows) {
            tracing::error!(%error, "a window could not be opened");
        }
    };
    let windows = app.state::<Windows>();
    windows.tasks.spawn_blocking_on(work, &windows.runtime);
}

/// What all windows have in common.
fn make(
    app: &AppHandle,
    windows: &Windows,
    builder: WebviewWindowBuilder<'_, tauri::Wry, AppHandle>,
    why: Raise,
) -> tauri::Result<WebviewWindow> {
    let loaded = windows.loaded.clone();
    let mut builder = builder
        .focused(why == Raise::Asked)
        .zoom_hotkeys_enabled(true)
        .devtools(cfg!(debug_assertions))
        .general_autofill_enabled(false)
        .on_navigation(is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, _| false)
        .on_permission_request(|_, _| PermissionResponse::Deny)
        .on_page_load(move |window, load| match load.event() {
            // A page that is read anew has forgotten its streams.
            PageLoadEvent::Started => {
                loaded.set(window.label(), false);
                window.state::<Entry>().window_gone(window.label());
            }
            PageLoadEvent::Finished => loaded.set(window.label(), true),
        });
    if let Some(data) = &windows.data {
        builder = builder.data_directory(data.clone());
    }
    let window = builder.build()?;
    let (handle, label, loaded) = (app.clone(), window.label().to_owned(), windows.loaded.clone());
    window.on_window_event(move |event| match event {
        WindowEvent::CloseRequested { .. } => remember(&handle),
        WindowEvent::Moved(_) | WindowEvent::Resized(_) => remember_soon(&handle),
        WindowEvent::Destroyed => {
            loaded.set(&label, false);
            handle.state::<Entry>().window_gone(&label);
            #[cfg(target_os = "linux")]
            rest(&handle);
        }
        _ => {}
    });
    Ok(window)
}

/// Some time after the last window: nothing of WebKit's runs any more.
#[cfg(target_os = "linux")]
fn rest(app: &AppHandle) {
    let handle = app.clone();
    let windows = app.state::<Windows>();
    let later = async move {
        tokio::time::sleep(crate::webkit::REST).await;
        aside(&handle, |app, _| {
            if app.webview_windows().is_empty() {
                crate::webkit::rest();
            }
            Ok(())
        });
    };
    windows.tasks.spawn_on(later, &windows.runtime);
}

fn remember(app: &AppHandle) {
    if let Err(error) = app.save_window_state(REMEMBERED) {
        tracing::warn!(%error, "where the windows are could not be remembered");
    }
}

/// Not only at the end, which a session that is logged out or a machine that loses power does not give.
fn remember_soon(app: &AppHandle) {
    let windows = app.state::<Windows>();
    if windows.settling.swap(true, Ordering::AcqRel) {
        return;
    }
    let handle = app.clone();
    let later = async move {
        tokio::time::sleep(SETTLED).await;
        handle.state::<Windows>().settling.store(false, Ordering::Release);
        let app = handle.clone();
        // Nowhere else: what is remembered is locked meanwhile, and the main thread waits for that lock when a window
        // moves.
        if let Err(error) = handle.run_on_main_thread(move || remember(&app)) {
            tracing::warn!(%error, "where the windows are could not be remembered");
        }
    };
    windows.tasks.spawn_on(later, &windows.runtime);
}

/// Takes a window to another place of its page, which keeps what it holds. (`navigate` would read it anew.)
fn go(window: &WebviewWindow, route: &str) -> tauri::Result<()> {
    window.eval(format!("location.hash = {}", serde_json::Value::from(route)))
}

/// Begins once more with a page that is not there yet.
fn load(window: &WebviewWindow, page: &str) -> tauri::Result<()> {
    let url = window.url()?.join(page).map_err(tauri::Error::InvalidUrl)?;
    window.navigate(url)
}

fn raise(window: &WebviewWindow, why: Raise) -> tauri::Result<()> {
    window.unminimize()?;
    window.show()?;
    match why {
        Raise::Asked => window.set_focus(),
        Raise::ByItself => window.request_user_attention(Some(UserAttentionType::Informational)),
    }
}

/// Our own scheme, which on Windows is a host of its own.
fn is_ours(url: &Url) -> bool {
    if cfg!(windows) {
        matches!(url.scheme(), "http" | "https") && url.host_str() == Some("tauri.localhost")
    } else {
        url.scheme() == "tauri" && url.host_str() == Some("localhost")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_gone_to() {
        let check = |url: &str| is_ours(&url.parse().unwrap());
        #[cfg(not(windows))]
        {
            assert!(check("tauri://localhost/index.html#/activity"));
            assert!(!check("http://tauri.localhost/"));
        }
        for url in [
            "https://example.com/",
            "http://127.0.0.1:4747/",
            "file:///etc/passwd",
            "tauri://evil/",
            "data:text/html,x",
            "about:blank",
            "javascript:alert(1)",
        ] {
            assert!(!check(url), "{url}");
        }
    }
}
