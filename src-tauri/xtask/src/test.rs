//! `cargo xtask test`: fetches what the tests need, runs every test there is, and ends with one line that sums up.

use std::{
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::Result;

use crate::{
    bundle, compile, debian, node, paths, process, python,
    stages::{IgnoredTests, TestStages},
    test_report, tool,
};

/// Drives the windows of a Tauri program, by the web driver of the system's WebKit.
const TAURI_DRIVER: (&str, &str) = ("tauri-driver", "2.1.0");

pub(crate) fn run(filter: Option<&str>) -> Result<ExitCode> {
    ready()?;
    let mut stages = TestStages::default();
    if filter.is_none() {
        let mut npm = process::npm(&paths::root().join("ui"));
        stages.run("front end", npm.arg("test"), test_report::of_vitest, IgnoredTests::Skipped)?;
    }
    let mut everywhere = compile::test(&[]);
    stages.run("workspace", everywhere.args(filter), test_report::of_cargo, IgnoredTests::Left)?;
    desktop(&mut stages, filter)?;
    packages(&mut stages, filter)?;
    Ok(said(&stages))
}

/// Everything the tests find in place: tools, packages, the built front end and the programs with it inside.
pub(crate) fn ready() -> Result<()> {
    // Whole, for the tests that look at the dependency graph of every platform.
    process::run(process::cargo().args(["fetch", "--locked"]))?;
    debian::webkit()?;
    debian::chromium()?;
    debian::nginx()?;
    python::ensure()?;
    node::test_packages()?;
    node::ui_packages()?;
    node::build_ui()?;
    // Tests alone do not build the programs that other tests start.
    compile::everything()
}

/// A desktop session without a screen, and what drives windows in it.
pub(crate) fn session() -> Result<()> {
    debian::session()?;
    tool::ensure(TAURI_DRIVER.0, TAURI_DRIVER.1)?;
    Ok(())
}

/// The tray app in a real session, which is one of X11 and D-Bus.
fn desktop(stages: &mut TestStages, filter: Option<&str>) -> Result<()> {
    if !DESKTOP.is_wanted(filter, "it takes Xvfb and D-Bus, and so Linux")? {
        return Ok(());
    }
    match session() {
        Ok(()) => {
            stages.run(
                DESKTOP.name,
                &mut DESKTOP.test(filter),
                test_report::of_cargo,
                IgnoredTests::Run,
            )?;
        }
        Err(error) => stages.broken(DESKTOP.name, &error),
    }
    Ok(())
}

/// The packages, looked at and installed on a clean system.
fn packages(stages: &mut TestStages, filter: Option<&str>) -> Result<()> {
    if !PACKAGES.is_wanted(filter, ".deb and .rpm are made on Linux")? {
        return Ok(());
    }
    let mut test = PACKAGES.test(filter);
    match bundle::of_debug_build().and_then(|made| bundle::show(&made, &mut test)) {
        Ok(()) => stages.run(PACKAGES.name, &mut test, test_report::of_cargo, IgnoredTests::Run)?,
        Err(error) => stages.broken(PACKAGES.name, &error),
    }
    Ok(())
}

/// `cargo xtask bundle --try`: the packages in this folder, and nothing else.
pub(crate) fn only_packages(made: &Path) -> Result<ExitCode> {
    let mut test = PACKAGES.test(None);
    bundle::show(made, &mut test)?;
    let mut stages = TestStages::default();
    stages.run(PACKAGES.name, &mut test, test_report::of_cargo, IgnoredTests::Run)?;
    Ok(said(&stages))
}

/// The last line.
fn said(stages: &TestStages) -> ExitCode {
    let sum = stages.sum();
    process::say(&sum.to_string());
    if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A module of `it` whose tests need more than a build.
struct TestModule {
    name: &'static str,
    path: &'static str,
    /// The other one.
    not: &'static str,
}

const DESKTOP: TestModule =
    TestModule { name: "desktop session", path: "desktop::", not: "packages::" };
const PACKAGES: TestModule = TestModule { name: "packages", path: "packages::", not: "desktop::" };

impl TestModule {
    /// Not elsewhere than on Linux, and not where the filter chooses none of its tests.
    fn is_wanted(&self, filter: Option<&str>, why_linux: &str) -> Result<bool> {
        if filter.is_some() {
            let chosen = process::output(self.test(filter).arg("--list"))?;
            if !chosen.contains(self.path) {
                return Ok(false);
            }
        }
        if !cfg!(target_os = "linux") {
            process::say(&format!("== {}: skipped, because {why_linux}\n", self.name));
            return Ok(false);
        }
        Ok(true)
    }

    fn test(&self, filter: Option<&str>) -> Command {
        let mut cargo = compile::test(&["--test", "it"]);
        cargo.args(["--", "--ignored", filter.unwrap_or(self.path), "--skip", self.not]);
        cargo
    }
}
