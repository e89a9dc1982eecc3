//! `cargo xtask bench`: a release build, measured beside the same calls made without it.

use std::{
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::Result;

use crate::{debian, node, paths, process, test};

pub(crate) fn run(desktop: bool, json: Option<&Path>, rest: &[String]) -> Result<ExitCode> {
    if desktop {
        debian::webkit()?;
        test::session()?;
    }
    node::build_ui()?;
    // What the bridge is measured beside.
    node::test_packages()?;
    // The programs by themselves, with the features they ship with: together with the tests they would get theirs too.
    let mut programs = process::cargo();
    programs.args(["build", "--release", "--package", "agentport-cli"]);
    if desktop {
        programs.args(["--package", "agentport-desktop"]);
    }
    process::run(&mut programs)?;
    process::run(process::cargo().args([
        "build",
        "--release",
        "--package",
        "agentport-tests",
        "--bins",
    ]))?;
    let mut bench = Command::new(paths::program("release", "bench"));
    bench.env("AGENTPORT_BIN", paths::program("release", "agentport"));
    if desktop {
        bench.env("AGENTPORT_DESKTOP_BIN", paths::program("release", "agentport-desktop"));
    }
    if let Some(file) = json {
        bench.arg("--json").arg(file);
    }
    process::run(bench.args(rest))?;
    Ok(ExitCode::SUCCESS)
}
