//! cargo-deny: are all licences ones we can live with, and does everything come from where it should?

use std::{path::PathBuf, process::Command};

use anyhow::Result;

use crate::{paths, process, tool};

const VERSION: &str = "0.20.2";

/// The parts that need no network: the advisories come from a database on the net, and have a place of their own.
pub(crate) fn check() -> Result<()> {
    let program = program()?;
    process::run(Command::new(program).current_dir(paths::root()).args([
        "--offline",
        "--log-level",
        "warn",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))
}

/// The one on the path, or our own.
fn program() -> Result<PathBuf> {
    if process::works(Command::new("cargo-deny").arg("--version")) {
        return Ok("cargo-deny".into());
    }
    tool::ensure("cargo-deny", VERSION)
}
