//! The two windows. Each is created when it is opened and destroyed when it is closed: an idle tray holds no web view.
//!
//! Invariants: a window shows nothing but our own pages, opens no other window, downloads nothing and gets no browser
//! permission. The approval window opens without taking the keyboard focus, unless the owner asked for it.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tauri::{
    AppHandle, Emitter as _, Manager as _, Url, UserAttentionType, WebviewUrl, WebviewWindow,
    WebviewWindowBuilder, WindowEvent,
    webview::{NewWindowResponse, PageLoadEvent, PermissionResponse},
};
use tauri_plugin_window_state::{AppHandleExt as _, StateFlags};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

pub(crate) mod attention;
pub(crate) mod close;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod webkit;

use self::{
    attention::WindowAttention,
    close::{CloseAction, CloseBehaviour},
};
use crate::{
    gateway::state::RequestId,
    ipc::{IpcRouter, types::Show},
};

pub(crate) const MAIN: &str = "main";
pub(crate) const APPROVAL: &str = "approval";

/// Event that tells the approval window which request to show.
const SHOW_EVENT: &str = "agentport://show";

/// Event that tells the main window's page to ask whether AgentPort keeps running.
const ASK_CLOSE_EVENT: &str = "agentport://ask-close";

/// Delay between a move of a window and saving its position.
const SAVE_DELAY: Duration = Duration::from_millis(500);

/// What is saved of a window.
pub(crate) const SAVED_STATE: StateFlags =
    StateFlags::POSITION.union(StateFlags::SIZE).union(StateFlags::MAXIMIZED);

/// Why a window opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Raise {
    /// The owner asked for it: it gets the keyboard focus.
    Asked,
    /// It opens by itself.
    ByItself,
}

/// Creates windows. Tauri's managed state.
pub(crate) struct Windows {
    tasks: TaskTracker,
    runtime: Handle,
    /// Storage of the web view, such as the chosen theme.
    data_dir: Option<PathBuf>,
    /// Locked while a window is looked up and created, so that none is created twice.
    opening: Mutex<()>,
    /// Windows whose page is loaded and receives events.
    loaded: Loaded,
    /// A save of the windows' state is scheduled.
    save_scheduled: AtomicBool,
}

#[derive(Clone, Default)]
struct Loaded(Arc<Mutex<HashSet<String>>>);

impl Loaded {
    fn set(&self, label: &str, loaded: bool) {
        let mut all = self.0.lock();
        if loaded {
            all.insert(label.to_owned());
        } else {
            all.remove(label);
        }
    }

    fn has(&self, label: &str) -> bool {
        self.0.lock().contains(label)
    }
}

impl Windows {
    pub(crate) fn new(tasks: TaskTracker, runtime: Handle, data_dir: Option<PathBuf>) -> Self {
        Self {
            tasks,
            runtime,
            data_dir,
            opening: Mutex::new(()),
            loaded: Loaded::default(),
            save_scheduled: AtomicBool::new(false),
        }
    }
}

/// Opens the main window at a route such as `#/activity`, or navigates the open one there.
pub(crate) fn open_main(app: &AppHandle, route: String) {
    run_blocking(app, move |app, windows| {
        let page = format!("index.html{route}");
        if let Some(window) = app.get_webview_window(MAIN) {
            if windows.loaded.has(MAIN) {
                set_route(&window, &route)?;
            } else {
                load(&window, &page)?;
            }
            return raise(&window, Raise::Asked);
        }
        let builder = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App(page.into()))
            .title("AgentPort")
            .inner_size(1080.0, 720.0)
            .min_inner_size(720.0, 480.0);
        create(app, windows, builder, Raise::Asked).map(drop)
    });
}

