//! `cargo xtask test`: fetches what the tests need, runs every test there is, and ends with one line that sums up.

use std::{
    process::{Command, ExitCode},
    time::Instant,
};

use anyhow::Result;

use crate::{
    debian, node, python, root, step,
    tally::{self, Tally},
};

pub(crate) fn run(filter: Option<&str>) -> Result<ExitCode> {
    ready()?;
    let mut all = Tally::default();
    let mut well = true;
    let mut stage =
        |name: &str, command: &mut Command, read: fn(&str) -> Option<Tally>| -> Result<()> {
            let begun = Instant::now();
            let mut here = Tally::default();
            let ended_well = step::watch(command, |line| {
                if let Some(found) = read(&tally::plain(line)) {
                    here += found;
                }
            })?;
            // One that did not compile, or died, says nothing of how many failed.
            if !ended_well && here.failed == 0 {
                here.failed = 1;
            }
            well &= ended_well && here.failed == 0;
            all += here;
            step::say(&format!("== {name}: {here} in {} s\n", begun.elapsed().as_secs()));
            Ok(())
        };
    if filter.is_none() {
        stage("front end", step::npm(&root::root().join("ui")).arg("test"), tally::of_vitest)?;
    }
    stage(
        "workspace",
        workspace(filter).env("AGENTPORT_BIN", root::program("debug", "agentport")),
        tally::of_cargo,
    )?;
    step::say(&all.to_string());
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Everything the tests find in place: tools, packages, the built front end and the program with it inside.
pub(crate) fn ready() -> Result<()> {
    debian::chromium()?;
    python::ensure()?;
    node::test_packages()?;
    node::ui_packages()?;
    node::build_ui()?;
    // Tests alone do not build the programs that other tests start. All at once, so that nothing is compiled twice with
    // other features.
    step::run(step::cargo().args(["build", "--all-targets"]))
}

/// The workspace's default members: all that needs neither a desktop nor its libraries.
fn workspace(filter: Option<&str>) -> Command {
    let mut cargo = step::cargo();
    cargo.args(["test", "--no-fail-fast"]).args(filter);
    cargo
}
