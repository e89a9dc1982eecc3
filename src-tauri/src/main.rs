//! The tray app: the gateway in process, with a tray icon, notifications and windows. It renders the gateway's state and
//! sends the owner's intentions to the control API. It decides nothing, and no port of the machine can decide instead.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod app;
mod args;
mod autostart;
mod context;
mod gateway;
mod ipc;
mod local_time;
mod notification_actions;
mod notify;
mod pages;
mod platform;
mod shutdown;
#[cfg(test)]
mod testing;
mod tray;
mod windows;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::LaunchArgs;

fn main() -> ExitCode {
    let args = LaunchArgs::parse();
    agentport_gateway::logging::log_to_stderr();
    match app::run(args) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
