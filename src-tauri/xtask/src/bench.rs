//! `cargo xtask bench`: a release build, measured beside the same calls made without it.

use std::{
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::Result;

use crate::{node, root, step};

pub(crate) fn run(json: Option<&Path>, rest: &[String]) -> Result<ExitCode> {
    node::build_ui()?;
    // The program by itself, with the features it ships with: together with the tests it would get theirs as well.
    step::run(step::cargo().args(["build", "--release", "--package", "agentport-cli"]))?;
    step::run(step::cargo().args([
        "build",
        "--release",
        "--package",
        "agentport-tests",
        "--bins",
    ]))?;
    let mut bench = Command::new(root::program("release", "bench"));
    bench.env("AGENTPORT_BIN", root::program("release", "agentport"));
    if let Some(file) = json {
        bench.arg("--json").arg(file);
    }
    step::run(bench.args(rest))?;
    Ok(ExitCode::SUCCESS)
}
