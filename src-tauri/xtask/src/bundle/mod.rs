//! `cargo xtask bundle`: the packages of the platform it runs on, into `target/bundle`.
//!
//! Cargo builds the programs, with the features they ship with. Tauri's bundler (from npm, in the version of
//! `src-tauri/bundle/package-lock.json`) only packs what lies ready in a staging folder, so it neither compiles anything
//! nor touches what cargo has made. `.deb` and `.rpm` take no tool and no network beyond that. No package starts anything:
//! starting at login is the owner's choice, made in the app.

mod clean_install;
mod cli_assets;
mod dependencies;
mod license_notices;
mod linux;
mod macos_windows;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{compile, debian, node, paths, process, test};

const DESKTOP: &str = "agentport-desktop";
/// The command line, which a package installs beside the tray app.
const COMMAND_LINE: [&str; 2] = ["agentport", "ap"];

#[derive(Debug, Clone, Copy)]
pub(crate) struct BundleRequest {
    pub debug: bool,
    /// On Linux also the AppImage, for which the bundler downloads tools.
    pub appimage: bool,
    /// On macOS for both processors.
    pub universal: bool,
}

/// Where the programs are that go into a package.
#[derive(Debug)]
struct Stage {
    /// In place of cargo's output folder, for the bundler.
    target: PathBuf,
    programs: PathBuf,
    /// What they were compiled for, in the compiler's words.
    platform: String,
    debug: bool,
}

impl Stage {
    /// What goes beside the tray app, as the bundler is told of it: it finds each with the platform in its name, leaves
    /// that away, and signs it where the app is signed.
    fn command_line(&self) -> [PathBuf; 2] {
        COMMAND_LINE.map(|name| self.programs.join(name))
    }

    /// The files of all programs.
    fn files(&self) -> Vec<String> {
        let beside = COMMAND_LINE.map(|name| format!("{name}-{}", self.platform));
        beside.into_iter().chain([DESKTOP.to_owned()]).collect()
    }
}

pub(crate) fn run(wanted: BundleRequest, tried: bool) -> Result<ExitCode> {
    debian::webkit()?;
    node::build_ui()?;
    let from = build(wanted)?;
    for package in make(wanted, &from)? {
        let size = fs::metadata(&package).map_or(0, |file| file.len());
        process::say(&format!("{} ({:.1} MB)", package.display(), size as f64 / 1e6));
    }
    if tried { test::only_packages(&folder(wanted.debug)) } else { Ok(ExitCode::SUCCESS) }
}

/// Packs the debug build that lies there, and says in which folder.
pub(crate) fn of_debug_build() -> Result<PathBuf> {
    let wanted = BundleRequest { debug: true, appimage: false, universal: false };
    make(wanted, &paths::target().join(profile(true)))?;
    Ok(folder(true))
}

/// Gives the tests of the packages what they look at, and what they need for that.
pub(crate) fn show(packages: &Path, tests: &mut Command) -> Result<()> {
    debian::package_tools()?;
    debian::session()?;
    tests.env("AGENTPORT_PACKAGES", packages);
    clean_install::show(packages, tests)
}

/// Where the packages lie when they are done.
fn folder(debug: bool) -> PathBuf {
    let bundle = paths::target().join("bundle");
    if debug { bundle.join("debug") } else { bundle }
}

/// Builds the programs, and says in which folder they are.
fn build(wanted: BundleRequest) -> Result<PathBuf> {
    if wanted.universal {
        return macos_windows::universal(wanted.debug);
    }
    if wanted.debug {
        compile::programs(&[COMMAND_LINE[0], COMMAND_LINE[1], DESKTOP])?;
    } else {
        // By themselves, with the features they ship with.
        process::run(process::cargo().args([
            "build",
            "--release",
            "--package",
            "agentport-cli",
            "--package",
            DESKTOP,
        ]))?;
    }
    Ok(paths::target().join(profile(wanted.debug)))
}

fn profile(debug: bool) -> &'static str {
    if debug { "debug" } else { "release" }
}

