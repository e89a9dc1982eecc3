//! macOS and Windows. Written with care and never run: there was no such machine.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::{COMMAND_LINE, DESKTOP, Stage, license_notices, profile};
use crate::{paths, process};

/// The bundler's name for a program for both processors.
pub(super) const UNIVERSAL: &str = "universal-apple-darwin";
const PROCESSORS: [&str; 2] = ["aarch64-apple-darwin", "x86_64-apple-darwin"];

/// With these the bundler signs and notarises. A workflow sets them from secrets that may not be there.
const SECRETS: [&str; 6] = [
    "APPLE_CERTIFICATE",
    "APPLE_CERTIFICATE_PASSWORD",
    "APPLE_ID",
    "APPLE_PASSWORD",
    "APPLE_SIGNING_IDENTITY",
    "APPLE_TEAM_ID",
];

/// An empty variable counts as a certificate that cannot be read, a missing one as none.
pub(super) fn without_empty_secrets(bundler: &mut Command) {
    for name in SECRETS.into_iter().filter(|name| !is_set(name)) {
        bundler.env_remove(name);
    }
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// The programs for both processors in one file each.
pub(super) fn universal(debug: bool) -> Result<PathBuf> {
    if !cfg!(target_os = "macos") {
        bail!("a program for both processors is made on macOS");
    }
    for processor in PROCESSORS {
        let mut cargo = process::cargo();
        cargo.args(["build", "--locked", "--target", processor]);
        if !debug {
            cargo.arg("--release");
        }
        process::run(cargo.args(["--package", "agentport-cli", "--package", DESKTOP]))?;
    }
    let built = |target: &str| paths::target().join(target).join(profile(debug));
    let both = built(UNIVERSAL);
    fs::create_dir_all(&both).with_context(|| format!("cannot make {}", both.display()))?;
    for name in COMMAND_LINE.iter().chain([&DESKTOP]) {
        let parts = PROCESSORS.map(|processor| built(processor).join(name));
        let mut lipo = Command::new("lipo");
        process::run(lipo.arg("-create").arg("-output").arg(both.join(name)).args(parts))?;
    }
    Ok(both)
}

pub(super) fn macos(stage: &Stage) -> Result<Value> {
    let mut macos =
        json!({ "files": { "Resources/third-party.txt": license_notices::file(stage)? } });
    if !is_set("APPLE_CERTIFICATE") && !is_set("APPLE_SIGNING_IDENTITY") {
        // Signed without an identity, which is still needed: an app without a signature gets no notifications and does not start
        // on Apple's processors.
        macos["signingIdentity"] = json!("-");
    }
    Ok(json!({
        "bundle": {
            "license": "Apache-2.0",
            "category": "Utility",
            "externalBin": stage.command_line(),
            "macOS": macos,
        },
    }))
}

pub(super) fn windows(stage: &Stage) -> Result<Value> {
    let notices = license_notices::file(stage)?.display().to_string();
    Ok(json!({
        "bundle": {
            "license": "Apache-2.0",
            "externalBin": stage.command_line(),
            "resources": { notices: "third-party.txt" },
            // For this account alone: no administrator is needed.
            "windows": { "nsis": { "installMode": "currentUser" } },
        },
    }))
}
