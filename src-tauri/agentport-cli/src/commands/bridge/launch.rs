//! Starts the desktop app, where there is a display.
//!
//! The app outlives the client that started it: it gets its own process group, and neither this process's stdio nor its
//! key. `agentport serve` is never started: a headless gateway is the owner's own choice.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The next step that every explanation names.
const BY_HAND: &str = "Open the AgentPort app, or run `agentport serve` in a terminal";

/// Starts the app for this data directory, hidden in the tray. The error is a sentence for the agent.
pub(super) fn start(home: &Path) -> Result<(), String> {
    if !has_screen() {
        return Err(format!(
            "AgentPort is not running, and there is no screen here to start its app on. {BY_HAND}, then try again."
        ));
    }
    let Some(app) = app() else {
        return Err(format!(
            "AgentPort is not running, and its app is not installed beside this program. {BY_HAND}, then try again."
        ));
    };
    let mut command = Command::new(&app);
    command
        .arg("--hidden")
        .arg("--home")
        .arg(home)
        .env_remove("AGENTPORT_API_KEY")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    #[cfg(windows)]
    {
        /// Win32 `CREATE_NEW_PROCESS_GROUP | DETACHED_PROCESS`.
        const APART: u32 = 0x0000_0200 | 0x0000_0008;
        std::os::windows::process::CommandExt::creation_flags(&mut command, APART);
    }
    match command.spawn() {
        Ok(mut child) => {
            tracing::info!(app = %app.display(), "the app is being started");
            // Reaps the child while this process lives.
            let waiting = std::thread::Builder::new().name("app".into());
            let _ = waiting.spawn(move || child.wait());
            Ok(())
        }
        Err(error) => Err(format!(
            "AgentPort is not running, and its app could not be started ({error}). {BY_HAND}, then try again."
        )),
    }
}

/// The sentence for the agent when no start was attempted.
pub(super) fn not_running() -> String {
    format!("AgentPort is not running. {BY_HAND}, then try again.")
}

/// The sentence for the agent when the app was started and did not become ready.
pub(super) fn did_not_come() -> String {
    format!("AgentPort's app was started but is not ready. {BY_HAND}, then try again.")
}

/// The app beside this program, or where packages put it.
fn app() -> Option<PathBuf> {
    let name = format!("agentport-desktop{}", env::consts::EXE_SUFFIX);
    let beside = env::current_exe().ok().map(|own| own.with_file_name(&name));
    let installed = cfg!(target_os = "linux").then(|| Path::new("/usr/bin").join(&name));
    beside.into_iter().chain(installed).find(|path| path.is_file())
}

#[cfg(target_os = "linux")]
fn has_screen() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    set("DISPLAY") || set("WAYLAND_DISPLAY")
}

#[cfg(not(target_os = "linux"))]
fn has_screen() -> bool {
    true
}