/// Packs the programs in `from`.
fn make(wanted: BundleRequest, from: &Path) -> Result<Vec<PathBuf>> {
    node::bundler()?;
    let stage = stage(wanted, from)?;
    let (kinds, config) = if cfg!(target_os = "linux") {
        (if wanted.appimage { "deb,rpm,appimage" } else { "deb,rpm" }, linux::config(&stage)?)
    } else if cfg!(target_os = "macos") {
        ("app,dmg", macos_windows::macos(&stage)?)
    } else if cfg!(windows) {
        ("nsis,msi", macos_windows::windows(&stage)?)
    } else {
        bail!("there are no packages for this platform")
    };
    let bundled = pack(&stage, wanted, kinds, &config)?;
    let to = folder(wanted.debug);
    fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
    bundled.iter().map(|file| move_into(file, &to)).collect()
}

/// An empty staging folder with the programs in it, stripped where cargo has not done it.
fn stage(wanted: BundleRequest, from: &Path) -> Result<Stage> {
    let target = paths::target().join("bundle/stage");
    let programs = match from.strip_prefix(paths::target()) {
        Ok(relative) => target.join(relative),
        Err(_) => bail!("{} is not in cargo's output folder", from.display()),
    };
    if target.exists() {
        fs::remove_dir_all(&target)
            .with_context(|| format!("cannot empty {}", target.display()))?;
    }
    fs::create_dir_all(&programs).with_context(|| format!("cannot make {}", programs.display()))?;
    let platform = if wanted.universal { macos_windows::UNIVERSAL.to_owned() } else { host()? };
    let stage = Stage { target, programs, platform, debug: wanted.debug };
    for (name, file) in COMMAND_LINE.into_iter().chain([DESKTOP]).zip(stage.files()) {
        let ending = std::env::consts::EXE_SUFFIX;
        let original = from.join(format!("{name}{ending}"));
        let copy = stage.programs.join(format!("{file}{ending}"));
        fs::copy(&original, &copy)
            .with_context(|| format!("cannot copy {}", original.display()))?;
        if cfg!(target_os = "linux") && wanted.debug {
            process::run(Command::new("strip").arg(&copy))?;
        }
    }
    Ok(stage)
}

/// The platform the compiler runs on, and compiles for unless told otherwise.
fn host() -> Result<String> {
    let about = process::output(Command::new("rustc").arg("-vV"))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc does not say where it runs")
}

/// Runs the bundler, and gives the files it has made.
fn pack(stage: &Stage, wanted: BundleRequest, kinds: &str, config: &Value) -> Result<Vec<PathBuf>> {
    let file = stage.target.join("config.json");
    fs::write(&file, format!("{config:#}"))
        .with_context(|| format!("cannot write {}", file.display()))?;
    let mut bundler = Command::new("node");
    bundler
        .current_dir(paths::root().join("src-tauri"))
        .arg("bundle/node_modules/@tauri-apps/cli/tauri.js")
        .args(["bundle", "--ci", "--no-binary-patching", "--bundles", kinds])
        .arg("--config")
        .arg(&file)
        .env("CARGO_TARGET_DIR", &stage.target)
        // It takes only `true` and `false` there, and has been told by the argument.
        .env_remove("CI");
    if stage.debug {
        bundler.arg("--debug");
    }
    if wanted.universal {
        bundler.args(["--target", macos_windows::UNIVERSAL]);
    }
    macos_windows::without_empty_secrets(&mut bundler);
    process::run(&mut bundler)?;
    let mut made = Vec::new();
    let bundle = stage.programs.join("bundle");
    for kind in kinds.split(',').filter(|kind| *kind != "app") {
        let folder = bundle.join(kind);
        let endings = if kind == "nsis" { "exe" } else { kind };
        let packages = fs::read_dir(&folder)
            .with_context(|| format!("the bundler has left nothing in {}", folder.display()))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                path.extension().is_some_and(|found| found.eq_ignore_ascii_case(endings))
            });
        made.extend(packages);
    }
    Ok(made)
}

/// In the place of an earlier one, of whichever version.
fn move_into(file: &Path, folder: &Path) -> Result<PathBuf> {
    let name = file.file_name().context("a package has a name")?;
    let kind = file.extension();
    for before in fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())) {
        if before.is_file() && before.extension() == kind {
            fs::remove_file(&before)
                .with_context(|| format!("cannot remove {}", before.display()))?;
        }
    }
    let to = folder.join(name);
    fs::rename(file, &to).with_context(|| format!("cannot move {}", file.display()))?;
    Ok(to)
}
