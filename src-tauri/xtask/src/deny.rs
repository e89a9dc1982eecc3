//! cargo-deny: are all licences ones we can live with, and does everything come from where it should?

use std::{path::PathBuf, process::Command};

use anyhow::{Context as _, Result};

use crate::{root, step};

const VERSION: &str = "0.20.2";

/// The parts that need no network: the advisories come from a database on the net, and have a place of their own.
pub(crate) fn check() -> Result<()> {
    let program = program()?;
    step::run(Command::new(program).current_dir(root::root()).args([
        "--offline",
        "--log-level",
        "warn",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))
}

/// The one on the path, or our own, which takes some minutes to build once.
fn program() -> Result<PathBuf> {
    if step::works(Command::new("cargo-deny").arg("--version")) {
        return Ok("cargo-deny".into());
    }
    let tools = root::tools();
    let own = tools.join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    let right = |version: String| version.split_whitespace().nth(1) == Some(VERSION);
    if own.is_file() && step::output(Command::new(&own).arg("--version")).is_ok_and(right) {
        return Ok(own);
    }
    step::say("Building cargo-deny, once; this takes some minutes.");
    let install = ["install", "--locked", "--quiet", "--force", "cargo-deny", "--version", VERSION];
    step::run(
        step::cargo()
            .args(install)
            .arg("--root")
            .arg(&tools)
            // Its own place, so that it does not wait for, or throw away, what is built of ours.
            .arg("--target-dir")
            .arg(tools.join("build")),
    )
    .context("cargo-deny cannot be installed")?;
    // Half a gigabyte that nobody needs again.
    let _ = std::fs::remove_dir_all(tools.join("build"));
    Ok(own)
}
