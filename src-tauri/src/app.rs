//! The app as a whole: made, wired, run until the owner quits.

use std::{process::ExitCode, sync::Arc, time::Duration};

use agentport_gateway::data_dir::DataDir;
use anyhow::{Context as _, Result, anyhow};
use tauri::{AppHandle, Manager as _, RunEvent};
use tokio::runtime::Handle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    act::Act,
    autostart,
    desk::{Desk, TauriDesk},
    flags::Flags,
    follow::{Follow, Greeting},
    notices::Notices,
    notify::{self, Notifications},
    owner::Owner,
    pages::Pages,
    quit::Quit,
    running::{Running, Wanted},
    shell::{self, Entry, Parts},
    tray::{Choose, Show, Tray},
    windows::{self, Windows},
};

/// How long taking notifications away may take at the end.
const WITHDRAWN_WITHIN: Duration = Duration::from_secs(2);

/// What lives as long as the app.
#[derive(Clone)]
struct App {
    flags: Flags,
    /// Where our own files of the desktop go; the home may yet turn out to be unusable, and that is shown, not fatal.
    home: Option<DataDir>,
    running: Running,
    quit: Quit,
    tasks: TaskTracker,
}

/// Runs the app until the owner quits.
pub(crate) fn run(flags: Flags) -> Result<ExitCode> {
    needs_a_screen()?;
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow!("TLS was set up twice"))?;
    // One worker: crossing threads costs more than a second one gains (design §10). The main thread draws.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    tauri::async_runtime::set(runtime.handle().clone());
    let handle = runtime.handle().clone();

    let wanted =
        Wanted { home: flags.home.clone(), vault: flags.vault.clone(), port: flags.port() };
    let home =
        DataDir::open(flags.home.clone()).inspect_err(|error| tracing::warn!("{error}")).ok();
    let app = App {
        flags,
        home,
        running: Running::new(wanted),
        quit: Quit::default(),
        tasks: TaskTracker::new(),
    };
    let running = app.running.clone();
    let inside = runtime.enter();
    let tauri = build(app)?;
    #[cfg(target_os = "macos")]
    let app = tauri.handle().clone();
    let code = tauri.run_return(move |_, event| match event {
        // The last window was closed, and the tray lives on.
        RunEvent::ExitRequested { code: None, api, .. } => api.prevent_exit(),
        // Started once more from the Finder.
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => windows::open_main(&app, "#/".to_owned()),
        // The session ends us without asking; usually the gateway has been stopped by now.
        RunEvent::Exit => handle.block_on(running.stop()),
        _ => {}
    });
    drop(inside);
    // A question to a keychain may still hang in a thread of its own; it must not hold up the end.
    runtime.shutdown_background();
    Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The toolkit would end the program with a panic.
fn needs_a_screen() -> Result<()> {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if cfg!(target_os = "linux") && !set("DISPLAY") && !set("WAYLAND_DISPLAY") {
        anyhow::bail!("there is no screen here; `agentport serve` runs AgentPort without one");
    }
    Ok(())
}

fn build(app: App) -> Result<tauri::App> {
    let remembered = app.home.as_ref().map(|home| home.root().join("windows.json"));
    let mut window_state =
        tauri_plugin_window_state::Builder::new().with_state_flags(windows::REMEMBERED);
    if let Some(file) = remembered.as_ref().and_then(|file| file.to_str()) {
        window_state = window_state.with_filename(file);
    }
    let data = app.home.as_ref().map(|home| home.root().join("webview"));
    tauri::Builder::default()
        // The first, so that a second start ends before it has done anything.
        .plugin(single_instance(&app))
        .plugin(window_state.build())
        .plugin(autostart::plugin(app.flags.home.as_deref()))
        .plugin(tauri_plugin_clipboard_manager::init())
        .manage(Windows::new(app.tasks.clone(), Handle::current(), data))
        .invoke_handler(tauri::generate_handler![shell::owner])
        .setup(move |tauri| Ok(set_up(app, tauri)?))
        .build(tauri::generate_context!(assets = Pages))
        .context("the desktop could not be reached")
}

