//! Builds the app, wires its parts, and runs it until the owner quits.

use std::{process::ExitCode, sync::Arc, time::Duration};

use agentport_gateway::data_dir::DataDir;
use anyhow::{Context as _, Result, anyhow};
use tauri::{AppHandle, Manager as _, RunEvent};
use tokio::{runtime::Handle, sync::watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    args::LaunchArgs,
    autostart,
    context::AppContext,
    gateway::{
        client,
        supervisor::{GatewaySupervisor, LaunchOptions},
        sync::{StartupWindow, StateSync},
    },
    ipc::{self, IpcRouter},
    notification_actions::NotificationActions,
    notify::{self, Notifications},
    pages::Pages,
    platform::{Platform, TauriPlatform},
    shutdown::ShutdownSignal,
    tray::{self, Tray, TrayActions, TrayDisplay},
    windows::{
        self, Windows,
        attention::WindowAttention,
        close::{CloseBehaviour, CloseSetting},
    },
};

/// Stack of a worker thread. In process a request, its call and its answer are polled as one, which in a debug build takes
/// more than tokio's 2 MiB.
const WORKER_STACK_BYTES: usize = 8 * 1024 * 1024;

/// Time for withdrawing notifications at shutdown.
const WITHDRAW_TIMEOUT: Duration = Duration::from_secs(2);

/// Time the desktop has at a login to start its panel, before the window of a hidden start opens.
const TRAY_STARTUP_TIMEOUT: Duration = Duration::from_secs(15);

/// What [`set_up`] needs.
#[derive(Clone)]
struct App {
    args: LaunchArgs,
    /// Holds the desktop's own files too. `None` where it is unusable, which the window shows; it is not fatal here.
    home: Option<DataDir>,
    supervisor: GatewaySupervisor,
    shutdown: ShutdownSignal,
    tasks: TaskTracker,
}

/// Runs the app until the owner quits.
pub(crate) fn run(args: LaunchArgs) -> Result<ExitCode> {
    require_screen()?;
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow!("TLS was set up twice"))?;
    // One worker: handing over between threads costs more than a second worker gains. The main thread draws.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(WORKER_STACK_BYTES)
        .worker_threads(1)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    tauri::async_runtime::set(runtime.handle().clone());
    let handle = runtime.handle().clone();

    let options =
        LaunchOptions { home: args.home.clone(), vault: args.vault.clone(), port: args.port() };
    let home = DataDir::open(args.home.clone()).inspect_err(|error| tracing::warn!("{error}")).ok();
    let app = App {
        args,
        home,
        supervisor: GatewaySupervisor::new(options),
        shutdown: ShutdownSignal::default(),
        tasks: TaskTracker::new(),
    };
    let supervisor = app.supervisor.clone();
    let entered = runtime.enter();
    let tauri = build(app)?;
    #[cfg(target_os = "macos")]
    let app = tauri.handle().clone();
    let code = tauri.run_return(move |_, event| match event {
        // The last window was closed; the tray stays.
        RunEvent::ExitRequested { code: None, api, .. } => api.prevent_exit(),
        // Opened again from the Finder.
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => windows::open_main(&app, "#/".to_owned()),
        // At the end of the session too, which does not ask. Usually the gateway has been stopped by now.
        RunEvent::Exit => handle.block_on(supervisor.stop()),
        _ => {}
    });
    drop(entered);
    // A request to a keychain may still block a thread; it must not delay the exit.
    runtime.shutdown_background();
    Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Without a screen the toolkit would panic.
fn require_screen() -> Result<()> {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if cfg!(target_os = "linux") && !set("DISPLAY") && !set("WAYLAND_DISPLAY") {
        anyhow::bail!("there is no screen here; `agentport serve` runs AgentPort without one");
    }
    Ok(())
}

fn build(app: App) -> Result<tauri::App> {
    let state_file = app.home.as_ref().map(|home| home.root().join("windows.json"));
    let mut window_state =
        tauri_plugin_window_state::Builder::new().with_state_flags(windows::SAVED_STATE);
    if let Some(file) = state_file.as_ref().and_then(|file| file.to_str()) {
        window_state = window_state.with_filename(file);
    }
    let data = app.home.as_ref().map(|home| home.root().join("webview"));
    tauri::Builder::default()
        // First, so that a second start ends before it has done anything.
        .plugin(single_instance(&app))
        .plugin(window_state.build())
        .plugin(autostart::plugin(app.args.home.as_deref()))
        .plugin(tauri_plugin_clipboard_manager::init())
        .manage(Windows::new(app.tasks.clone(), Handle::current(), data))
        .invoke_handler(tauri::generate_handler![ipc::owner])
        .setup(move |tauri| Ok(set_up(app, tauri)?))
        .build(tauri::generate_context!(assets = Pages))
        .context("the desktop could not be reached")
}

