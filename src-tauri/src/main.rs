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

use std::{io::IsTerminal as _, process::ExitCode};

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::args::LaunchArgs;

fn main() -> ExitCode {
    let args = LaunchArgs::parse();
    log_to_stderr();
    match app::run(args) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Log filter where `RUST_LOG` is not set. rmcp logs transport errors with whole URLs, which may hold an integration's
/// secret; the gateway logs the same failures without it.
const DEFAULT_LOG_FILTER: &str = "info,rmcp=warn,rmcp::transport=off";
/// Applied on top of `RUST_LOG`: at a lower level rmcp logs whole requests, which may hold a token.
const REQUIRED_LOG_DIRECTIVE: &str = "rmcp::service=warn";

fn log_to_stderr() {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG_FILTER));
    let filter = filter.add_directive(REQUIRED_LOG_DIRECTIVE.parse().expect("is a directive"));
    let colours = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .init();
}
