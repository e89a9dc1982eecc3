//! The `agentport` command (also `ap`): runs the headless gateway (`serve`), and is the client of a running one for the
//! owner (control API) and for agents (REST API, and MCP over stdio with `bridge`).
//!
//! [`args::CliArgs`] are the options, [`commands`] has one module per command, [`client`] talks to the gateway, [`output`]
//! writes text or JSON.
//!
//! For every command: data goes to stdout, everything else to stderr; secrets come from a file, a prompt or stdin, and
//! are printed only by the commands whose purpose it is; the exit code is 0 done, 1 error, 2 approval pending.

mod args;
mod atomic_file;
mod client;
mod commands;
mod confirm;
mod context;
mod duration;
mod events;
mod exit;
mod format;
mod lookup;
mod output;
mod password;
mod secrets;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let args = match args::CliArgs::try_parse() {
        Ok(args) => args,
        Err(refused) => return exit::usage(&refused),
    };
    exit::report(commands::run(args))
}
