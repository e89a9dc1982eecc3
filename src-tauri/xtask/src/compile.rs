//! Compiling our programs and tests, for trying them and testing them.
//!
//! It is always the whole workspace that cargo is asked about, whichever part of it is wanted: cargo chooses the features
//! of a dependency by the packages it is asked about, not by what is built of them, and with others it compiles most of
//! the tree a second time. So the tasks differ in the programs they build and the tests they run, never in the packages
//! they name. A program that a task does not need is not compiled: the gateway alone still takes no WebKit. That the default members build
//! with their own features is what `cargo xtask check` looks at.

use std::process::Command;

use anyhow::Result;

use crate::{paths, process};

/// Some programs of ours.
pub(crate) fn programs(names: &[&str]) -> Result<()> {
    let mut cargo = process::cargo();
    // There are no examples. But with them come the features of the tests, so that `cargo xtask run` leaves compiled what
    // `cargo xtask test` needs.
    cargo.args(["build", "--locked", "--workspace", "--examples"]);
    for name in names {
        cargo.args(["--bin", name]);
    }
    process::run(&mut cargo)
}

/// All programs and all tests.
pub(crate) fn everything() -> Result<()> {
    process::run(process::cargo().args(["build", "--locked", "--workspace", "--all-targets"]))
}

/// `cargo test`, where tests find the programs that have been built.
pub(crate) fn test(targets: &[&str]) -> Command {
    let mut cargo = process::cargo();
    cargo
        .args(["test", "--locked", "--workspace", "--no-fail-fast"])
        .args(targets)
        .env("AGENTPORT_BIN", paths::program("debug", "agentport"))
        .env("AGENTPORT_DESKTOP_BIN", paths::program("debug", "agentport-desktop"));
    cargo
}
