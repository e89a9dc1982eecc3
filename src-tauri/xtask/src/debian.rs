//! What Debian has to provide. Installed where we may, named where we may not.

use std::{io::IsTerminal as _, path::Path, process::Command};

use anyhow::{Result, bail};

use crate::step;

/// Chromium, in which the pages are tested.
pub(crate) fn chromium() -> Result<()> {
    if std::env::var_os("CHROMIUM").is_some() || Path::new("/usr/bin/chromium").exists() {
        return Ok(());
    }
    // Without a font the pictures show no words.
    install("Chromium, for the browser tests", &["chromium", "fonts-liberation"])
}

/// Installs packages: as root, or with sudo, which asks for a password only where there is a terminal to ask on.
pub(crate) fn install(what: &str, packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!("{what}: please install {names}; this machine has no apt-get to do it with");
    }
    step::say(&format!("{what}: installing {names}"));
    let Some(as_root) = as_root() else {
        bail!(
            "{what}: please run `apt-get install {names}` as root; there is no sudo that works here"
        );
    };
    let apt_get = |words: &[&str]| {
        let mut line = as_root.clone();
        line.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"]);
        line.extend(words);
        step::run(Command::new(line[0]).args(&line[1..]))
    };
    apt_get(&["update"])?;
    let mut words = vec!["install", "--yes", "--no-install-recommends"];
    words.extend(packages);
    apt_get(&words)
}

/// The words that make a command run as root.
fn as_root() -> Option<Vec<&'static str>> {
    #[cfg(unix)]
    if nix::unistd::geteuid().is_root() {
        return Some(Vec::new());
    }
    if step::works(Command::new("sudo").args(["-n", "true"])) {
        return Some(vec!["sudo", "-n"]);
    }
    (std::io::stdin().is_terminal() && step::works(Command::new("sudo").arg("--version")))
        .then(|| vec!["sudo"])
}