/// A second start raises the main window of the first, except a start at login (`--hidden`).
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

/// One instance per data directory.
#[cfg(target_os = "linux")]
fn bus_name(app: &App) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    const NAME: &str = "dev.agentport.desktop";
    match (&app.args.home, &app.home) {
        (Some(_), Some(home)) => {
            let mut hasher = DefaultHasher::new();
            home.root().hash(&mut hasher);
            format!("{NAME}.home{:016x}", hasher.finish())
        }
        _ => NAME.to_owned(),
    }
}

/// Starts all parts. On the main thread, before the first event.
fn set_up(app: App, tauri: &mut tauri::App) -> Result<()> {
    #[cfg(target_os = "macos")]
    tauri.set_activation_policy(tauri::ActivationPolicy::Accessory);
    // The accessible name of the icon in panels.
    #[cfg(target_os = "linux")]
    glib::set_application_name("AgentPort");
    let handle = tauri.handle();
    let App { args, home, supervisor, shutdown, tasks } = app;
    shutdown.listen(&tasks)?;
    let starting = supervisor.clone();
    tasks.spawn(async move { starting.start().await });

    let withdraw = CancellationToken::new();
    let notify_tasks = TaskTracker::new();
    let (notifications, intents) =
        Notifications::start(&notify_tasks, withdraw.clone(), notify::platform_notifier());
    let (tray_state, tray_host) = watch::channel(None);
    let platform: Arc<dyn Platform> = Arc::new(TauriPlatform {
        app: handle.clone(),
        shutdown: shutdown.clone(),
        tray_host: tray_host.clone(),
    });
    let context = AppContext {
        control: client::in_process(supervisor.clone()),
        supervisor: supervisor.clone(),
        platform,
        attention: WindowAttention::new(notifications.clone()),
        notifications,
        on_close: CloseSetting::open(home.as_ref().map(DataDir::root)),
        tasks: tasks.clone(),
    };
    handle.manage(context.attention.clone());
    handle.manage(IpcRouter::new(context.clone()));
    handle.manage(CloseBehaviour::new(context.clone(), home.as_ref().map(DataDir::root)));
    watch_tray_host(&tasks, tray_state, args.hidden.then(|| (tray_host, context.clone())));
    let icon_dir = home.as_ref().map(|home| home.root().join("tray"));
    if let Some(icon_dir) = &icon_dir {
        // A process that was killed has left its icon there.
        let _ = std::fs::remove_dir_all(icon_dir);
    }
    let tray: Arc<dyn TrayDisplay> =
        Arc::new(Tray::new(handle, icon_dir, TrayActions(context.clone()))?);

    tasks.spawn(NotificationActions(context.clone()).run(intents));
    let startup_window = if args.hidden { StartupWindow::TrayOnly } else { StartupWindow::Main };
    let sync = StateSync::new(context, tray, startup_window);
    tasks.spawn(sync.run(supervisor.watch()));
    #[cfg(target_os = "linux")]
    windows::release_later(handle);
    let ending = Ending { app: handle.clone(), supervisor, withdraw, notify_tasks };
    tasks.spawn(async move {
        shutdown.requested().await;
        ending.run().await;
    });
    Ok(())
}

/// Watches whether the desktop shows tray icons. `hidden_start`: without a tray nothing would be visible, so the window
/// opens.
fn watch_tray_host(
    tasks: &TaskTracker,
    state: watch::Sender<Option<bool>>,
    hidden_start: Option<(watch::Receiver<Option<bool>>, AppContext)>,
) {
    #[cfg(target_os = "linux")]
    tasks.spawn(tray::host::watch(state));
    #[cfg(not(target_os = "linux"))]
    state.send_replace(Some(true));
    let Some((mut tray_host, context)) = hidden_start else { return };
    tasks.spawn(async move {
        let found = tray_host.wait_for(|available| *available == Some(true));
        // An error means that the app ends.
        if tokio::time::timeout(TRAY_STARTUP_TIMEOUT, found).await.is_err() {
            context.platform.open_main("#/");
        }
    });
}

/// The parts that are stopped in order at shutdown.
struct Ending {
    app: AppHandle,
    supervisor: GatewaySupervisor,
    withdraw: CancellationToken,
    notify_tasks: TaskTracker,
}

impl Ending {
    async fn run(self) {
        self.withdraw.cancel();
        self.notify_tasks.close();
        let withdrawn = tokio::time::timeout(WITHDRAW_TIMEOUT, self.notify_tasks.wait());
        let (withdrawn, ()) = tokio::join!(withdrawn, self.supervisor.stop());
        if withdrawn.is_err() {
            tracing::warn!("some notifications may still be shown");
        }
        self.app.exit(0);
    }
}