/// Shows a request in the approval window.
pub(crate) fn open_request(app: &AppHandle, id: RequestId, why: Raise) {
    run_blocking(app, move |app, windows| {
        let page = format!("index.html?window={APPROVAL}{}", id.route());
        if let Some(window) = app.get_webview_window(APPROVAL) {
            if windows.loaded.has(APPROVAL) {
                app.emit_to(
                    APPROVAL,
                    SHOW_EVENT,
                    Show { request: id, asked: why == Raise::Asked },
                )?;
            } else {
                load(&window, &page)?;
            }
            return raise(&window, why);
        }
        let builder = WebviewWindowBuilder::new(app, APPROVAL, WebviewUrl::App(page.into()))
            .title("AgentPort: a request waits for you")
            .inner_size(480.0, 620.0)
            .min_inner_size(480.0, 620.0)
            .center()
            .always_on_top(true)
            .maximizable(false);
        let window = create(app, windows, builder, why)?;
        // After it is shown: its focus must not be saved as part of the window's state.
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

/// Work on windows blocks on the main thread, so it runs on a blocking thread.
fn run_blocking(
    app: &AppHandle,
    work: impl FnOnce(&AppHandle, &Windows) -> tauri::Result<()> + Send + 'static,
) {
    let handle = app.clone();
    let work = move || {
        let windows = handle.state::<Windows>();
        let _making = windows.opening.lock();
        if let Err(error) = work(&handle, &windows) {
            tracing::error!(%error, "a window could not be opened");
        }
    };
    let windows = app.state::<Windows>();
    windows.tasks.spawn_blocking_on(work, &windows.runtime);
}

/// Creates a window with the settings all windows share.
fn create(
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
        .on_navigation(is_our_page)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, _| false)
        .on_permission_request(|_, _| PermissionResponse::Deny)
        .on_page_load(move |window, load| match load.event() {
            // A page that reloads has lost its streams.
            PageLoadEvent::Started => {
                loaded.set(window.label(), false);
                window.state::<WindowAttention>().forget(window.label());
                window.state::<IpcRouter>().end_streams(window.label());
            }
            PageLoadEvent::Finished => loaded.set(window.label(), true),
        });
    if let Some(data) = &windows.data_dir {
        builder = builder.data_directory(data.clone());
    }
    let window = builder.build()?;
    let (handle, label, loaded) = (app.clone(), window.label().to_owned(), windows.loaded.clone());
    window.on_window_event(move |event| match event {
        WindowEvent::CloseRequested { api, .. } => {
            save_state(&handle);
            if label == MAIN && page_asks(&handle, loaded.has(MAIN)) {
                api.prevent_close();
            }
        }
        WindowEvent::Focused(focused) => {
            handle.state::<WindowAttention>().set_focused(&label, *focused);
            if *focused {
                keep_focused_on_top(&handle, &label);
            }
        }
        WindowEvent::Moved(_) | WindowEvent::Resized(_) => save_state_soon(&handle),
        WindowEvent::Destroyed => {
            loaded.set(&label, false);
            let attention = handle.state::<WindowAttention>();
            attention.set_focused(&label, false);
            attention.forget(&label);
            if label == MAIN {
                handle.state::<CloseBehaviour>().on_destroyed();
            }
            handle.state::<IpcRouter>().end_streams(&label);
            #[cfg(target_os = "linux")]
            release_later(&handle);
        }
        _ => {}
    });
    note_early_focus(app, window)
}

/// A window can get the focus before its events are listened to. Asked on the main thread, where its events are
/// delivered, so that no change of the focus comes in between.
fn note_early_focus(app: &AppHandle, window: WebviewWindow) -> tauri::Result<WebviewWindow> {
    let (handle, seen) = (app.clone(), window.clone());
    app.run_on_main_thread(move || {
        if seen.is_focused().unwrap_or(false) {
            handle.state::<WindowAttention>().set_focused(seen.label(), true);
        }
    })?;
    Ok(window)
}

/// The main window was asked to close. Does it stay, since its page asks the owner what that means?
fn page_asks(app: &AppHandle, page_loaded: bool) -> bool {
    match app.state::<CloseBehaviour>().on_close_requested(page_loaded) {
        CloseAction::Ask => app
            .emit_to(MAIN, ASK_CLOSE_EVENT, ())
            .inspect_err(|error| tracing::warn!(%error, "the main window's page cannot ask"))
            .is_ok(),
        CloseAction::Close | CloseAction::CloseAndQuit => false,
    }
}

/// A while after the start, and after the last window was closed: frees what only these needed.
#[cfg(target_os = "linux")]
pub(crate) fn release_later(app: &AppHandle) {
    let handle = app.clone();
    let windows = app.state::<Windows>();
    let later = async move {
        tokio::time::sleep(webkit::STORE_TIMEOUT).await;
        run_blocking(&handle, |app, _| {
            if app.webview_windows().is_empty() {
                webkit::end_network_process();
                memory::release();
            }
            Ok(())
        });
    };
    windows.tasks.spawn_on(later, &windows.runtime);
}

/// The approval window stays on top of other programs, and steps behind the main window while the owner works there.
fn keep_focused_on_top(app: &AppHandle, focused: &str) {
    if let Some(approval) = app.get_webview_window(APPROVAL)
        && let Err(error) = approval.set_always_on_top(focused == APPROVAL)
    {
        tracing::debug!(%error, "the approval window keeps its level");
    }
}

fn save_state(app: &AppHandle) {
    if let Err(error) = app.save_window_state(SAVED_STATE) {
        tracing::warn!(%error, "where the windows are could not be saved");
    }
}

/// Not only at the exit, which a logout or a loss of power skips.
fn save_state_soon(app: &AppHandle) {
    let windows = app.state::<Windows>();
    if windows.save_scheduled.swap(true, Ordering::AcqRel) {
        return;
    }
    let handle = app.clone();
    let later = async move {
        tokio::time::sleep(SAVE_DELAY).await;
        handle.state::<Windows>().save_scheduled.store(false, Ordering::Release);
        let app = handle.clone();
        // On the main thread only: saving locks the state, and the main thread blocks on that lock when a window moves.
        if let Err(error) = handle.run_on_main_thread(move || save_state(&app)) {
            tracing::warn!(%error, "where the windows are could not be saved");
        }
    };
    windows.tasks.spawn_on(later, &windows.runtime);
}

/// Changes the route within the loaded page. (`navigate` would reload it.)
fn set_route(window: &WebviewWindow, route: &str) -> tauri::Result<()> {
    window.eval(format!("location.hash = {}", serde_json::Value::from(route)))
}

/// Loads another page instead of one that has not finished loading.
fn load(window: &WebviewWindow, page: &str) -> tauri::Result<()> {
    let url = window.url()?.join(page).map_err(tauri::Error::InvalidUrl)?;
    window.navigate(url)
}

fn raise(window: &WebviewWindow, why: Raise) -> tauri::Result<()> {
    window.unminimize()?;
    window.show()?;
    if window.label() == APPROVAL {
        window.set_always_on_top(true)?;
    }
    match why {
        Raise::Asked => window.set_focus(),
        Raise::ByItself => window.request_user_attention(Some(UserAttentionType::Informational)),
    }
}

/// Our own scheme, which on Windows is a host.
fn is_our_page(url: &Url) -> bool {
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
    fn only_our_own_pages_are_loaded() {
        let check = |url: &str| is_our_page(&url.parse().unwrap());
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