/// A second start raises the main window of the first; one at login stays in the tray.
fn single_instance(app: &App) -> tauri::plugin::TauriPlugin<tauri::Wry> {
    let builder = tauri_plugin_single_instance::Builder::new().callback(|app, args, _| {
        if !args.iter().any(|arg| arg == "--hidden") {
            windows::open_main(app, "#/".to_owned());
        }
    });
    #[cfg(target_os = "linux")]
    let builder = builder.dbus_id(bus_name(app));
    builder.build()
}

/// One app for each home: another home is another AgentPort.
#[cfg(target_os = "linux")]
fn bus_name(app: &App) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    const NAME: &str = "dev.agentport.desktop";
    match (&app.flags.home, &app.home) {
        (Some(_), Some(home)) => {
            let mut hasher = DefaultHasher::new();
            home.root().hash(&mut hasher);
            format!("{NAME}.home{:016x}", hasher.finish())
        }
        _ => NAME.to_owned(),
    }
}

/// Starts everything. On the main thread, before the first event.
fn set_up(app: App, tauri: &mut tauri::App) -> Result<()> {
    #[cfg(target_os = "macos")]
    tauri.set_activation_policy(tauri::ActivationPolicy::Accessory);
    // What panels and screen readers call the icon.
    #[cfg(target_os = "linux")]
    glib::set_application_name("AgentPort");
    let handle = tauri.handle();
    let App { flags, home, running, quit, tasks } = app;
    quit.listen(&tasks)?;
    let starting = running.clone();
    tasks.spawn(async move { starting.start().await });

    let withdraw = CancellationToken::new();
    let noticing = TaskTracker::new();
    let (notifications, intents) =
        Notifications::start(&noticing, withdraw.clone(), notify::platform_notifier());
    let notices: Arc<dyn Notices> = Arc::new(notifications);
    let owner = Owner::new(running.clone());
    let desk: Arc<dyn Desk> = Arc::new(TauriDesk { app: handle.clone(), quit: quit.clone() });
    let parts = Parts {
        running: running.clone(),
        owner: owner.clone(),
        desk: desk.clone(),
        notices: notices.clone(),
        tasks: tasks.clone(),
    };
    handle.manage(Entry::new(parts));
    let choose = Choose {
        running: running.clone(),
        owner: owner.clone(),
        desk: desk.clone(),
        notices: notices.clone(),
        tasks: tasks.clone(),
    };
    let pictures = home.as_ref().map(|home| home.root().join("tray"));
    if let Some(folder) = &pictures {
        // One that was killed has left a picture there.
        let _ = std::fs::remove_dir_all(folder);
    }
    let tray: Arc<dyn Show> = Arc::new(Tray::new(handle, pictures, choose)?);

    let act = Act { owner: owner.clone(), notices: notices.clone(), desk: desk.clone() };
    tasks.spawn(act.on_intents(tasks.clone(), intents));
    let greeting = if flags.hidden { Greeting::Tray } else { Greeting::Window };
    let follow = Follow { owner, desk, notices, tray, greeting: Some(greeting) };
    tasks.spawn(follow.run(running.watch()));
    let ending = Ending { app: handle.clone(), running, withdraw, noticing };
    tasks.spawn(async move {
        quit.wanted().await;
        ending.end().await;
    });
    Ok(())
}

/// What has to be brought to an end.
struct Ending {
    app: AppHandle,
    running: Running,
    withdraw: CancellationToken,
    noticing: TaskTracker,
}

impl Ending {
    async fn end(self) {
        self.withdraw.cancel();
        self.noticing.close();
        let withdrawn = tokio::time::timeout(WITHDRAWN_WITHIN, self.noticing.wait());
        let (withdrawn, ()) = tokio::join!(withdrawn, self.running.stop());
        if withdrawn.is_err() {
            tracing::warn!("some notifications may still be shown");
        }
        self.app.exit(0);
    }
}
