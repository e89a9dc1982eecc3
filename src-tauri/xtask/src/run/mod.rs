//! `cargo xtask run`: builds everything and starts it, the tray app where there is a display to show it on, the gateway
//! alone otherwise; and says how to connect an agent to it.

mod desktop;
mod headless;
mod signals;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::{compile, debian, node, paths};

/// What `agentport status -o json` says without a password.
#[derive(Deserialize)]
struct RunStatus {
    running: bool,
    home: PathBuf,
    set_up: bool,
    mcp_url: Option<String>,
}

pub(crate) fn run(home: Option<&Path>, port: Option<u16>, headless: bool) -> Result<ExitCode> {
    let on_screen = !headless
        && has_display(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if on_screen {
        debian::webkit().context("`cargo xtask run --headless` starts the gateway without it")?;
    }
    node::build_ui()?;
    let programs = ["agentport", desktop::PROGRAM];
    compile::programs(if on_screen { &programs } else { &programs[..1] })?;
    let agentport =
        Agentport { program: paths::program("debug", "agentport"), home: home.map(Path::to_owned) };
    if on_screen { desktop::run(&agentport, port) } else { headless::run(&agentport, port) }
}

/// Is there a screen to show the tray on? `has` tells whether a variable is set.
fn has_display(has: impl Fn(&str) -> bool) -> bool {
    cfg!(any(target_os = "macos", windows)) || has("DISPLAY") || has("WAYLAND_DISPLAY")
}

/// The program just built, for one data directory.
struct Agentport {
    program: PathBuf,
    home: Option<PathBuf>,
}

impl Agentport {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).env_remove("AGENTPORT_OWNER_PASSWORD_FILE");
        if let Some(home) = &self.home {
            command.arg("--home").arg(home);
        }
        command
    }

    fn status(&self) -> Result<RunStatus> {
        // It ends with 1 where no gateway runs, which is no failure here.
        let output = self.command(&["status", "-o", "json"]).stderr(Stdio::inherit()).output();
        let output = output.context("cannot start agentport")?;
        serde_json::from_slice(&output.stdout).context("agentport does not say where its home is")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_is_what_the_session_names() {
        let elsewhere = cfg!(any(target_os = "macos", windows));
        assert_eq!(has_display(|_| false), elsewhere);
        assert_eq!(has_display(|name| name == "TERM"), elsewhere);
        assert!(has_display(|name| name == "DISPLAY"));
        assert!(has_display(|name| name == "WAYLAND_DISPLAY"));
    }
}
