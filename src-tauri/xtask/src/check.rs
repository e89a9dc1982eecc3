//! `cargo xtask check`: everything that can be said about the sources without running the product.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::{
    bindings, debian, deny, file_lengths, links, module_form, node, paths::root, process,
    source_measures, workflows,
};

type Check = (&'static str, fn(bool) -> Result<()>);

/// Quick ones first.
const CHECKS: [Check; 13] = [
    ("lock file", lock_file),
    ("file lengths", |_| file_lengths::check()),
    ("module form", |_| module_form::check()),
    ("source measures", |_| source_measures::check()),
    ("links", |_| links::check()),
    ("format", format),
    ("workflows", workflows::check),
    // The default members by themselves: they must build with the features they ask for, without the desktop's and
    // without WebKit.
    ("lints", |_| lints(&[])),
    ("lints of the desktop", |_| {
        desktop()?;
        lints(&["--package", "agentport-desktop"])
    }),
    ("generated types", |fix| {
        desktop()?;
        bindings::check(fix)
    }),
    ("front end: types", |_| front_end("check")),
    ("front end: format", |fix| front_end(if fix { "format" } else { "lint" })),
    ("licences and sources", |_| deny::check()),
];

/// Runs all of them, also after one has failed: one run says everything.
pub(crate) fn run(fix: bool) -> Result<ExitCode> {
    components()?;
    let mut failed = Vec::new();
    for (name, check) in CHECKS {
        process::say(&format!("\n== {name}"));
        if let Err(error) = check(fix) {
            process::warn(&format!("error: {error:#}"));
            failed.push(name);
        }
    }
    if failed.is_empty() {
        process::say("\nAll checks pass.");
        return Ok(ExitCode::SUCCESS);
    }
    process::warn(&format!("\nFailed: {}", failed.join(", ")));
    Ok(ExitCode::FAILURE)
}

/// rustup's minimal profile comes without the formatter and the linter.
fn components() -> Result<()> {
    for (name, command) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if !process::works(process::cargo().args([command, "--version"])) {
            process::run(Command::new("rustup").args(["component", "add", name]))?;
        }
    }
    Ok(())
}

/// `Cargo.lock` is what the manifests ask for; and what it names is here, for the checks that go without a network.
fn lock_file(fix: bool) -> Result<()> {
    let mut cargo = process::cargo();
    cargo.arg("fetch");
    if !fix {
        cargo.arg("--locked");
    }
    process::run(&mut cargo)
}

fn format(fix: bool) -> Result<()> {
    let mut cargo = process::cargo();
    cargo.args(["fmt", "--all"]);
    if !fix {
        cargo.arg("--check");
    }
    process::run(&mut cargo)
}

fn lints(packages: &[&str]) -> Result<()> {
    process::run(process::cargo().args(["clippy", "--locked"]).args(packages).args([
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ]))
}

/// What the desktop is compiled with: WebKit, and the pages it takes into the program.
fn desktop() -> Result<()> {
    debian::webkit()?;
    node::build_ui()
}

fn front_end(script: &str) -> Result<()> {
    node::ui_packages()?;
    process::run(process::npm(&root().join("ui")).args(["run", script]))
}
