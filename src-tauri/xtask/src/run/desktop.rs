//! The tray app: started, and where to find it said. Everything else it says itself.

use std::{
    process::{Child, Command, ExitCode},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};

use super::{Agentport, RunStatus, signals::Signals};
use crate::{paths, process};

pub(super) const PROGRAM: &str = "agentport-desktop";

/// How often to look whether its gateway listens.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

pub(super) fn run(agentport: &Agentport, port: Option<u16>) -> Result<ExitCode> {
    let before = agentport.status()?;
    let mut command = Command::new(paths::program("debug", PROGRAM));
    if let Some(home) = &agentport.home {
        command.arg("--home").arg(home);
    }
    if let Some(port) = port {
        command.args(["--port", &port.to_string()]);
    }
    let signals = Signals::listen()?;
    let mut app = signals.pass_on_to(&mut command).context("cannot start the tray app")?;
    if before.running {
        let url = before.mcp_url.unwrap_or_default();
        process::say(&format!("AgentPort runs already for {}: {url}", before.home.display()));
        process::say("If that is the tray app, its window comes to the front.");
    } else if let Some(status) = started(agentport, &mut app)? {
        greet(&status);
    }
    let ended = app.wait().context("cannot wait for the tray app")?;
    Ok(if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Waits until its gateway listens; gives nothing where it has ended before that.
fn started(agentport: &Agentport, app: &mut Child) -> Result<Option<RunStatus>> {
    loop {
        if app.try_wait().context("cannot look after the tray app")?.is_some() {
            return Ok(None);
        }
        let status = agentport.status()?;
        if status.running {
            return Ok(Some(status));
        }
        thread::sleep(POLL_INTERVAL);
    }
}

fn greet(status: &RunStatus) {
    let url = status.mcp_url.as_deref().unwrap_or_default();
    process::say("\nAgentPort is running, with its icon in the tray. Ctrl-C stops it.\n");
    process::say(&format!("  MCP URL   {url}"));
    process::say(&format!("  Data      {}", status.home.display()));
    process::say("  Agents    \"Connect an agent\" in the menu of the icon makes a key for one");
    process::say("  No tray?  Start it a second time, and the window of the first opens\n");
}
