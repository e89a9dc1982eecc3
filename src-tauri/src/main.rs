//! The tray app: the gateway, in a program with a face. It shows what waits for the owner, and sends what the owner
//! wants to the gateway's own plane, in process. It decides nothing by itself, and no port on the machine can decide in
//! its stead.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod act;
mod app;
mod autostart;
mod desk;
mod flags;
mod follow;
mod known;
mod local_time;
mod notices;
mod notify;
mod owner;
mod pages;
mod quit;
mod running;
mod shell;
#[cfg(test)]
mod testing;
mod tray;
#[cfg(target_os = "linux")]
mod webkit;
mod windows;

use std::{io::IsTerminal as _, process::ExitCode};

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::flags::Flags;

fn main() -> ExitCode {
    let flags = Flags::parse();
    log_to_stderr();
    match app::run(flags) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What is logged where `RUST_LOG` does not say otherwise. rmcp tells its transports' errors with whole URLs, in which an
/// integration's secret may stand; the gateway says itself, without the secret, what went wrong.
const LOG: &str = "info,rmcp=warn,rmcp::transport=off";
/// Whatever `RUST_LOG` says: asked for more, rmcp tells requests whole, and a token may stand in one.
const UNSAID: &str = "rmcp::service=warn";

fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG));
    let filter = filter.add_directive(UNSAID.parse().expect("is a directive"));
    let colours = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .init();
}
