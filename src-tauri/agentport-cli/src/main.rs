//! The `agentport` command (also `ap`): the gateway itself with `serve`, and beside it everything an owner or an agent
//! does from a terminal, each against the running gateway's own HTTP planes.
//!
//! What holds for every command: data goes to stdout, everything else to stderr; a secret is never taken from an
//! argument where a file, a prompt or stdin will do, and never printed except where showing it is the command; the exit
//! code is 0 done, 1 error, 2 waits for an approval.

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
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(refused) => return exit::usage(&refused),
    };
    exit::report(commands::run(args))
}
