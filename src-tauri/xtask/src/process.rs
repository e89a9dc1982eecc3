//! Running other programs, and saying so.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::paths;

/// Prints a line of progress.
#[expect(
    clippy::print_stdout,
    reason = "this is a command line tool, and nothing it says is secret unless meant to be"
)]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// Prints a line about a failure.
#[expect(clippy::print_stderr, reason = "as above")]
pub(crate) fn warn(text: &str) {
    eprintln!("{text}");
}

pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(paths::root());
    // Cargo has told us about our own package. Passed on, that makes a build script that looks at these variables run
    // again, and with it everything above be compiled again, at each change between `cargo xtask` and a cargo by hand.
    for (name, _) in std::env::vars_os() {
        let ours = name.to_str().is_some_and(|name| {
            ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| name.starts_with(start))
        });
        if ours {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// npm in a folder of the repository.
pub(crate) fn npm(folder: &Path) -> Command {
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.current_dir(folder);
    npm
}

/// Runs it, and fails if it does.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    say(&format!("$ {}", shown(command)));
    let status = command.status().with_context(|| format!("cannot start {}", program(command)))?;
    if status.success() { Ok(()) } else { bail!("{} failed ({status})", shown(command)) }
}

/// Runs it, passes its output on line by line, and shows each line to `look`. Says whether it ended well.
pub(crate) fn watch(command: &mut Command, mut look: impl FnMut(&str)) -> Result<bool> {
    say(&format!("$ {}", shown(command)));
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", program(command)))?;
    if let Some(stdout) = child.stdout.take() {
        let mut stdout = BufReader::new(stdout);
        let mut line = Vec::new();
        // Not `lines()`: a test may print what is no UTF-8.
        while stdout.read_until(b'\n', &mut line).context("cannot read its output")? > 0 {
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\n', '\r']);
            look(text);
            say(text);
            line.clear();
        }
    }
    let status = child.wait().with_context(|| format!("cannot wait for {}", program(command)))?;
    Ok(status.success())
}

/// Does it run and end well? Its output is dropped.
pub(crate) fn works(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// Its output, if it ends well.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", program(command)))?;
    if !output.status.success() {
        bail!("{} failed ({})", shown(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} wrote no text", program(command)))
}

fn program(command: &Command) -> String {
    let path = Path::new(command.get_program());
    path.file_name().unwrap_or(OsStr::new("?")).to_string_lossy().into_owned()
}

fn shown(command: &Command) -> String {
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
    std::iter::once(program(command)).chain(words).collect::<Vec<_>>().join(" ")
}
