//! Programs from the crate registry that checks and tests use: built once, in exactly one version, each in a folder of its
//! own under `target/tools`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::{paths, process, stamp::Stamp};

pub(crate) fn ensure(name: &str, version: &str) -> Result<PathBuf> {
    let place = paths::tools().join(name);
    let program = place.join("bin").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let stamp = Stamp::saying(name, version);
    if stamp.is_fresh() && program.is_file() {
        return Ok(program);
    }
    process::say(&format!("Building {name}, once; this takes some minutes."));
    let build = place.join("build");
    process::run(
        process::cargo()
            .args(["install", "--locked", "--quiet", "--force", name, "--version", version])
            .arg("--root")
            .arg(&place)
            // Its own place, so that it does not wait for, or throw away, what is built of ours.
            .arg("--target-dir")
            .arg(&build),
    )
    .with_context(|| format!("{name} cannot be installed"))?;
    // Hundreds of megabytes that are not needed again.
    let _ = std::fs::remove_dir_all(build);
    stamp.set()?;
    Ok(program)
}
