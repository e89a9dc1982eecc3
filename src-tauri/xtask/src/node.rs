//! What comes from npm: the front end and the packages the tests drive.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{paths::root, process, stamp::Stamp};

/// The oldest Node that builds the front end.
const OLDEST: (u32, u32) = (20, 19);

/// The built front end in `ui/dist`.
pub(crate) fn build_ui() -> Result<()> {
    let ui = root().join("ui");
    let stamp = Stamp::of("ui-build", std::slice::from_ref(&ui))?;
    if stamp.is_fresh() && ui.join("dist/index.html").is_file() {
        return Ok(());
    }
    packages(&ui)?;
    process::run(process::npm(&ui).args(["run", "build"]))?;
    stamp.set()
}

/// The packages in `ui/node_modules`.
pub(crate) fn ui_packages() -> Result<()> {
    packages(&root().join("ui"))
}

/// The packages in `tests/browser/node_modules`: real servers, foreign clients, the conformance suite.
pub(crate) fn test_packages() -> Result<()> {
    packages(&root().join("tests/browser"))
}

/// Tauri's bundler, in `src-tauri/bundle/node_modules`.
pub(crate) fn bundler() -> Result<()> {
    packages(&root().join("src-tauri/bundle"))
}

/// Exactly what the lock file says, once for each lock file.
fn packages(folder: &Path) -> Result<()> {
    let name =
        folder.strip_prefix(root()).unwrap_or(folder).to_string_lossy().replace(['/', '\\'], "-");
    let sources = ["package.json", "package-lock.json"].map(|file| folder.join(file));
    let stamp = Stamp::of(&format!("npm-{name}"), &sources)?;
    if stamp.is_fresh() && folder.join("node_modules/.package-lock.json").is_file() {
        return Ok(());
    }
    new_enough()?;
    process::run(process::npm(folder).args(["ci", "--no-audit", "--no-fund"]))?;
    stamp.set()
}

fn new_enough() -> Result<()> {
    let (major, minor) = OLDEST;
    let needed = format!(
        "Node {major}.{minor} or newer is needed, with npm; get it from https://nodejs.org"
    );
    let version =
        process::output(Command::new("node").arg("--version")).with_context(|| needed.clone())?;
    match parse(&version) {
        Some(found) if found >= OLDEST => Ok(()),
        _ => bail!("{needed} (found {})", version.trim()),
    }
}

/// `v20.19.4` → (20, 19)
fn parse(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim().strip_prefix('v')?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(parse("v20.19.4\n"), Some((20, 19)));
        assert_eq!(parse("v24.0.0-nightly"), Some((24, 0)));
        assert_eq!(parse("20.19"), None);
        assert!((20, 2) < OLDEST && OLDEST <= (22, 0));
    }
}
