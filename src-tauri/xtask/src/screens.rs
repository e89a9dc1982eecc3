//! `cargo xtask screens`: pictures of every page, light and dark, into `target/screens`; with `--readme` the inbox also into
//! the sources, where the README shows it from.

use std::{
    fs,
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result};

use crate::{paths, process, test};

/// The inbox with a request in it, among the pictures.
const INBOX: &str = "request-light-wide.png";
/// Where the README shows it from.
const IN_README: &str = "ui/docs/inbox.png";

pub(crate) fn run(readme: bool) -> Result<ExitCode> {
    test::ready()?;
    let pictures = paths::target().join("screens");
    let mut screens = Command::new(paths::program("debug", "screens"));
    screens
        .arg(&pictures)
        .current_dir(paths::root())
        .env("AGENTPORT_BIN", paths::program("debug", "agentport"));
    // The tray, the notifications and the windows take a session; without one there are the pages in a browser.
    match test::session() {
        Ok(()) => {
            screens.env("AGENTPORT_DESKTOP_BIN", paths::program("debug", "agentport-desktop"));
        }
        Err(error) => process::warn(&format!("No pictures of the desktop: {error:#}")),
    }
    process::run(&mut screens)?;
    process::say(&format!("The pictures are in {}.", pictures.display()));
    if readme {
        let to = paths::root().join(IN_README);
        let copied = to.parent().map_or(Ok(()), fs::create_dir_all);
        copied
            .and_then(|()| fs::copy(pictures.join(INBOX), &to))
            .with_context(|| format!("cannot copy {INBOX} to {}", to.display()))?;
        process::say(&format!("The README shows {INBOX}, as {IN_README}."));
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_shows_it() {
        let readme = fs::read_to_string(paths::root().join("README.md")).unwrap();
        assert!(readme.contains(&format!("({IN_README})")));
    }
}
