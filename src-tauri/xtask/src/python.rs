//! The Python MCP SDK, as one of the foreign clients the tests run: a virtual environment in `target/tools/python`.

use std::process::Command;

use anyhow::Result;

use crate::{debian, paths, process, stamp::Stamp};

/// Exact versions, so that a test fails for our changes only.
const PACKAGES: [&str; 1] = ["mcp==2.3.0"];

pub(crate) fn ensure() -> Result<()> {
    let place = paths::tools().join("python");
    let python = place.join("bin/python");
    let stamp = Stamp::saying("python", &PACKAGES.join(" "));
    if stamp.is_fresh() && python.is_file() {
        return Ok(());
    }
    if !process::works(Command::new("python3").args(["-c", "import ensurepip, venv"])) {
        debian::install(
            "Python with venv, for a foreign MCP client",
            &["python3", "python3-venv"],
        )?;
    }
    process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place))?;
    process::run(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(PACKAGES),
    )?;
    stamp.set()
}
