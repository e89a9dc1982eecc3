//! A clean Debian in a folder: the least there is, the package, and what the package asks for. Nothing the package forgot
//! to ask for is there by chance.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{debian, paths, process};

/// Adds what the tests of the packages need to know of it; or, where it cannot be made, has them leave it out.
pub(super) fn show(packages: &Path, tests: &mut Command) -> Result<()> {
    if let Some(reason) = obstacle() {
        process::say(&format!("The package is not tried on a clean system, because {reason}."));
        tests.args(["--skip", "clean_system"]);
        return Ok(());
    }
    tests.env("AGENTPORT_CLEAN_SYSTEM", make(packages)?);
    Ok(())
}

fn obstacle() -> Option<&'static str> {
    if !debian::is_root() {
        return Some("only root makes one");
    }
    // What is mounted for it, and what runs in it, is gone with the namespace.
    if !process::works(Command::new("unshare").args(["--mount", "--pid", "--fork", "true"])) {
        return Some("this machine gives root no namespaces");
    }
    None
}

fn make(packages: &Path) -> Result<PathBuf> {
    let package = fs::read_dir(packages)
        .with_context(|| format!("cannot read {}", packages.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|ending| ending == "deb"))
        .with_context(|| format!("there is no .deb in {}", packages.display()))?;
    let place = paths::target().join("bundle/clean");
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("cannot empty {}", place.display()))?;
    }
    // apt there takes nothing that is only recommended, and the package as a file of this machine.
    process::run(
        Command::new("mmdebstrap")
            .args(["--quiet", "--variant=minbase"])
            .arg("--hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount")
            .arg(format!("--include={}", package.display()))
            .arg(release()?)
            .arg(&place),
    )
    .context("there is no clean Debian to try the package on")?;
    Ok(place)
}

/// The release of this machine, whose libraries the programs are linked with.
fn release() -> Result<String> {
    let text = fs::read_to_string("/etc/os-release").context("cannot read /etc/os-release")?;
    let name = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    name.map(|name| name.trim_matches('"').to_owned()).context("this Debian has no code name")
}
