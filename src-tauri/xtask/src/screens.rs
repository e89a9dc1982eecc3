//! `cargo xtask screens`: pictures of every page, light and dark, into `target/screens`.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::{root, step, test};

pub(crate) fn run() -> Result<ExitCode> {
    test::ready()?;
    let pictures = root::target().join("screens");
    step::run(
        Command::new(root::program("debug", "screens"))
            .arg(&pictures)
            .current_dir(root::root())
            .env("AGENTPORT_BIN", root::program("debug", "agentport")),
    )?;
    step::say(&format!("The pictures are in {}.", pictures.display()));
    Ok(ExitCode::SUCCESS)
}
